"""The one HTTP client for addresses that users give: webhooks, upstreams of integrations, callbacks.

It goes only where `core.addresses` lets it: the URL is read once, strictly; every address that a name resolves to is
judged, and the socket is made for an address that was judged at that very moment, so that a name that changes its mind
between check and connection gains nothing. It follows no redirects, reads no proxy variables, keeps no cookies, never
decompresses, and puts bounds on time and size.
"""

import asyncio
import contextlib
import socket
import ssl
import threading
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Self, TypeVar

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from django.conf import settings
from django.utils.translation import gettext_lazy as _
from yarl import URL

from core.addresses import LOOKUP_TIMEOUT, LOOKUPS, Refused, look_up, read_url, require_public

__all__ = ["Answer", "Client", "Dialer", "Refused", "TooSlow", "Unreachable", "post"]

TIMEOUT = 15.0
CONNECT_TIMEOUT = 10.0
LARGEST_ANSWER = 64 * 1024
# A name's addresses are kept this long, and so is the failure to find them, so that dead names don't hold up lookups.
NAMES_KEPT = 10
FAILURES_KEPT = 30.0

Lookup = Callable[[str, int], list[str]]
Spoken = TypeVar("Spoken", bound=asyncio.BaseProtocol)


class Unreachable(Exception):
    """Nothing there, or it broke off: `reason` says what happened, in words for the address's owner."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class TooSlow(Unreachable):
    """The time was up before the whole answer had come."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: status, headers as received, at most the allowed bytes of the body, seconds it took."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    truncated: bool
    seconds: float


class Client:
    """The guarded client of one event loop, as an asynchronous context manager; connections are kept alive and reused.

    `lookup` finds a name's addresses and is given by tests only.
    """

    def __init__(self, *, lookup: Lookup | None = None, keepalive: float = 30.0) -> None:
        self._lookup = lookup or look_up
        self._keepalive = keepalive
        self._session: aiohttp.ClientSession

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(
            resolver=GuardedResolver(self._lookup),
            ttl_dns_cache=NAMES_KEPT,
            socket_factory=_guarded_socket,
            limit=0,  # how many run at once is the caller's to bound, so that nobody waits behind somebody else's dead server
            keepalive_timeout=self._keepalive,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            auto_decompress=False,
            skip_auto_headers=("Accept-Encoding",),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT),
        )
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._session.close()

    @contextlib.asynccontextmanager
    async def open(
        self,
        method: str,
        url: str | URL,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | AsyncIterator[bytes] | None = None,
        timeout: float | None = TIMEOUT,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """The answer as a stream, for the length of the block: `response.content.iter_any()` reads it as it comes.

        A `URL` is sent with its path and query as they are spelt; of it only the origin is the user's, and is checked.
        `timeout` bounds the block as a whole; None leaves that to the caller. Raises Refused, Unreachable, TooSlow.
        """
        checked = _target(str(url.origin()) if isinstance(url, URL) else url, False, settings.ALLOW_LOCAL_TARGETS)
        target = url if isinstance(url, URL) else checked
        try:
            async with (
                asyncio.timeout(timeout),
                self._session.request(
                    method, target, headers=headers, data=body, allow_redirects=False, compress=None
                ) as response,
            ):
                yield response
        except TimeoutError as error:
            raise TooSlow(_time_was_up(timeout)) from error
        except (aiohttp.ClientError, OSError) as error:
            raise Unreachable(_explained(error)) from error

    async def fetch(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        timeout: float = TIMEOUT,
        most: int = LARGEST_ANSWER,
    ) -> Answer:
        """The whole answer, its body cut off after `most` bytes. Raises Refused, Unreachable, TooSlow."""
        began = time.perf_counter()
        headers = {"Accept-Encoding": "identity", **(headers or {})}
        async with self.open(method, url, headers=headers, body=body, timeout=timeout) as response:
            read, truncated = await _read(response, most)
            received = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in response.raw_headers]
            return Answer(response.status, received, read, truncated, time.perf_counter() - began)


def post(url: str, *, headers: Mapping[str, str], body: bytes, timeout: float = TIMEOUT) -> Answer:
    """One POST from synchronous code, on a connection of its own. Raises Refused, Unreachable, TooSlow."""
    outcome: list[Answer] = []
    failure: list[Exception] = []

    async def send() -> None:
        async with Client() as client:
            outcome.append(await client.fetch("POST", url, headers=headers, body=body, timeout=timeout))

    def run() -> None:  # a thread of its own, because the caller's may carry a running loop
        try:
            asyncio.run(send())
        except (Refused, Unreachable) as error:
            failure.append(error)

    thread = threading.Thread(target=run, name="outbound")
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
    return outcome[0]


class Dialer:
    """Makes single connections to users' servers for those who speak a protocol of their own, as guarded as the client's.

    The addresses of a name are kept for NAMES_KEPT seconds, and judged anew each time that one is connected to.
    """

    def __init__(self, *, lookup: Lookup | None = None) -> None:
        self._resolvers = {private: GuardedResolver(lookup or look_up, private=private) for private in (False, True)}
        self._kept: dict[tuple[str, int, bool], tuple[float, list[ResolveResult]]] = {}
        self._looking: dict[tuple[str, int, bool], asyncio.Task[list[ResolveResult]]] = {}
        self._tls = ssl.create_default_context()
        self._tls.set_alpn_protocols(["http/1.1"])

    async def connect(self, speak: Callable[[], Spoken], origin: str, *, seconds: float, private: bool = False) -> Spoken:
        """The protocol that `speak` makes, connected to an origin (`https://host:port`), whose certificate is checked.

        A `private` one may be in the installation's `PRIVATE_UPSTREAMS`. Its addresses are tried one after the other. Raises
        Refused, Unreachable, and TooSlow after so many seconds.
        """
        url = _target(origin, private, settings.ALLOW_LOCAL_TARGETS)
        host, port = url.raw_host or "", url.port or 0
        try:
            async with asyncio.timeout(seconds):
                *others, last = await self._addresses(host, port, private)
                name = host if url.scheme == "https" else None
                for found in others:
                    with contextlib.suppress(OSError):
                        return await self._open(speak, found, name, private)
                return await self._open(speak, last, name, private)
        except TimeoutError as error:
            raise TooSlow(
                str(_("The server could not be reached within {seconds} seconds.")).format(seconds=f"{seconds:g}")
            ) from error
        except OSError as error:
            raise Unreachable(_unreached(error)) from error

    async def _addresses(self, host: str, port: int, private: bool) -> list[ResolveResult]:
        name = (host, port, private)
        until, found = self._kept.get(name, (0.0, []))
        if until > time.monotonic():
            return found

        def looked(done: asyncio.Task[list[ResolveResult]]) -> None:
            del self._looking[name]
            if not done.cancelled():
                done.exception()  # all who asked may have given up

        looking = self._looking.get(name)
        if looking is None:
            looking = self._looking[name] = asyncio.create_task(self._look_up(*name))
            looking.add_done_callback(looked)
        return await asyncio.shield(looking)

    async def _look_up(self, host: str, port: int, private: bool) -> list[ResolveResult]:
        """Once for all who ask at the same time, and to its end: a name that takes long holds one of the threads for look-ups,
        however many ask and however soon each of them gives up."""
        try:
            found = await self._resolvers[private].resolve(host, port)
        except OSError as error:
            raise Unreachable(str(_("The host's name could not be found: {reason}.")).format(reason=error)) from error
        now = time.monotonic()
        self._kept = {key: entry for key, entry in self._kept.items() if entry[0] > now}
        self._kept[host, port, private] = now + NAMES_KEPT, found
        return found

    async def _open(self, speak: Callable[[], Spoken], found: ResolveResult, name: str | None, private: bool) -> Spoken:
        address = (found["host"], found["port"])
        loop = asyncio.get_running_loop()
        made = _guarded_socket((found["family"], socket.SOCK_STREAM, found["proto"], "", address), private=private)
        try:
            made.setblocking(False)
            await loop.sock_connect(made, address)
            tls = self._tls if name else None
            _transport, protocol = await loop.create_connection(speak, sock=made, ssl=tls, server_hostname=name)
        except BaseException:
            made.close()
            raise
        return protocol


class GuardedResolver(AbstractResolver):
    """Looks names up in threads of its own and judges every address found: one bad address refuses the name."""

    def __init__(self, lookup: Lookup, *, private: bool = False) -> None:
        self._lookup = lookup
        self._private = private
        self._failed: dict[str, float] = {}

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC) -> list[ResolveResult]:
        if self._failed.get(host, 0.0) > time.monotonic():
            raise OSError("the name was not found a moment ago")
        looking = LOOKUPS.submit(self._lookup, host, port)
        try:
            async with asyncio.timeout(LOOKUP_TIMEOUT):
                found = await asyncio.wrap_future(looking)
        except (OSError, UnicodeError) as error:
            if not looking.cancelled():  # else it waited behind others' dead names, and nothing is known of this one
                self._remember_failure(host)
            raise OSError(str(error) or "the name server did not answer") from error
        for address in found:
            require_public(address, private=self._private)
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for address in found
        ]

    async def close(self) -> None:
        self._failed.clear()

    def _remember_failure(self, host: str) -> None:
        at = time.monotonic()
        self._failed = {name: until for name, until in self._failed.items() if until > at}
        self._failed[host] = at + FAILURES_KEPT


def _guarded_socket(info: Any, *, private: bool = False) -> socket.socket:
    """The last look: this socket will be connected to `info`'s address and to no other."""
    family, kind, protocol, _name, address = info
    require_public(address[0], private=private)
    made = socket.socket(family=family, type=kind, proto=protocol)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


@lru_cache(maxsize=4_096)
def _target(url: str, private: bool, local: bool) -> URL:
    """The same few thousand URLs are read over and over; what they resolve to is judged at each connection all the same."""
    return read_url(url, private=private)


async def _read(response: aiohttp.ClientResponse, most: int) -> tuple[bytes, bool]:
    """Up to `most` bytes; a longer answer is left unread and its connection closed."""
    parts, size = [], 0
    async for part in response.content.iter_any():
        parts.append(part)
        size += len(part)
        if size > most:
            response.close()
            return b"".join(parts)[:most], True
    return b"".join(parts), False


def _unreached(error: OSError) -> str:
    """Why no connection was made, as the owner of the server would want to read it."""
    match error:
        case ssl.SSLCertVerificationError():
            return str(_("The server's TLS certificate is not valid: {reason}.")).format(reason=error.verify_message)
        case ssl.SSLError():
            return str(_("No TLS connection could be made: {reason}.")).format(reason=error.reason or error)
        case ConnectionRefusedError():
            return str(_("The server refused the connection: nothing listens at this address and port."))
        case _:
            return str(_("The server could not be reached: {reason}.")).format(reason=error.strerror or error)


def _time_was_up(timeout: float | None) -> str:
    if timeout is None:
        return str(_("The server took too long to be reached."))
    return str(_("The server did not finish its answer within {seconds} seconds.")).format(seconds=f"{timeout:g}")


def _explained(error: Exception) -> str:
    """What went wrong, as the owner of the server would want to read it."""
    match error:
        case aiohttp.ClientConnectorDNSError():
            return str(_("The host's name could not be found: {reason}.")).format(reason=error.os_error)
        case aiohttp.ClientConnectorCertificateError():
            return str(_("The server's TLS certificate is not valid: {reason}.")).format(reason=error.certificate_error)
        case aiohttp.ClientSSLError():
            return str(_("No TLS connection could be made: {reason}.")).format(reason=error)
        case aiohttp.ClientConnectorError(os_error=ConnectionRefusedError()):
            return str(_("The server refused the connection: nothing listens at this address and port."))
        case aiohttp.ClientConnectorError():
            return str(_("The server could not be reached: {reason}.")).format(reason=error.os_error.strerror or error.os_error)
        case aiohttp.ServerDisconnectedError() | ConnectionResetError() | aiohttp.ClientPayloadError():
            return str(_("The server closed the connection before its answer was complete."))
        case aiohttp.ClientResponseError() | aiohttp.InvalidURL():
            return str(_("The server's answer was no well-formed HTTP."))
        case _:
            return str(_("The connection broke: {reason}.")).format(reason=error or type(error).__name__)

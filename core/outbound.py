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
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import NamedTuple, Self, TypeVar

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from yarl import URL

from core.addresses import LOOKUP_TIMEOUT, LOOKUPS, Refused, look_up, read_url, require_public
from core.fetching import Answer, BrokenOff, Line, NameUnknown, TooSlow, Unreachable, request

__all__ = ["Answer", "BrokenOff", "Client", "Dialer", "NameUnknown", "Refused", "TooSlow", "Unreachable", "post"]

TIMEOUT = 15.0
CONNECT_TIMEOUT = 10.0
LARGEST_ANSWER = 64 * 1024
# A name's addresses are kept this long, and so is the failure to find them, so that dead names don't hold up lookups.
NAMES_KEPT = 10
FAILURES_KEPT = 30.0
# Seconds that an idle connection is kept, and how many of them at most: each is an open file.
KEPT = 30.0
MOST_KEPT = 1_000

Lookup = Callable[[str, int], list[str]]
Spoken = TypeVar("Spoken", bound=asyncio.BaseProtocol)


class Place(NamedTuple):
    """One of a host's addresses, to connect to."""

    address: str
    port: int

    @property
    def family(self) -> socket.AddressFamily:
        return socket.AF_INET6 if ":" in self.address else socket.AF_INET


class Client:
    """The guarded client of one event loop, as an asynchronous context manager; connections are kept alive and reused.

    How many requests run at once is the caller's to bound, so that nobody waits behind somebody else's dead server. `lookup`
    finds a name's addresses and is given by tests only.
    """

    def __init__(self, *, lookup: Lookup | None = None) -> None:
        self._dialer = Dialer(lookup=lookup)
        self._kept: dict[str, list[Line]] = {}
        self._idle: dict[Line, str] = {}  # the longest idle first

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        for line in self._idle:
            line.close()

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
        """The whole answer, its body cut off after `most` bytes. Raises Refused, Unreachable, TooSlow.

        A kept connection may be closed by the other side at the moment that it is used again; then, if nothing of an answer has
        come, the request is sent once more on a new one. So it may arrive twice, as any that is tried again.
        """
        began = time.perf_counter()
        target = _target(url, False, settings.ALLOW_LOCAL_TARGETS)
        headers = {"Accept-Encoding": "identity", **(headers or {})}
        sent = request(method, target.raw_path_qs, host=target.host_port_subcomponent or "", headers=headers, body=body)
        origin = str(target.origin())

        def left() -> float:
            return timeout - (time.perf_counter() - began)

        line = self._take(origin)
        try:
            if line is None or not await line.asked_again(sent, most=most, seconds=left()):
                line = await self._dialer.connect(Line, origin, seconds=min(CONNECT_TIMEOUT, left()))
                await line.ask(sent, most=most, seconds=left())
        except TimeoutError as error:
            reason = str(_("The server did not finish its answer within {seconds} seconds."))
            raise TooSlow(reason.format(seconds=f"{timeout:g}")) from error
        self._give_back(origin, line)
        return Answer(line.status, line.headers, line.body, line.is_truncated, time.perf_counter() - began)

    def _take(self, origin: str) -> Line | None:
        """The connection that was used last, if there is one that lives."""
        while kept := self._kept.get(origin):
            line = kept.pop()
            self._forget(line)
            if line.is_free:
                return line
        return None

    def _give_back(self, origin: str, line: Line) -> None:
        """Keep it if it can serve again; those that were idle for too long, or are too many, are closed."""
        now = time.monotonic()
        if line.is_free:
            line.idle_since = now
            self._kept.setdefault(origin, []).append(line)
            self._idle[line] = origin
        while self._idle:
            oldest, its_origin = next(iter(self._idle.items()))
            if len(self._idle) <= MOST_KEPT and oldest.idle_since > now - KEPT:
                return
            self._kept[its_origin].remove(oldest)
            self._forget(oldest)
            oldest.close()

    def _forget(self, line: Line) -> None:
        origin = self._idle.pop(line)
        if not self._kept[origin]:
            del self._kept[origin]


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
        self._kept: dict[tuple[str, int, bool], tuple[float, list[Place]]] = {}
        self._looking: dict[tuple[str, int, bool], asyncio.Task[list[Place]]] = {}
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
                for found in others:  # each has a share of the time: one that swallows everything must not hide the next
                    with contextlib.suppress(OSError):
                        async with asyncio.timeout(seconds / (len(others) + 1)):
                            return await self._open(speak, found, name, private)
                return await self._open(speak, last, name, private)
        except TimeoutError as error:
            raise TooSlow(
                str(_("The server could not be reached within {seconds} seconds.")).format(seconds=f"{seconds:g}")
            ) from error
        except OSError as error:
            raise Unreachable(_unreached(error)) from error

    async def _addresses(self, host: str, port: int, private: bool) -> list[Place]:
        name = (host, port, private)
        until, found = self._kept.get(name, (0.0, []))
        if until > time.monotonic():
            return found

        def looked(done: asyncio.Task[list[Place]]) -> None:
            del self._looking[name]
            if not done.cancelled():
                done.exception()  # all who asked may have given up

        looking = self._looking.get(name)
        if looking is None:
            looking = self._looking[name] = asyncio.create_task(self._look_up(*name))
            looking.add_done_callback(looked)
        return await asyncio.shield(looking)

    async def _look_up(self, host: str, port: int, private: bool) -> list[Place]:
        """Once for all who ask at the same time, and to its end: a name that takes long holds one of the threads for look-ups,
        however many ask and however soon each of them gives up."""
        try:
            found = await self._resolvers[private].resolve(host, port)
        except OSError as error:
            raise NameUnknown(str(_("The host's name could not be found: {reason}.")).format(reason=error)) from error
        now = time.monotonic()
        self._kept = {key: entry for key, entry in self._kept.items() if entry[0] > now}
        self._kept[host, port, private] = now + NAMES_KEPT, found
        return found

    async def _open(self, speak: Callable[[], Spoken], found: Place, name: str | None, private: bool) -> Spoken:
        loop = asyncio.get_running_loop()
        made = _guarded_socket(found, private=private)
        try:
            made.setblocking(False)
            await loop.sock_connect(made, found)
            tls = self._tls if name else None
            _transport, protocol = await loop.create_connection(speak, sock=made, ssl=tls, server_hostname=name)
        except BaseException:
            made.close()
            raise
        return protocol


class GuardedResolver:
    """Looks names up in threads of its own and judges every address found: one bad address refuses the name."""

    def __init__(self, lookup: Lookup, *, private: bool = False) -> None:
        self._lookup = lookup
        self._private = private
        self._failed: dict[str, float] = {}

    async def resolve(self, host: str, port: int) -> list[Place]:
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
        return [Place(address, port) for address in found]

    def _remember_failure(self, host: str) -> None:
        at = time.monotonic()
        self._failed = {name: until for name, until in self._failed.items() if until > at}
        self._failed[host] = at + FAILURES_KEPT


def _guarded_socket(place: Place, *, private: bool = False) -> socket.socket:
    """The last look: this socket will be connected to this place and to no other."""
    require_public(place.address, private=private)
    made = socket.socket(family=place.family, type=socket.SOCK_STREAM)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


@lru_cache(maxsize=4_096)
def _target(url: str, private: bool, local: bool) -> URL:
    """The same few thousand URLs are read over and over; what they resolve to is judged at each connection all the same."""
    return read_url(url, private=private)


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

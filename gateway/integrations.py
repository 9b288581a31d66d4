"""Calls carried to the upstream of a published integration: through the guarded client, streamed both ways.

The upstream learns who calls, signed with the integration's own secret, and nothing that it could call us with. What it
answers can't act in our name: no cookies, no directives for our domain.
"""

import asyncio
import contextlib
import hashlib
import hmac
import time
from collections.abc import AsyncIterator

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from apikeys.snapshots import Grant
from core import outbound
from core.idempotency import check_key, fingerprint
from core.problems import Problem, UpstreamTimeout, UpstreamUnavailable
from gateway import replays
from gateway.calls import Call
from gateway.exchanges import ClientGone, Headers, lines
from gateway.http1 import BrokenOff
from gateway.metering import Metering
from gateway.pipeline import Admission
from gateway.threads import Threads
from gateway.upstream import HOP_BY_HOP, LARGEST_BODY, OURS, SECRETS, Body, named_by_connection
from marketplace.routes import Route

TIMEOUT = 30.0
"""Seconds for the head of the answer, and for each further part."""
# Not passed on to the upstream, and not taken from it.
INWARDS_DROPPED = HOP_BY_HOP | OURS | SECRETS | {b"authorization", b"cookie", b"host", b"x-partner-id", b"x-key-id", b"x-scopes"}
OUTWARDS_DROPPED = HOP_BY_HOP | {
    b"alt-svc",
    b"clear-site-data",
    b"content-security-policy",
    b"service-worker-allowed",
    b"set-cookie",
    b"set-cookie2",
    b"strict-transport-security",
    b"x-content-type-options",
    b"x-request-id",
}
STORED_HEADERS = frozenset({b"content-type", b"content-language", b"location", b"etag", b"last-modified", b"cache-control"})
# An answer of somebody else's API under our domain is data, whatever a browser would like to make of it.
HARMLESS = b"content-security-policy: default-src 'none'; sandbox\r\nx-content-type-options: nosniff\r\n"


class Integrations:
    """The upstreams of integrations."""

    def __init__(self, threads: Threads, metering: Metering) -> None:
        self._threads = threads
        self._metering = metering
        self._client = outbound.Client()
        self._flights: set[tuple[str, str]] = set()

    async def start(self) -> None:
        await self._client.__aenter__()

    async def stop(self) -> None:
        await self._client.__aexit__()

    async def carry(self, call: Call, admission: Admission, extra: bytes) -> int:
        """Forward an admitted call and pass the answer on; returns the status."""
        kept = admission.want.route
        grant = admission.grant
        if kept is None or grant is None:
            raise UpstreamUnavailable()
        route = kept.route
        call.target = route.integration_id
        body = Body(call, LARGEST_BODY)
        key = call.header(b"idempotency-key") if call.method == "POST" and b"idempotency-key" in call.fields else None
        exchange = _Exchange(self._client, call, route, _headers(call, route, grant), extra + HARMLESS)
        if key is None:
            content: bytes | AsyncIterator[bytes] = b"" if body.is_empty else body.parts()
            async with exchange.open(content, body.length) as answer:
                return await exchange.pass_on(answer)
        caller = f"apis:{route.integration_id}:{grant.partner}:{grant.environment}"
        return await self._once(exchange, caller, key, await body.whole())

    async def _once(self, exchange: "_Exchange", caller: str, key: str, body: bytes) -> int:
        call = exchange.call
        check_key(key)
        mark = fingerprint(call.method, f"{call.raw_path.decode('latin-1')}?{call.query.decode('latin-1')}", body)
        found = await self._claim(caller, key, mark)
        if isinstance(found, replays.Waiting):
            mine = found.epoch == self._metering.epoch
            under_way = (caller, key) in self._flights if mine else await self._metering.is_alive(found.epoch)
            raise found.problem(under_way=under_way)
        if found is not None:
            call.is_replay = True
            call.exchange.answer(found.status, lines([*found.headers, replays.REPLAYED]) + exchange.extra, found.body)
            call.bytes_out = len(found.body)
            return found.status
        self._flights.add((caller, key))
        try:
            async with exchange.open(body, len(body)) as answer:
                whole = await exchange.gather(answer)
                headers = [entry for entry in passed_headers(answer) if entry[0] in STORED_HEADERS]
                finish = replays.finish
                await self._threads.run(finish, caller=caller, key=key, status=answer.status, headers=headers, body=whole)
                if whole is None:
                    exchange.extra += lines([replays.NOT_STORED])
                return await exchange.pass_on(answer)
        except NotSent:
            await self._threads.run(replays.release, caller=caller, key=key)
            raise
        except BaseException:
            await asyncio.shield(self._threads.run(replays.give_up, caller=caller, key=key))
            raise
        finally:
            self._flights.discard((caller, key))

    async def _claim(self, caller: str, key: str, mark: bytes) -> replays.Stored | replays.Waiting | None:
        """As `replays.claim`; a client that leaves meanwhile has sent nothing, and its key is free again."""
        claim = self._threads.run(replays.claim, caller=caller, key=key, fingerprint=mark, epoch=self._metering.epoch)
        claiming = asyncio.ensure_future(claim)
        try:
            return await asyncio.shield(claiming)
        except asyncio.CancelledError:
            if await claiming is None:
                await self._threads.run(replays.release, caller=caller, key=key)
            raise


class NotSent(UpstreamUnavailable):
    """The upstream was not reached at all."""


class _Exchange:
    """One call to an upstream and its answer. Of an answer that was gathered, `read` is what has come of its body."""

    def __init__(self, client: outbound.Client, call: Call, route: Route, headers: Headers, extra: bytes) -> None:
        self._client = client
        self._url = _url(route, call)
        self._headers = headers
        self.call = call
        self.extra = extra
        self.read: list[bytes] = []

    @contextlib.asynccontextmanager
    async def open(self, body: bytes | AsyncIterator[bytes], length: int | None) -> AsyncIterator[aiohttp.ClientResponse]:
        """The answer from its head on. Raises NotSent, UpstreamUnavailable, UpstreamTimeout."""
        headers = CIMultiDict((name.decode("latin-1"), value.decode("latin-1")) for name, value in self._headers)
        if length is not None and not isinstance(body, bytes):
            headers["Content-Length"] = str(length)
        try:
            async with contextlib.AsyncExitStack() as stack:
                async with asyncio.timeout(TIMEOUT):
                    opening = self._client.open(self.call.method, self._url, headers=headers, body=body or None, timeout=None)
                    answer = await stack.enter_async_context(opening)
                if not 200 <= answer.status <= 599:  # a 101 would have a proxy in front of us leave HTTP
                    answer.close()
                    raise UpstreamUnavailable()
                yield answer
        except (outbound.TooSlow, TimeoutError) as error:
            raise UpstreamTimeout() from error
        except (outbound.Refused, outbound.Unreachable) as error:
            sending = error.__cause__ and error.__cause__.__cause__
            if isinstance(sending, Problem | ClientGone):  # of the request's own body
                raise sending from None
            never_sent = isinstance(error, outbound.Refused) or isinstance(error.__cause__, aiohttp.ClientConnectorError)
            raise NotSent() if never_sent else UpstreamUnavailable() from error

    async def gather(self, answer: aiohttp.ClientResponse) -> bytes | None:
        """The body, if it is one that is kept; else None, and more of it may be to come."""
        if answer.content_type == "text/event-stream" or (answer.content_length or 0) > replays.LARGEST:
            return None
        size = 0
        async for part in _parts(answer):
            self.read.append(part)
            size += len(part)
            if size > replays.LARGEST:
                return None
        return b"".join(self.read)

    async def pass_on(self, answer: aiohttp.ClientResponse) -> int:
        """Send the answer to the client as it comes. Raises BrokenOff if it ends before its end."""
        self.call.exchange.start(answer.status, passed_headers(answer), self.extra)
        try:
            for part in self.read:
                await self._pass(part)
            async for part in _parts(answer):
                await self._pass(part)
        except (aiohttp.ClientError, OSError) as error:  # a timeout is one too
            raise BrokenOff(str(error)) from error
        self.call.exchange.end()
        return answer.status

    async def _pass(self, part: bytes) -> None:
        self.call.bytes_out += len(part)
        await self.call.exchange.write(part)


def passed_headers(answer: aiohttp.ClientResponse) -> Headers:
    """The headers of an upstream's answer that may reach the client."""
    received = [(name.lower(), value) for name, value in answer.raw_headers]
    dropped = OUTWARDS_DROPPED | named_by_connection(dict(received))
    return [entry for entry in received if entry[0] not in dropped and not entry[0].startswith((b"portico-", b"x-portico-"))]


def signature(route: Route, call: Call, grant: Grant, *, at: int) -> str:
    """`t=<Unix seconds>,v1=<HMAC-SHA-256 in hex>` over what the upstream is told of the call; see docs/gateway.md."""
    target = _target(route, call)
    told = "\n".join([str(at), call.request_id, grant.partner_id, grant.credential_id, call.method, target])
    return f"t={at},v1={hmac.digest(route.signing_secret.encode(), told.encode('latin-1'), hashlib.sha256).hex()}"


async def _parts(answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    while True:
        async with asyncio.timeout(TIMEOUT):
            part = await answer.content.readany()
        if not part:
            return
        yield part


def _headers(call: Call, route: Route, grant: Grant) -> Headers:
    dropped = INWARDS_DROPPED | named_by_connection(call.fields)
    kept = [entry for entry in call.headers if entry[0] not in dropped and not entry[0].startswith((b"portico-", b"x-portico-"))]
    return [
        *kept,
        (b"x-request-id", call.request_id.encode()),
        (b"x-partner-id", grant.partner_id.encode()),
        (b"x-key-id", grant.credential_id.encode()),
        (b"x-portico-signature", signature(route, call, grant, at=int(time.time())).encode()),
    ]


def _target(route: Route, call: Call) -> str:
    """Path and query at the upstream: below its base, and as the client sent them (`paths.plain` let no way out pass)."""
    base = URL(route.upstream_url).raw_path.rstrip("/")
    rest = call.raw_path[len(f"/apis/{route.slug}") :].decode("latin-1")
    query = f"?{call.query.decode('latin-1')}" if call.query else ""
    return f"{base}{rest}{query}" if base + rest else f"/{query}"


def _url(route: Route, call: Call) -> URL:
    origin = URL(route.upstream_url).origin()
    return URL(f"{origin}{_target(route, call)}", encoded=True)

"""Calls under `/apis/`, carried to the upstream of an integration or of a product of the operator's own, streamed both ways.

The upstream learns who calls, signed with its own secret, and nothing that it could call us with. What it answers can't act in
our name: no cookies, no directives for our domain.
"""

import asyncio
from collections.abc import AsyncIterator

from apikeys.snapshots import Grant
from core.idempotency import check_key, fingerprint
from core.problems import UpstreamUnavailable
from core.upstreams import Route
from gateway import replays
from gateway.calls import Call
from gateway.exchanges import lines
from gateway.forwarding import HARMLESS, passed_headers, request_head
from gateway.http1 import Answer, BrokenOff, Content
from gateway.metering import Metering
from gateway.metrics import Metrics
from gateway.origins import NotSent, NotSentInTime, Origin, Origins
from gateway.pipeline import Admission
from gateway.pipelining import Redis
from gateway.threads import Threads
from gateway.upstream import LARGEST_BODY, Body

STORED_HEADERS = frozenset({b"content-type", b"content-language", b"location", b"etag", b"last-modified", b"cache-control"})
EVENT_STREAM = b"text/event-stream"


class Apis:
    """What stands under `/apis/`, as this process carries it."""

    def __init__(self, threads: Threads, redis: Redis, metering: Metering, metrics: Metrics) -> None:
        self._threads = threads
        self._metering = metering
        self.origins = Origins(redis, metrics, metering.epoch)
        self._flights: set[tuple[str, str]] = set()

    def start(self) -> None:
        self.origins.start()

    async def stop(self) -> None:
        await self.origins.stop()

    async def carry(self, call: Call, admission: Admission, extra: bytes) -> int:
        """Forward an admitted call and pass the answer on; returns the status."""
        kept = admission.want.route
        grant = admission.grant
        if kept is None or grant is None:
            raise UpstreamUnavailable()
        route = kept.route
        call.target = route.id
        origin = self.origins.of(route, grant.environment)
        body = Body(call, LARGEST_BODY)
        if call.method == "POST" and b"idempotency-key" in call.fields:
            return await self._once(_Exchange(origin, call, route, grant, extra + HARMLESS), await body.whole())
        exchange = _Exchange(origin, call, route, grant, extra + HARMLESS)
        if body.is_empty:
            answer = await exchange.send(b"", b"content-length: 0\r\n" if body.length == 0 else b"")
        elif body.length is not None:
            answer = await exchange.send(body.parts(), b"content-length: %d\r\n" % body.length)
        else:
            answer = await exchange.send(_chunked(body.parts()), b"transfer-encoding: chunked\r\n")
        return await exchange.pass_on(answer)

    async def _once(self, exchange: "_Exchange", body: bytes) -> int:
        call = exchange.call
        key = call.header(b"idempotency-key")
        check_key(key)
        caller = exchange.caller
        mark = fingerprint(call.method, f"{call.raw_path.decode('latin-1')}?{call.query.decode('latin-1')}", body)
        found = await self._claim(caller, key, mark)
        if isinstance(found, replays.Waiting):
            mine = found.epoch == self._metering.epoch
            under_way = (caller, key) in self._flights if mine else await self._metering.is_alive(found.epoch)
            raise found.problem(under_way=under_way)
        if found is not None:
            call.is_replay = True
            call.exchange.answer(found.status, lines([*found.headers, replays.REPLAYED]) + exchange.ours, found.body)
            call.bytes_out = len(found.body)
            return found.status
        self._flights.add((caller, key))
        try:
            answer = await exchange.send(body, b"content-length: %d\r\n" % len(body))
            try:
                whole = await exchange.gather(answer)
                headers = [entry for entry in passed_headers(answer) if entry[0] in STORED_HEADERS]
                finish = replays.finish
                await self._threads.run(finish, caller=caller, key=key, status=answer.status, headers=headers, body=whole)
                if whole is None:
                    exchange.ours += lines([replays.NOT_STORED])
                return await exchange.pass_on(answer)
            finally:
                answer.close()
        except (NotSent, NotSentInTime):
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


class _Exchange:
    """One call to an upstream and its answer. `ours` are our lines in it; of one that was gathered, `read` is what has come of
    its body."""

    def __init__(self, origin: Origin, call: Call, route: Route, grant: Grant, ours: bytes) -> None:
        self.call = call
        self.ours = ours
        self.read: list[bytes] = []
        self._origin = origin
        self._route = route
        self._grant = grant

    @property
    def caller(self) -> str:
        """Whose idempotency keys these are."""
        return f"apis:{self._route.id}:{self._grant.partner}:{self._grant.environment}"

    async def send(self, body: Content, framing: bytes) -> Answer:
        """The answer from its head on. Raises as `Origin.send`."""
        head = request_head(self._origin.base, self._route, self.call, self._grant, framing)
        answer = await self._origin.send(self.call.method, head, body)
        if is_event_stream(answer):
            answer.wait_longer(self._origin.upstream.stream_idle_timeout)
        else:
            answer.wait_longer(self._origin.upstream.idle_timeout)
        return answer

    async def gather(self, answer: Answer) -> bytes | None:
        """The body, if it is one that is kept; else None, and more of it may be to come. Raises UpstreamUnavailable."""
        length = dict(answer.headers).get(b"content-length", b"0")
        if is_event_stream(answer) or int(length) > replays.LARGEST:
            return None
        size = 0
        try:
            while part := await answer.chunk():
                self.read.append(part)
                size += len(part)
                if size > replays.LARGEST:
                    return None
        except BrokenOff as error:
            self._origin.broke_off(error)
            raise UpstreamUnavailable() from error
        return b"".join(self.read)

    async def pass_on(self, answer: Answer) -> int:
        """Send the answer to the client as it comes. Raises BrokenOff if it ends before its end."""
        call, exchange = self.call, self.call.exchange
        try:
            exchange.start(answer.status, passed_headers(answer), self.ours)
            for part in self.read:
                call.bytes_out += len(part)
                await exchange.write(part)
            if not answer.has_part:
                await exchange.write(b"")  # who waits for an event learns now that it will be told
            while True:
                part = await answer.chunk()
                call.bytes_out += len(part)
                if not part or answer.is_exhausted:
                    break
                await exchange.write(part)
            exchange.end(part)
        except BrokenOff as error:
            self._origin.broke_off(error)
            raise
        finally:
            answer.close()
        return answer.status


def is_event_stream(answer: Answer) -> bool:
    """Whether the answer is one that may go on for hours (WHATWG HTML, section 9.2)."""
    return any(name == b"content-type" and value.lower().startswith(EVENT_STREAM) for name, value in answer.headers)


async def _chunked(parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """A body of unknown length as it goes over the wire (RFC 9112, section 7.1)."""
    async for part in parts:
        yield b"%x\r\n%b\r\n" % (len(part), part)
    yield b"0\r\n\r\n"

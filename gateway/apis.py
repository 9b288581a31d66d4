"""Calls under `/apis/`, carried to the upstream of an integration or of a product of the operator's own, streamed both ways.

The upstream learns who calls, signed with its own secret, and nothing that it could call us with. What it answers can't act in
our name: no cookies, no directives for our domain.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from uuid import UUID, uuid5

from django.utils.translation import gettext_lazy as _

from apikeys.snapshots import Grant
from core.idempotency import check_key, fingerprint
from core.problems import (
    CircuitOpen,
    IdempotencyInFlight,
    MalformedRequest,
    OutcomeUnknown,
    TemporarilyUnavailable,
    UpstreamUnavailable,
)
from core.upstreams import Route
from gateway import replays, tunnels
from gateway.calls import Call
from gateway.exchanges import lines
from gateway.forwarding import HARMLESS, passed_headers, request_head
from gateway.http1 import Answer
from gateway.metering import Metering
from gateway.metrics import Metrics
from gateway.origins import NotSent, NotSentInTime, Origin, Origins, UpstreamBusy
from gateway.pipeline import Admission
from gateway.pipelining import Redis
from gateway.shelf import Kept, Shelf, ShelfFull
from gateway.threads import Threads
from gateway.tunnels import Judge, Lasting, Lastings, Tunnel
from gateway.upstream import LARGEST_BODY, Body
from gateway.wires import BrokenOff, Content

STORED_HEADERS = frozenset(
    {
        b"cache-control", b"content-encoding", b"content-language", b"content-type", b"etag", b"last-modified", b"location",
        b"vary",
    }
)  # fmt: skip
NOT_CARRIED = (NotSent, NotSentInTime, CircuitOpen, UpstreamBusy)
EVENT_STREAM = b"text/event-stream"
LARGEST_GATHERED = 256 * 1024 * 1024
"""Bytes of all bodies that are gathered at the same time, because their calls have an Idempotency-Key."""


class Apis:
    """What stands under `/apis/`, as this process carries it."""

    def __init__(self, threads: Threads, redis: Redis, metering: Metering, metrics: Metrics, judge: Judge) -> None:
        self._threads = threads
        self._metering = metering
        self.origins = Origins(redis, metrics, metering.epoch)
        self.lastings = Lastings(metrics, judge)
        self.shelf = Shelf(LARGEST_GATHERED)
        self._flights: set[tuple[str, str]] = set()
        self._claims: Counter[tuple[str, str]] = Counter()

    def start(self) -> None:
        self.origins.start()
        self.lastings.start()

    async def stop(self) -> None:
        await self.lastings.stop()
        await self.origins.stop()

    async def carry(self, call: Call, admission: Admission, extra: bytes) -> int:
        """Forward an admitted call and pass the answer on; returns the status."""
        call.is_carried = False
        kept = admission.want.route
        grant = admission.grant
        if kept is None or grant is None:
            raise UpstreamUnavailable()
        route = kept.route
        if route.owner:  # what is called of the operator's own is counted with the rest of it
            call.target = route.id
        origin = self.origins.of(route, grant.environment)
        if tunnels.is_asked_for(call):
            return await self._tunnel(_Exchange(origin, call, route, grant, extra), admission)
        body = Body(call, LARGEST_BODY)
        if call.method == "POST" and b"idempotency-key" in call.fields:
            return await self._gathered(_Exchange(origin, call, route, grant, extra + HARMLESS), admission, body)
        exchange = _Exchange(origin, call, route, grant, extra + HARMLESS)
        if body.is_empty:
            answer = await exchange.send(b"", b"content-length: 0\r\n" if body.length == 0 else b"")
        elif body.length is not None:
            answer = await exchange.send(body.parts(), b"content-length: %d\r\n" % body.length)
        else:
            answer = await exchange.send(_chunked(body.parts()), b"transfer-encoding: chunked\r\n")
        return await self._pass_on(exchange, admission, answer)

    async def _pass_on(self, exchange: "_Exchange", admission: Admission, answer: Answer) -> int:
        if not is_event_stream(answer):
            return await exchange.pass_on(answer)
        task = asyncio.current_task()
        answer.make_room()
        stream = Lasting(exchange.call, admission, task.cancel if task else answer.close)
        self.lastings.enter(stream)
        try:
            return await exchange.pass_on(answer)
        finally:
            self.lastings.leave(stream)

    async def _tunnel(self, exchange: "_Exchange", admission: Admission) -> int:
        """A WebSocket, to its end; or whatever else the upstream says to the handshake."""
        call, upstream = exchange.call, exchange.origin.upstream
        if not upstream.websocket:
            raise MalformedRequest(_("This API takes no WebSockets. Use plain requests."))
        framing = tunnels.handshake(call)
        partner = admission.grant.partner if admission.grant else ""
        self.lastings.reserve(partner)
        try:
            answer = await exchange.send(b"", framing, upgrade=True)
            if answer.status != 101:
                exchange.ours += HARMLESS
                return await exchange.pass_on(answer)
            try:
                tunnels.require_accepted(call, answer)
                answer.make_room()
                await self._join(exchange, admission, answer)
            finally:
                answer.close()
        finally:
            self.lastings.release(partner)
        return 101

    async def _join(self, exchange: "_Exchange", admission: Admission, answer: Answer) -> None:
        call = exchange.call
        transport, held, on_lost = call.exchange.upgrade(passed_headers(answer), exchange.ours)
        idle = exchange.origin.upstream.stream_idle_timeout
        tunnel = Tunnel(call, admission, transport, answer.connection.transport, idle)
        self.lastings.enter(tunnel)
        try:
            tunnel.open(held, answer.connection.early, on_lost)
            await tunnel.ended
        finally:
            tunnel.close()
            self.lastings.leave(tunnel)

    async def _gathered(self, exchange: "_Exchange", admission: Admission, body: Body) -> int:
        """A call whose body is looked at whole before it is sent."""
        with Kept(self.shelf) as kept:
            try:
                async for part in body.parts():
                    kept.put(part)
            except ShelfFull as error:
                raise TemporarilyUnavailable(retry_after=10) from error
            return await self._once(exchange, admission, kept.take(kept.length))

    async def _once(self, exchange: "_Exchange", admission: Admission, body: bytes) -> int:
        call = exchange.call
        key = call.header(b"idempotency-key")
        check_key(key)
        caller = exchange.caller
        mark = fingerprint(call.method, f"{call.raw_path.decode('latin-1')}?{call.query.decode('latin-1')}", body)
        found = await self._earlier(caller, key, mark)
        if found is not None:
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
                return await self._pass_on(exchange, admission, answer)
            finally:
                answer.close()
        except BaseException:
            settle = replays.give_up if call.is_carried else replays.release
            await asyncio.shield(self._threads.run(settle, caller=caller, key=key))
            raise
        finally:
            self._flights.discard((caller, key))

    async def _earlier(self, caller: str, key: str, mark: bytes) -> replays.Stored | None:
        """What an earlier call came to; None if this one may be sent. Raises IdempotencyInFlight, OutcomeUnknown."""
        for _look in range(2):  # it may have ended between the look at its row and that at what is under way
            found = await self._claim(caller, key, mark)
            if not isinstance(found, replays.Waiting):
                return found
            if found.epoch != self._metering.epoch:
                is_under_way = await self._metering.is_alive(found.epoch)
            else:
                is_under_way = (caller, key) in self._flights or (caller, key) in self._claims
            if is_under_way:
                raise IdempotencyInFlight()
        raise OutcomeUnknown()

    async def _claim(self, caller: str, key: str, mark: bytes) -> replays.Stored | replays.Waiting | None:
        """As `replays.claim`; a client that leaves meanwhile has sent nothing, and its key is free again."""
        claim = self._threads.run(replays.claim, caller=caller, key=key, fingerprint=mark, epoch=self._metering.epoch)
        claiming = asyncio.ensure_future(claim)
        self._claims[caller, key] += 1
        try:
            return await asyncio.shield(claiming)
        except asyncio.CancelledError:
            if await claiming is None:
                await self._threads.run(replays.release, caller=caller, key=key)
            raise
        finally:
            self._claims[caller, key] -= 1
            if not self._claims[caller, key]:
                del self._claims[caller, key]


class _Exchange:
    """One call to an upstream and its answer. `ours` are our lines in it; of one that was gathered, `read` is what has come of
    its body."""

    def __init__(self, origin: Origin, call: Call, route: Route, grant: Grant, ours: bytes) -> None:
        self.call = call
        self.ours = ours
        self.read: list[bytes] = []
        self.origin = origin
        self._route = route
        self._grant = grant

    @property
    def caller(self) -> str:
        """Whose idempotency keys these are. An application reads no answers but its own."""
        grant = self._grant
        whose = uuid5(UUID(grant.credential), grant.partner).hex if grant.kind == "application" else grant.partner
        return f"apis:{self._route.id}:{whose}:{grant.environment}"

    async def send(self, body: Content, framing: bytes, *, upgrade: bool = False) -> Answer:
        """The answer from its head on. Raises as `Origin.send`."""
        head = request_head(self.origin.base, self._route, self.call, self._grant, framing)
        try:
            answer = await self.origin.send(self.call.method, head, body, upgrade=upgrade, begin=self._begin)
        except NOT_CARRIED:
            self.call.is_carried = False
            raise
        if is_event_stream(answer):
            answer.wait_longer(self.origin.upstream.stream_idle_timeout)
        else:
            answer.wait_longer(self.origin.upstream.idle_timeout)
        return answer

    def _begin(self) -> None:
        self.call.is_carried = True

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
            self.origin.broke_off(error)
            raise UpstreamUnavailable() from error
        return b"".join(self.read)

    async def pass_on(self, answer: Answer) -> int:
        """Send the answer to the client as it comes. Raises BrokenOff if it ends before its end."""
        call, exchange = self.call, self.call.exchange
        try:
            try:
                exchange.start(answer.status, passed_headers(answer), self.ours)
            except ValueError as error:  # a header that would be two
                self.origin.broke_off(BrokenOff(str(error)))
                raise UpstreamUnavailable() from error
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
            self.origin.broke_off(error)
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

"""WebSockets to upstreams (RFC 6455): after the handshake, bytes both ways, each side read only as fast as the other takes them.

What lasts for long, event streams too, is kept in view: it ends within seconds once its caller may not call any more.
"""

import asyncio
import hashlib
from base64 import b64encode
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from core import blocks, clock
from core.problems import MalformedRequest, TemporarilyUnavailable, UpstreamUnavailable
from gateway.calls import Call
from gateway.http1 import Answer
from gateway.metrics import Metrics
from gateway.pipeline import Admission

log = structlog.get_logger(__name__)

TICK = 1.0
LAST_BYTES = 5.0
"""Seconds in which a side may take what is still to be sent to it when the other has ended."""
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

Judge = Callable[[Call, Admission], Awaitable[bool]]


class Lasting:
    """A call that may last for hours, and how it is ended."""

    def __init__(self, call: Call, admission: Admission, end: Callable[[], Any]) -> None:
        self.call = call
        self.admission = admission
        self.end = end
        grant, route = admission.grant, admission.want.route
        whose = {grant.credential, grant.partner, route.route.id, route.route.owner} if grant and route else set()
        further = [subject for subject, _version in grant.further] if grant else []
        self.subjects = frozenset({*whose, *further, blocks.SUBJECT.hex})
        self.expires_at = grant.expires_at if grant else None

    def tick(self, now: float) -> None:
        """A look every second."""
        if self.expires_at is not None and self.expires_at <= clock.now():
            self.end()


class Tunnel(Lasting):
    """An open WebSocket. `idle` is how many seconds nothing may move."""

    def __init__(self, call: Call, admission: Admission, client: Any, upstream: Any, idle: float) -> None:
        super().__init__(call, admission, self.close)
        self._loop = asyncio.get_running_loop()
        self._idle = idle
        self._moved = self._looked = 0
        self._moved_at = self._loop.time()
        self.ended: asyncio.Future[None] = self._loop.create_future()
        self._transports = (client, upstream)

    def open(self, early_of_client: bytes, early_of_upstream: bytes, on_client_lost: Callable[[Exception | None], None]) -> None:
        """Begin to pass bytes on."""
        client, upstream = self._transports
        sides = _Side(self, upstream, self._from_client, on_client_lost), _Side(self, client, self._from_upstream, None)
        for transport, side, early in zip(self._transports, sides, (early_of_client, early_of_upstream), strict=True):
            transport.set_protocol(side)
            if early:
                side.data_received(early)
        for transport in self._transports:
            if not transport.is_closing():
                transport.resume_reading()
            else:
                self.close()

    def close(self) -> None:
        """End both sides."""
        if self.ended.done():
            return
        self.ended.set_result(None)
        for transport in self._transports:
            transport.close()
            self._loop.call_later(LAST_BYTES, transport.abort)

    def tick(self, now: float) -> None:
        super().tick(now)
        if self._moved != self._looked:
            self._looked, self._moved_at = self._moved, now
        elif now - self._moved_at > self._idle:
            self.close()

    def _from_client(self, size: int) -> None:
        self.call.bytes_in += size
        self._moved += 1

    def _from_upstream(self, size: int) -> None:
        self.call.bytes_out += size
        self._moved += 1


class _Side(asyncio.Protocol):
    def __init__(
        self, tunnel: Tunnel, other: Any, count: Callable[[int], None], on_lost: Callable[[Exception | None], None] | None
    ) -> None:
        self._tunnel = tunnel
        self._other = other
        self._count = count
        self._on_lost = on_lost

    def data_received(self, data: bytes) -> None:
        self._count(len(data))
        self._other.write(data)

    def pause_writing(self) -> None:
        if not self._other.is_closing():
            self._other.pause_reading()

    def resume_writing(self) -> None:
        if not self._other.is_closing():
            self._other.resume_reading()

    def connection_lost(self, error: Exception | None) -> None:
        self._tunnel.close()
        if self._on_lost is not None:
            self._on_lost(error)


class Lastings:
    """All that last, in one process. `judge` says whether a caller may still call."""

    def __init__(self, metrics: Metrics, judge: Judge) -> None:
        self._metrics = metrics
        self._judge = judge
        self._open: set[Lasting] = set()
        self._of: Counter[str] = Counter()
        self._all = 0
        self._ticking: asyncio.Task[None] | None = None
        self._judging: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begin to look at them."""
        self._ticking = asyncio.create_task(self._tick())

    async def stop(self) -> None:
        """End all of them."""
        if self._ticking is not None:
            self._ticking.cancel()
            await asyncio.gather(self._ticking, return_exceptions=True)
        for lasting in list(self._open):
            lasting.end()

    def enter(self, lasting: Lasting) -> None:
        """It lasts from now on."""
        self._open.add(lasting)

    def leave(self, lasting: Lasting) -> None:
        """It is over."""
        self._open.discard(lasting)

    def reserve(self, partner: str) -> None:
        """Have room for one more WebSocket. Raises TemporarilyUnavailable."""
        if self._all >= settings.WEBSOCKETS or self._of[partner] >= settings.WEBSOCKETS_A_PARTNER:
            raise TemporarilyUnavailable(
                _("As many WebSockets as may be are open. Close some, or try again later."), retry_after=10
            )
        self._of[partner] += 1
        self._all += 1
        self._metrics.tunnels = self._all

    def release(self, partner: str) -> None:
        """It has ended."""
        self._of[partner] -= 1
        if not self._of[partner]:
            del self._of[partner]
        self._all -= 1
        self._metrics.tunnels = self._all

    def review(self, changed: set[str]) -> None:
        """Look again at those of keys, partners and integrations (32 hex digits) that have changed."""
        for lasting in self._open:
            if not lasting.subjects.isdisjoint(changed):
                judging = asyncio.create_task(self._review(lasting))
                self._judging.add(judging)
                judging.add_done_callback(self._judging.discard)

    async def _review(self, lasting: Lasting) -> None:
        if not await self._judge(lasting.call, lasting.admission):
            log.info("lasting_call_ended", request_id=lasting.call.request_id)
            lasting.end()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            now = asyncio.get_running_loop().time()
            for lasting in list(self._open):
                if lasting.call.exchange.is_closing:
                    lasting.end()
                else:
                    lasting.tick(now)


def is_asked_for(call: Call) -> bool:
    """Whether the client wants a WebSocket."""
    return b"upgrade" in call.fields and call.fields[b"upgrade"].strip().lower() == b"websocket"


def handshake(call: Call) -> bytes:
    """The lines with which the upstream is asked. Raises MalformedRequest for what is no opening handshake (section 4.2.1)."""
    key, tokens = call.header(b"sec-websocket-key"), call.header(b"connection").lower()
    asks = call.method == "GET" and call.exchange.version == "1.1" and "upgrade" in tokens and call.exchange.is_received
    if not asks or len(key) != 24 or call.header(b"sec-websocket-version") != "13":
        raise MalformedRequest(_("This is no opening handshake of a WebSocket (RFC 6455, version 13)."))
    return b"connection: Upgrade\r\nupgrade: websocket\r\n"


def require_accepted(call: Call, answer: Answer) -> None:
    """Raises UpstreamUnavailable unless the upstream has agreed to what it was asked (section 4.1)."""
    fields = dict(answer.headers)
    wanted = b64encode(hashlib.sha1(call.fields[b"sec-websocket-key"] + _GUID, usedforsecurity=False).digest())
    if fields.get(b"upgrade", b"").lower() != b"websocket" or fields.get(b"sec-websocket-accept") != wanted:
        raise UpstreamUnavailable(_("The API behind this address gave no proper answer to the WebSocket's handshake."))

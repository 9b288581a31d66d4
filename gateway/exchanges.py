"""One request and its answer, as they go over the wire."""

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import msgspec
import structlog
from django.conf import settings

from core import ids, problems

if TYPE_CHECKING:
    from gateway.connections import Connection

log = structlog.get_logger(__name__)

Headers = list[tuple[bytes, bytes]]

BUFFERED = 256 * 1024
"""Bytes that are kept for somebody who doesn't take them: of a request's body, and of an answer."""

_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}
_encode = msgspec.json.Encoder().encode


class ClientGone(Exception):
    """The client went away: before its request was complete, or before it had taken the answer."""


class Tap:
    """The beginnings of a request's body and of its answer's, `most` bytes of each; of an encoded answer nothing."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.request = bytearray()
        self.response = bytearray()
        self.is_encoded = False

    def sent(self, part: bytes) -> None:
        """A part of the request's body has come."""
        self.request += part[: self._most - len(self.request)]

    def answered(self, part: bytes) -> None:
        """A part of the answer's body goes out."""
        if not self.is_encoded:
            self.response += part[: self._most - len(self.response)]


class Exchange:
    """A request whose head has come, and the answer to it: a whole one by `answer`, else `start`, `write` and `end`.

    Headers have lower-case names; `fields` maps each to its last value. `keeps_alive` says whether the connection serves on.
    """

    is_received = False
    """Whether all of the request's body has come."""
    follows_client = False
    _is_ended = False
    _is_written = False
    _head = b""
    _is_bodiless = False
    _is_chunked = False
    _left: int | None = None
    _buffered = 0
    _spoiled: problems.Problem | None = None
    _signal: asyncio.Future[None] | None = None
    tap: Tap | None = None
    """Who looks at the bodies that pass."""

    def __init__(
        self,
        connection: "Connection",
        method: str,
        target: bytes,
        version: str,
        headers: Headers,
        fields: dict[bytes, bytes],
        keeps_alive: bool,
    ) -> None:
        self._connection = connection
        self.method = method
        self.raw_path, _mark, self.query = target.partition(b"?")
        self.version = version
        self.headers = headers
        self.fields = fields
        self.keeps_alive = keeps_alive
        self._parts: list[bytes] = []

    @property
    def peer(self) -> str:
        """The address at the other end of the connection."""
        return self._connection.peer

    def follow_client(self) -> None:
        """From now on the client's leaving ends the work: the task is cancelled. Raises ClientGone if it has left."""
        if self._connection.is_gone:
            raise ClientGone
        self.follows_client = True

    # --- the request's body ---
    async def read(self) -> bytes:
        """The next part of the body; b"" at its end. Raises ClientGone, and MalformedRequest for what is no body."""
        if b"expect" in self.fields and not self._parts and not self.is_received and not self._is_written:
            self._connection.write(b"HTTP/1.1 100 Continue\r\n\r\n")  # RFC 9110, section 10.1.1
            del self.fields[b"expect"]
        while not self._parts:
            if self._spoiled is not None:
                raise self._spoiled
            if self.is_received:
                return b""
            if self._connection.is_gone:
                raise ClientGone
            self._signal = self._connection.loop.create_future()
            await self._signal
        body = b"".join(self._parts)
        self._parts.clear()
        self._buffered = 0
        if self.tap is not None:
            self.tap.sent(body)
        if not self.is_received:
            self._connection.want_more()
        return body

    def feed(self, part: bytes) -> bool:
        """A part has come; True if it is time to pause."""
        self._parts.append(part)
        self._buffered += len(part)
        self.wake()
        return self._buffered >= BUFFERED

    def spoil(self, problem: problems.Problem) -> None:
        """What came is no body."""
        self._spoiled = problem
        self.wake()

    def wake(self) -> None:
        """Something has changed for `read`."""
        if self._signal is not None and not self._signal.done():
            self._signal.set_result(None)

    # --- the answer ---
    @property
    def is_closing(self) -> bool:
        """Whether the server is about to end."""
        return self._connection.server.is_closing

    def upgrade(self, headers: Headers, ours: bytes) -> tuple[Any, bytes, Callable[[Exception | None], None]]:
        """Answer 101 and leave HTTP: the transport, what the client has sent ahead, and what is to be told when it is lost."""
        self._is_written = self._is_ended = True
        self.keeps_alive = self.follows_client = False
        said = b"connection: Upgrade\r\nupgrade: websocket\r\n"
        self._connection.write(b"".join((_status_line(101), self._connection.server.date, lines(headers), ours, said, b"\r\n")))
        return *self._connection.hand_over(), self._connection.connection_lost

    def answer(self, status: int, head: bytes, body: bytes = b"") -> None:
        """All of it; `head` are header lines (see `lines`), to which its length is added. A 204 and a 304 have none (RFC 9110,
        section 8.6).

        After another answer has begun there can be none: that one is broken off.
        """
        if self._is_written:
            self.break_off()
            return
        self._is_written = self._is_ended = True
        if self.tap is not None:
            self.tap.answered(body)
        framing = self._framing()
        if status != 204 and status != 304:
            framing += b"content-length: %d\r\n" % len(body)
            if self.method == "HEAD":
                body = b""
        self._connection.write(b"".join((_status_line(status), self._connection.server.date, head, framing, b"\r\n", body)))

    def start(self, status: int, headers: Headers, ours: bytes = b"") -> None:
        """The head of a body that comes in parts, kept until there is one; it is as long as `content-length` says, if that does.

        The connection's own headers mustn't be among these; `ours` are further lines.
        """
        names = dict(headers)
        if self.tap is not None:
            self.tap.is_encoded = b"content-encoding" in names
        date = b"" if b"date" in names else self._connection.server.date
        framing = self._framing()
        self._is_bodiless = status == 204 or status == 304 or self.method == "HEAD"
        if status == 204:  # whoever waited for a body would take the next answer for it (RFC 9110, section 8.6)
            headers = [entry for entry in headers if entry[0] != b"content-length"]
        elif b"content-length" in names:
            self._left = int(names[b"content-length"])
        elif self.version == "1.1" and not self._is_bodiless:
            self._is_chunked = True
            framing += b"transfer-encoding: chunked\r\n"
        elif self.keeps_alive and not self._is_bodiless:
            self.keeps_alive = False
            framing = self._framing()
        self._head = b"".join((_status_line(status), date, lines(headers), ours, framing, b"\r\n"))

    @property
    def has_room(self) -> bool:
        """Whether the client has taken enough of what was sent before."""
        return not self._connection.is_behind

    def offer(self, part: bytes) -> bool:
        """A part of the body, if the client `has_room` for it; else False, and it isn't sent."""
        if not self.has_room:
            return False
        self._connection.write(self._framed(part, is_last=False))
        self._connection.flush()
        return True

    async def write(self, part: bytes) -> None:
        """A part of the body; waits while the client is slow. Raises ClientGone."""
        self._connection.write(self._framed(part, is_last=False))
        await self._connection.drain()

    def end(self, part: bytes = b"") -> None:
        """The last part."""
        self._connection.write(self._framed(part, is_last=True))
        self._is_ended = True

    def require_end(self) -> None:
        """Whoever served it has returned."""
        if not self._is_ended:
            log.error("answer_not_ended", path=self.raw_path.decode("latin-1"))
            self.fail()

    def fail(self) -> None:
        """Say that something went wrong; an answer that has begun is cut off, so that nobody takes it for whole."""
        headers, body = rendered(problems.InternalError(), ids.encode("call", ids.new()))
        self.answer(problems.InternalError.status, lines(headers), body)

    def break_off(self) -> None:
        """Nothing more comes of it."""
        if not self._is_ended:
            self._is_ended = True
            self._connection.abort()

    def _framing(self) -> bytes:
        """What is to be said of the connection."""
        if not self.keeps_alive or not self.is_received or self._connection.server.is_closing:
            self.keeps_alive = False
            return b"connection: close\r\n"
        return b"" if self.version == "1.1" else b"connection: keep-alive\r\n"

    def _framed(self, part: bytes, *, is_last: bool) -> bytes:
        """A part of the body as the head has promised it (RFC 9112, section 6), after that head if it is the first."""
        head, self._head = self._head, b""
        self._is_written = True
        if self.tap is not None:
            self.tap.answered(part)
        if self._is_bodiless:
            return head
        if self._left is not None:
            self._left -= len(part)
            if self._left < 0 or (self._left and is_last):
                raise ValueError("the body is not as long as its head said")
        elif self._is_chunked:
            part = b"%x\r\n%b\r\n" % (len(part), part) if part else b""
            if is_last:
                part += b"0\r\n\r\n"
        return head + part


def lines(headers: Headers) -> bytes:
    """Headers as they go over the wire. Raises ValueError for one with a line break in it."""
    made = b"".join([b"%b: %b\r\n" % entry for entry in headers])
    if made.count(b"\n") != len(headers) or made.count(b"\r") != len(headers):
        raise ValueError("a header with a line break in it")
    return made


def rendered(problem: problems.Problem, request_id: str) -> tuple[Headers, bytes]:
    """A problem's headers and document."""
    document: dict[str, Any] = problem.document(request_id=request_id, base_url=settings.BASE_URL)
    headers = [
        (b"content-type", problems.CONTENT_TYPE.encode()),
        (b"x-request-id", request_id.encode()),
        (b"cache-control", b"no-store"),
    ]
    headers += [(name.lower().encode(), str(value).encode("latin-1", "replace")) for name, value in problem.headers.items()]
    return headers, _encode(document)


def _status_line(status: int) -> bytes:
    return _STATUS_LINES.get(status) or b"HTTP/1.1 %d \r\n" % status

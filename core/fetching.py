"""One request and its whole answer on a kept-alive connection of HTTP/1.1 (RFC 9112), parsed by llhttp (httptools).

For what fits into memory both ways, such as webhooks: general clients cost several times as much a request. Who connects,
and whereto, is the business of `core.outbound`.
"""

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httptools
from django.utils.translation import gettext_lazy as _

LARGEST_HEAD = 64 * 1024
"""Bytes of an answer's headers, and of what stands between two parts of its body (trailers, chunk extensions)."""


class Unreachable(Exception):
    """Nothing there, or it broke off: `reason` says what happened, in words for the address's owner."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class TooSlow(Unreachable):
    """The time was up before the whole answer had come."""


class BrokenOff(Unreachable):
    """The other side closed the connection before its answer was complete."""


class NameUnknown(Unreachable):
    """The host's name has no address."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: status, headers as received, at most the allowed bytes of the body, seconds it took."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    truncated: bool
    seconds: float


def request(method: str, path: str, *, host: str, headers: Mapping[str, str], body: bytes | None) -> bytes:
    """The bytes of a request; Content-Length is added. Raises ValueError for a line break where none may be."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", "Accept: */*", *map(": ".join, headers.items())]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    head = "\r\n".join(lines)
    if head.count("\n") >= len(lines) or head.count("\r") >= len(lines):
        raise ValueError("a header has a line break")
    return head.encode() + b"\r\n\r\n" + (body or b"")


class Line(asyncio.Protocol):
    """A connection that carries one request after the other, each once the whole answer to the last has come."""

    def __init__(self) -> None:
        self.is_free = True
        self.idle_since = 0.0
        self._loop = asyncio.get_running_loop()
        self._transport: Any = None
        self._parser: Any = None
        self._asked: asyncio.Future[None] | None = None

    async def ask(self, sent: bytes, *, most: int, seconds: float) -> None:
        """Send a request and wait for its answer, `most` bytes of the body at the most. Raises Unreachable, TimeoutError."""
        self._parser = httptools.HttpResponseParser(self)
        self._most = most
        self.status, self.headers, self.is_truncated = 0, list[tuple[str, str]](), False
        self._body, self._size, self._unframed = list[bytes](), 0, 0
        self._keeps_alive = self._has_length = False
        self._has_no_body = sent.startswith(b"HEAD ")
        self.is_free = self._is_heard = False
        if self._transport.is_closing():
            raise _broken_off()
        self._asked = self._loop.create_future()
        self._transport.write(sent)
        timer = self._loop.call_later(seconds, self._fail, TimeoutError())
        try:
            await self._asked
        finally:
            timer.cancel()
            if not self.is_free:
                self.close()

    async def asked_again(self, sent: bytes, *, most: int, seconds: float) -> bool:
        """`ask` on a connection that was kept; False if it was closed without a byte in answer, as idle ones may be."""
        try:
            await self.ask(sent, most=most, seconds=seconds)
        except BrokenOff:
            if self._is_heard:
                raise
            return False
        return True

    @property
    def body(self) -> bytes:
        """Of the answer that has come."""
        body = b"".join(self._body)
        return body[: self._most] if self.is_truncated else body

    def close(self) -> None:
        """Give the connection up, whatever is under way."""
        self.is_free = False
        self._transport.abort()

    # --- asyncio.Protocol ---
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if self._asked is None or self._asked.done():  # nobody has asked for this: whose answer would it be taken for?
            self.close()
            return
        self._is_heard = True
        self._unframed += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._keeps_alive = False
            self._end()
        except httptools.HttpParserError:
            self._fail(_malformed())
        if self._unframed > LARGEST_HEAD:
            self._fail(_malformed())

    def connection_lost(self, error: Exception | None) -> None:
        self.is_free = False
        if self._asked is None:
            return
        # Without a length and without chunks, the end of the connection is the end of the body, unless it broke.
        if error is None and self.status and not self._has_length:
            self._end()
        elif error is None or isinstance(error, ConnectionError):
            self._fail(_broken_off())
        else:
            lost = Unreachable(str(_("The connection broke: {reason}.")).format(reason=_brief(error)))
            lost.__cause__ = error
            self._fail(lost)

    # --- httptools callbacks ---
    def on_message_begin(self) -> None:
        if self.status:  # a second answer to one request
            self.is_free = self._keeps_alive = False

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.status:  # trailers are nobody's
            self.headers.append((name.decode("latin-1"), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 200 and status != 101:
            self.headers.clear()
            return
        self.status = status
        self._keeps_alive = bool(self._parser.should_keep_alive())  # it says no once all of it has come
        self._has_length = any(
            name.lower() == "content-length" or (name.lower() == "transfer-encoding" and "chunked" in value.lower())
            for name, value in self.headers
        )
        if self._has_no_body:  # whatever the headers say of a length, which the parser would wait for
            self._keeps_alive = False
            self._end()

    def on_body(self, data: bytes) -> None:
        self._unframed = 0
        self._body.append(data)
        self._size += len(data)
        if self._size > self._most and not self.is_truncated:
            self.is_truncated = True
            self._keeps_alive = False
            self._end()

    def on_message_complete(self) -> None:
        if self.status:
            self._end()

    # ---
    def _end(self) -> None:
        """The answer is there, or as much of it as is wanted. A server that did not take the whole request isn't asked again."""
        if self._asked is not None and not self._asked.done():
            self.is_free = self._keeps_alive and not self._transport.get_write_buffer_size()
            self._asked.set_result(None)

    def _fail(self, error: Unreachable | TimeoutError) -> None:
        self.is_free = False
        if self._asked is not None and not self._asked.done():
            self._asked.set_exception(error)


def _broken_off() -> BrokenOff:
    return BrokenOff(str(_("The server closed the connection before its answer was complete.")))


def _malformed() -> Unreachable:
    return Unreachable(str(_("The server's answer was no well-formed HTTP.")))


def _brief(error: Exception) -> str:
    return (error.reason if isinstance(error, ssl.SSLError) else "") or str(error) or type(error).__name__

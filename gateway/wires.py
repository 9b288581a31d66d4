"""One connection to a server that speaks HTTP/1.1, and the exchange that is on it; parsed by llhttp (httptools)."""

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, NamedTuple

import httptools

from gateway.exchanges import Headers

if TYPE_CHECKING:
    from gateway.http1 import Pool

BUFFERED = 256 * 1024
LARGEST_HEAD = 64 * 1024
"""Bytes of an answer's headers, and of what stands between two parts of its body (trailers, chunk extensions)."""
NEVER = float("inf")

Content = bytes | AsyncIterator[bytes]


class BrokenOff(Exception):
    """The connection ended before the whole answer had come: what was sent may have had its effect."""


class TimeUp(BrokenOff):
    """The server took longer than it may."""


class Patience(NamedTuple):
    """Seconds that a server may take: for the head of its answer, and for each further part of it or of what it is sent."""

    head: float = NEVER
    part: float = NEVER


class Connection(asyncio.Protocol):
    """One connection to a server, and the exchange that is on it."""

    pool: "Pool"

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.transport: Any = None
        self.is_alive = True
        self.idle_since = 0.0
        self.exchanges = 0
        self.deadline = NEVER
        self._blocked: asyncio.Future[None] | None = None
        self._is_writing_paused = False
        self._reset(bodiless=False, duplex=False, upgrade=False)

    def _reset(self, *, bodiless: bool, duplex: bool, upgrade: bool) -> None:
        self._parser: Any = httptools.HttpResponseParser(self)
        self.patience = Patience()
        self.status = 0
        self.headers: Headers = []
        self.early = b""
        """What came after the head of a 101."""
        self.heard = self.has_head = self.is_complete = self.given_back = False
        self.has_place = True
        self._is_bodiless = bodiless
        self._is_duplex = duplex
        self._takes_upgrade = upgrade
        self._body: list[bytes] = []
        self._buffered = self._unframed = 0
        self._head_due = NEVER
        self._is_paused = self._has_failed = self._has_length = self._keeps_alive = False
        self._is_sent = self._is_expired = False
        self._waiter: asyncio.Future[None] | None = None
        self._upload: asyncio.Task[None] | None = None
        self._upload_error: Exception | None = None
        self.reason = ""

    @property
    def is_exhausted(self) -> bool:
        return self.is_complete and not self._body

    @property
    def has_part(self) -> bool:
        return bool(self._body) or self.is_complete

    @property
    def is_reusable(self) -> bool:
        """Not after HEAD: a server that sends a body all the same would have it taken for the next answer. Nor after a body
        that wasn't sent whole: the server would take the next request for the rest of it."""
        is_clean = self._is_sent and self.is_complete and not self._has_failed and not self._is_bodiless and self.status != 101
        return self.is_alive and is_clean and self._keeps_alive

    async def exchange(self, head: bytes, body: Content, *, bodiless: bool, duplex: bool, upgrade: bool) -> None:
        """Send, and return when the head of the answer is there."""
        self._reset(bodiless=bodiless, duplex=duplex, upgrade=upgrade)
        self.patience = self.pool.patience
        self.exchanges += 1
        if isinstance(body, bytes):
            self._require_open()
            self.pool.write_soon(self, head + body if body else head)
            self._is_sent = True
        else:
            self._write(head)
            self._upload = self._loop.create_task(self._send_parts(body))
        if self._is_sent:
            self._head_due = self.pool.now + self.patience.head
        while not self.has_head:
            await self._wait(self._head_due)
        if not self._is_sent and not duplex:
            self._end_upload()

    async def chunk(self) -> bytes:
        while not self._body and not self.is_complete:
            await self._wait(self.pool.now + self.patience.part)
        body = self._body
        data = body[0] if len(body) == 1 else b"".join(body)
        body.clear()
        self._buffered = 0
        if self._is_paused and self.is_alive:
            self._is_paused = False
            self.transport.resume_reading()
        return data

    def close(self) -> None:
        self.is_alive = False
        self._end_upload()
        if self.transport is not None:
            self.transport.close()

    def expire(self) -> None:
        """The server's time is over."""
        self._is_expired = True
        self.deadline = NEVER
        self.is_alive = False
        self.transport.abort()
        self._wake()

    # --- asyncio.Protocol ---
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if self.is_complete or self.exchanges == 0:  # nobody has asked for this: whose answer would it be taken for?
            self._has_failed = True
            self.close()
            return
        self.heard = True
        self._unframed += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            if self.status == 101:
                self.early = data[upgrade.args[0] :]
                self.transport.pause_reading()
            else:
                self._fail("it changed the protocol unasked")
        except httptools.HttpParserError as error:
            self._fail(str(error.__context__ or error))
        if self._unframed > LARGEST_HEAD and not self.is_complete:
            self._fail("more headers than anybody needs")
        if self._buffered > BUFFERED and not self._is_paused and not self.is_complete:
            self._is_paused = True
            self.transport.pause_reading()
        self._wake()

    def connection_lost(self, error: Exception | None) -> None:
        self.is_alive = False
        # Without a length and without chunks, the end of the connection is the end of the body, unless it broke.
        if error is None and self.has_head and not self.is_complete and not self._has_length and not self._is_expired:
            self.is_complete = not self._has_failed
        self.resume_writing()
        self._end_upload()
        self._wake()

    def pause_writing(self) -> None:
        self._is_writing_paused = True

    def resume_writing(self) -> None:
        self._is_writing_paused = False
        if self._blocked is not None and not self._blocked.done():
            self._blocked.set_result(None)

    # --- httptools callbacks ---
    def on_message_begin(self) -> None:
        if self.has_head:
            raise ValueError("two answers to one request")

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.has_head:  # trailers are nobody's
            self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 200 and not (status == 101 and self._takes_upgrade):
            self.headers = []
            return
        if self._unframed > LARGEST_HEAD and sum(len(name) + len(value) for name, value in self.headers) > LARGEST_HEAD:
            raise ValueError("more headers than anybody needs")
        self.status = status
        self.has_head = True
        self._keeps_alive = bool(self._parser.should_keep_alive())  # it says no once all of it has come
        self.is_complete = self._is_bodiless or status in {101, 204, 304}
        self._has_length = any(name in {b"content-length", b"transfer-encoding"} for name, _ in self.headers)

    def on_body(self, data: bytes) -> None:
        self._unframed = 0
        if not self.is_complete:
            self._body.append(data)
            self._buffered += len(data)

    def on_message_complete(self) -> None:
        if self.has_head:
            self.is_complete = True

    # ---
    async def _send_parts(self, body: AsyncIterator[bytes]) -> None:
        try:
            async for part in body:
                if self.has_head and not self._is_duplex:  # answered before it read everything: the rest isn't wanted
                    return
                self._write(part)
                if self._is_writing_paused:
                    self._blocked = self._loop.create_future()
                    self.deadline = self.pool.now + self.patience.part
                    await self._blocked
                    self.deadline = NEVER
            self._is_sent = True
            if not self.has_head:
                self.deadline = self._head_due = self.pool.now + self.patience.head
        except BrokenOff:
            self._wake()  # who waits for the answer finds out
        except Exception as error:  # of the request's own body: whoever waits for the answer raises it
            self._upload_error = error
            self._wake()

    def _end_upload(self) -> None:
        if self._upload is not None and not self._upload.done():
            self._upload.cancel()

    def _fail(self, reason: str) -> None:
        self._has_failed = True
        self.reason = reason
        self.close()

    def _require_open(self) -> None:
        if not self.is_alive or self.transport.is_closing():
            raise BrokenOff("the connection is closed")

    def _write(self, data: bytes) -> None:
        self._require_open()
        self.transport.write(data)

    async def _wait(self, deadline: float) -> None:
        if self._upload_error is not None:
            raise self._upload_error
        if self._is_expired:
            raise TimeUp("the server took too long")
        if not self.is_alive or self._has_failed:
            raise BrokenOff(self.reason or "the connection ended before the answer")
        self._waiter = self._loop.create_future()
        self.deadline = deadline
        await self._waiter
        self.deadline = NEVER

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
        self._waiter = None

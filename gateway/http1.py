"""A small HTTP/1.1 client for servers of our own, with kept-alive connections, streamed both ways.

General clients cost several times as much a call; this one writes bytes that were checked before, and parses answers with
llhttp (httptools).
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator
from typing import Any

import httptools

from gateway.exchanges import Headers

IDLE = 4.0
"""Seconds after which a kept connection isn't used again; shorter than any server's own patience."""
PATIENCE = 2.0
"""Seconds in which a server that is being restarted may come back, before a connection is given up."""
BUFFERED = 256 * 1024
MOST_AT_ONCE = 256


class Unreachable(Exception):
    """No connection could be made: nothing was sent."""


class BrokenOff(Exception):
    """The connection ended before the whole answer had come: what was sent may have had its effect."""


class Answer:
    """An answer whose head has come. Headers have lower-case names. Read it to its end, or close it."""

    __slots__ = ("_connection", "_pool", "headers", "status")

    def __init__(self, connection: "_Connection", pool: "Pool") -> None:
        self._connection = connection
        self._pool = pool
        self.status = connection.status
        self.headers = connection.headers

    @property
    def is_exhausted(self) -> bool:
        """Whether all of the body was read."""
        return self._connection.is_exhausted

    async def chunk(self) -> bytes:
        """More of the body, as it comes; b"" at its end. Raises BrokenOff."""
        return await self._connection.chunk()

    def close(self) -> None:
        """Done with it; what was not read is given up."""
        self._pool.give_back(self._connection)


class Pool:
    """Connections to one server behind a Unix socket."""

    def __init__(self, socket: str) -> None:
        self._socket = socket
        self._idle: list[_Connection] = []
        self._places = asyncio.Semaphore(MOST_AT_ONCE)

    async def send(self, head: bytes, body: bytes | AsyncIterator[bytes], *, bodiless: bool, repeatable: bool) -> Answer:
        """Send a request and wait for the head of its answer. `bodiless`: the answer has no body (HEAD); `repeatable`: it
        may be sent again if a kept connection turns out to be dead. Raises Unreachable, BrokenOff."""
        await self._places.acquire()
        connection = None
        try:
            while True:
                connection = self._take() or await self._connect()
                try:
                    await connection.exchange(head, body, bodiless)
                    return Answer(connection, self)
                except BrokenOff:
                    if not (repeatable and connection.exchanges > 1 and not connection.heard):
                        raise
        except BaseException:
            if connection is not None:
                connection.close()
            self._places.release()
            raise

    def give_back(self, connection: "_Connection") -> None:
        """The exchange is over: keep the connection if it can serve another."""
        if connection.given_back:
            return
        connection.given_back = True
        self._places.release()
        if connection.reusable:
            connection.idle_since = time.monotonic()
            self._idle.append(connection)
        else:
            connection.close()

    def close(self) -> None:
        """Close what is kept."""
        while self._idle:
            self._idle.pop().close()

    def _take(self) -> "_Connection | None":
        while self._idle:
            connection = self._idle.pop()
            if connection.alive and time.monotonic() - connection.idle_since < IDLE:
                return connection
            connection.close()
        return None

    async def _connect(self) -> "_Connection":
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                _, connection = await asyncio.get_running_loop().create_unix_connection(_Connection, self._socket)
                return connection
            except OSError as error:
                if time.monotonic() > deadline:
                    raise Unreachable(str(error)) from error
                await asyncio.sleep(0.05)


class _Connection(asyncio.Protocol):
    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: Any = None
        self.alive = True
        self.idle_since = 0.0
        self.exchanges = 0
        self._writable = asyncio.Event()
        self._writable.set()
        self._reset(False)

    def _reset(self, bodiless: bool) -> None:
        self._parser: Any = httptools.HttpResponseParser(self)
        self.status = 0
        self.headers: Headers = []
        self.heard = self.has_head = self.complete = self.given_back = False
        self._bodiless = bodiless
        self._body: deque[bytes] = deque()
        self._buffered = 0
        self._paused = False
        self._failed = self._has_length = self._is_sent = False
        self._waiter: asyncio.Future[None] | None = None

    @property
    def is_exhausted(self) -> bool:
        return self.complete and not self._body

    @property
    def reusable(self) -> bool:
        """Not after HEAD: a server that sends a body all the same would have it taken for the next answer. Nor after a body
        that wasn't sent whole: the server would take the next request for the rest of it."""
        is_clean = self._is_sent and self.complete and not self._failed and not self._bodiless
        return self.alive and is_clean and bool(self._parser.should_keep_alive())

    async def exchange(self, head: bytes, body: bytes | AsyncIterator[bytes], bodiless: bool) -> None:
        """Send, and return when the head of the answer is there."""
        self._reset(bodiless)
        self.exchanges += 1
        if isinstance(body, bytes):
            self._write(head + body)
            self._is_sent = True
        else:
            self._write(head)
            async for part in body:
                if self.has_head:  # answered before it read everything: the rest isn't wanted
                    break
                self._write(part)
                await self._writable.wait()
            else:
                self._is_sent = True
        while not self.has_head:
            await self._wait()

    async def chunk(self) -> bytes:
        while not self._body and not self.complete:
            await self._wait()
        data = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        self._body.clear()
        self._buffered = 0
        if self._paused and self.alive:
            self._paused = False
            self._transport.resume_reading()
        return data

    def close(self) -> None:
        self.alive = False
        if self._transport is not None:
            self._transport.close()

    # --- asyncio.Protocol ---
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self.heard = True
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._failed = True
            self.close()
        if self._buffered > BUFFERED and not self._paused and not self.complete:
            self._paused = True
            self._transport.pause_reading()
        self._wake()

    def connection_lost(self, error: Exception | None) -> None:
        self.alive = False
        # Without a length and without chunks, the end of the connection is the end of the body.
        if self.has_head and not self.complete and not self._has_length:
            self.complete = True
        self._writable.set()
        self._wake()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    # --- httptools callbacks ---
    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 200:
            self.headers = []
            return
        self.status = status
        self.has_head = True
        self.complete = self._bodiless or status in {204, 304}
        self._has_length = any(name in {b"content-length", b"transfer-encoding"} for name, _ in self.headers)

    def on_body(self, data: bytes) -> None:
        self._body.append(data)
        self._buffered += len(data)

    def on_message_complete(self) -> None:
        if self.has_head:
            self.complete = True

    # ---
    def _write(self, data: bytes) -> None:
        if not self.alive or self._transport.is_closing():
            raise BrokenOff("the connection is closed")
        self._transport.write(data)

    async def _wait(self) -> None:
        if not self.alive or self._failed:
            raise BrokenOff("the connection ended before the answer")
        self._waiter = self._loop.create_future()
        await self._waiter

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
        self._waiter = None

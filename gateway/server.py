"""The gateway's own HTTP/1.1 server (RFC 9112), on the event loop: who listens, and the clock of all connections.

General servers hand each request from their threads to Python's, which costs more than a decision does. TLS and HTTP/2 are
the business of the proxy in front.
"""

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable
from email.utils import formatdate

from gateway.addresses import LOCAL
from gateway.connections import READ_AT_ONCE, Connection
from gateway.crowd import Crowd
from gateway.exchanges import Exchange

BACKLOG = 2_048
LAST_CALLS = 8.0
"""Seconds that calls have to end in when the server closes."""
TICK = 0.25

Serve = Callable[[Exchange], Awaitable[None]]


class Server:
    """Listens, and has each request served. `now` is the loop's time and `date` the line of this second, both by the tick."""

    def __init__(self, serve: Serve, crowd: Crowd | None = None) -> None:
        self.serve, self.crowd = serve, crowd or Crowd()
        self.loop = asyncio.get_running_loop()
        self.now = 0.0
        self.date = b""
        self.connections: set[Connection] = set()
        self.is_closing = False
        self.buffer = memoryview(bytearray(READ_AT_ONCE))
        self._unsent: list[Connection] = []
        self._listeners: list[asyncio.Server] = []
        self._ticker: asyncio.TimerHandle | None = None

    async def open(self, *bound: socket.socket) -> None:
        """Take connections from bound sockets: of an address, or of a path."""
        self._tick()
        for each in bound:
            if each.family == socket.AF_UNIX:
                listener = await self.loop.create_unix_server(lambda: Connection(self, LOCAL), sock=each, backlog=BACKLOG)
            else:
                listener = await self.loop.create_server(lambda: Connection(self), sock=each, backlog=BACKLOG)
            self._listeners.append(listener)

    async def close(self) -> None:
        """Take no more requests, and let those that are being answered end."""
        self.is_closing = True
        for listener in self._listeners:
            listener.close()
        for connection in list(self.connections):
            connection.wake()
        tasks = [connection.task for connection in self.connections if connection.task]
        last = self.loop.time() + LAST_CALLS
        while self.connections and self.loop.time() < last:
            await asyncio.sleep(0.02)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for connection in list(self.connections):
            connection.abort()
        if self._ticker:
            self._ticker.cancel()

    def send_soon(self, connection: Connection) -> None:
        """Have what a connection has to say sent together with what the others have at the end of this turn of the loop: a
        client on this machine is woken once for several answers then, instead of for each."""
        if not self._unsent:
            self.loop.call_soon(self._send)
        self._unsent.append(connection)

    def _send(self) -> None:
        unsent, self._unsent = self._unsent, []
        for connection in unsent:
            connection.flush()

    def _tick(self) -> None:
        """One look at the clock and at every connection's deadline, instead of several for each request."""
        self.now = now = self.loop.time()
        self.date = b"date: " + formatdate(time.time(), usegmt=True).encode() + b"\r\n"  # RFC 9110, section 6.6.1
        for connection in list(self.connections):
            if connection.deadline < now or connection.write_deadline < now:
                connection.expire()
        self._ticker = self.loop.call_later(TICK, self._tick)

"""A small HTTP/1.1 client with kept-alive connections, streamed both ways: to Django, and to the upstreams under `/apis/`.

General clients cost several times as much a call; this one writes bytes that were checked before, and parses answers with
llhttp (`gateway.wires`). Who connects, and whereto, is the business of its `connect`.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable

from gateway.wires import NEVER, BrokenOff, Connection, Content, Patience, TimeUp

IDLE = 4.0
"""Seconds after which a kept connection isn't used again; shorter than any server's own patience."""
PATIENCE = 2.0
"""Seconds in which a server that is being restarted may come back, before a connection is given up."""
MOST_AT_ONCE = 256


class Unreachable(Exception):
    """No connection could be made: nothing was sent."""


class Busy(Exception):
    """Every connection that there may be is in use, and none has become free in time: nothing was sent."""


class Answer:
    """An answer whose head has come. Headers have lower-case names. Read it to its end, or close it."""

    __slots__ = ("_pool", "connection", "headers", "status")

    def __init__(self, connection: "Connection", pool: "Pool") -> None:
        self.connection = connection
        self._pool = pool
        self.status = connection.status
        self.headers = connection.headers

    @property
    def is_exhausted(self) -> bool:
        """Whether all of the body was read."""
        return self.connection.is_exhausted

    @property
    def has_part(self) -> bool:
        """Whether `chunk` would not have to wait."""
        return self.connection.has_part

    async def chunk(self) -> bytes:
        """More of the body, as it comes; b"" at its end. Raises BrokenOff, and what was wrong with the request's own body."""
        return await self.connection.chunk()

    def wait_longer(self, seconds: float) -> None:
        """The server may take this long for each further part."""
        self.connection.patience = Patience(part=seconds)

    def make_room(self) -> None:
        """This one may last for hours: it doesn't count among those that the pool may have."""
        self._pool.make_room(self.connection)

    def close(self) -> None:
        """Done with it; what was not read is given up."""
        self._pool.give_back(self.connection)


class Pool:
    """Connections to one server, at most `most` of them busy at a time; who wants another waits, `queue` seconds if given.

    `tick` is to be called several times a second where there is a `patience`, or where idle connections should be closed.
    """

    def __init__(
        self,
        connect: Callable[[], Awaitable["Connection"]],
        *,
        most: int | None = None,
        patience: Patience | None = None,
        queue: float | None = None,
    ) -> None:
        self._connect = connect
        self._most = most or MOST_AT_ONCE
        self.patience = patience or Patience()
        self._queue = queue
        self.now = 0.0
        self.busy: set[Connection] = set()
        self._taken = 0
        self._idle: list[Connection] = []
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._unsent: list[tuple[Connection, bytes]] = []

    async def send(
        self,
        head: bytes,
        body: Content,
        *,
        bodiless: bool,
        repeatable: bool,
        duplex: bool = False,
        upgrade: bool = False,
        begin: Callable[[], None] | None = None,
    ) -> Answer:
        """Send a request and wait for the head of its answer.

        `bodiless`: the answer has no body (HEAD); `repeatable`: it may be sent again if a kept connection turns out to be
        dead; `duplex`: the rest of the body is sent while the answer comes; `upgrade`: a 101 is an answer; `begin` is called
        before the first byte is sent, when there is a connection. Raises Unreachable,
        BrokenOff, TimeUp, what `connect` raises, what was wrong with the body, and Busy after `queue` seconds.
        """
        if self._taken >= self._most or self._waiting:
            await self._place()
        else:
            self._taken += 1
        connection = None
        try:
            while True:
                connection = self._take() or await self._connect()
                connection.pool = self
                self.busy.add(connection)
                if begin is not None:
                    begin()
                try:
                    await connection.exchange(head, body, bodiless=bodiless, duplex=duplex, upgrade=upgrade)
                    return Answer(connection, self)
                except BrokenOff as error:
                    was_kept = connection.exchanges > 1 and not connection.heard and not isinstance(error, TimeUp)
                    if not (repeatable and was_kept):
                        raise
                    self.busy.discard(connection)
        except BaseException:
            if connection is not None:
                connection.close()
                self.busy.discard(connection)
            self._release()
            raise

    def write_soon(self, connection: "Connection", data: bytes) -> None:
        """Have a request sent together with those of the others at the end of this turn of the loop, so that a server on this
        machine is woken once for several."""
        if not self._unsent:
            asyncio.get_running_loop().call_soon(self._write)
        self._unsent.append((connection, data))

    def _write(self) -> None:
        unsent, self._unsent = self._unsent, []
        for connection, data in unsent:
            if connection.is_alive:
                connection.transport.write(data)

    def give_back(self, connection: "Connection") -> None:
        """The exchange is over: keep the connection if it can serve another."""
        if connection.given_back:
            return
        connection.given_back = True
        connection.deadline = NEVER
        self.busy.discard(connection)
        if connection.is_reusable:
            connection.idle_since = time.monotonic()
            self._idle.append(connection)
        else:
            connection.close()
        self.make_room(connection)

    def make_room(self, connection: "Connection") -> None:
        """Let another take its place."""
        if connection.has_place:
            connection.has_place = False
            self._release()

    def tick(self, now: float) -> None:
        """Look at every connection's deadline; `now` is the loop's time."""
        self.now = now
        for connection in list(self.busy):
            if connection.deadline < now:
                connection.expire()
        if self._idle:
            oldest = time.monotonic() - IDLE
            kept = [connection for connection in self._idle if connection.is_alive and connection.idle_since > oldest]
            if len(kept) < len(self._idle):
                for connection in self._idle:
                    if connection.idle_since <= oldest:
                        connection.close()
                self._idle = kept

    @property
    def is_used(self) -> bool:
        """Whether there is any connection."""
        return bool(self.busy or self._idle or self._waiting)

    def close(self) -> None:
        """Close what is kept."""
        while self._idle:
            self._idle.pop().close()

    async def _place(self) -> None:
        """Wait for one of the connections to be free."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            async with asyncio.timeout(self._queue):
                await turn
        except TimeoutError as error:
            if turn.done() and not turn.cancelled():
                self._release()
            raise Busy from error
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._release()
            raise

    def _release(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)  # the place changes hands
                return
        self._taken -= 1

    def _take(self) -> "Connection | None":
        while self._idle:
            connection = self._idle.pop()
            if connection.is_alive and time.monotonic() - connection.idle_since < IDLE:
                return connection
            connection.close()
        return None


def unix(path: str) -> Callable[[], Awaitable["Connection"]]:
    """Connects to a server of our own behind a Unix socket, which may be restarting. Raises Unreachable."""

    async def connect() -> Connection:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                _, connection = await asyncio.get_running_loop().create_unix_connection(Connection, path)
                return connection
            except OSError as error:
                if time.monotonic() > deadline:
                    raise Unreachable(str(error)) from error
                await asyncio.sleep(0.05)

    return connect

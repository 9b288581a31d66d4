"""A Redis client for the hot path: one connection, on which nobody waits for the answers to others.

A general client costs about 100 µs a command here; this one parses with hiredis and knows no more than it needs: commands,
answers in order, a deadline, reconnecting.
"""

import asyncio
import contextlib
import ssl
from collections import deque
from typing import Any

import hiredis
import structlog
from redis.asyncio.connection import parse_url

log = structlog.get_logger(__name__)

Word = bytes | str | int

DEADLINE = 1.0
"""Seconds within which Redis answers, or counts as away."""
LONGEST_PAUSE = 2.0


class RedisAway(Exception):
    """Redis can't be reached, or did not answer in time; what was asked may or may not have been done."""


class Redis:
    """The connection that all calls of this process share. `connected` says whether it stands."""

    def __init__(self, url: str) -> None:
        self._options: dict[str, Any] = dict(parse_url(url))
        self._connection: _Connection | None = None
        self._keeper: asyncio.Task[None] | None = None

    @property
    def connected(self) -> bool:
        return self._connection is not None

    async def start(self) -> None:
        """Connect, and keep connected in the background. Redis being away is no error."""
        with contextlib.suppress(RedisAway, OSError):
            await self._connect()
        self._keeper = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        """Close the connection."""
        if self._keeper:
            self._keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeper
        if self._connection:
            self._connection.close()
            self._connection = None

    def send(self, *words: Word) -> asyncio.Future[Any]:
        """One command; the future has its answer, RedisAway, or the server's error (`hiredis.ReplyError`)."""
        return self.send_packed(command(*words))

    def send_packed(self, packed: bytes) -> asyncio.Future[Any]:
        """The same for a command as it goes over the wire."""
        if self._connection is None:
            raise RedisAway("not connected")
        return self._connection.send(packed)

    async def _keep(self) -> None:
        pause = 0.05
        while True:
            if self._connection is None:
                try:
                    await self._connect()
                    log.info("redis_connected")
                    pause = 0.05
                except (RedisAway, hiredis.HiredisError, OSError) as error:
                    log.warning("redis_away", error=str(error), retry_in=pause)
                    pause = min(pause * 2, LONGEST_PAUSE)
            elif self._connection.overdue(asyncio.get_running_loop().time()):
                self._connection.abort()
            await asyncio.sleep(pause)

    async def _connect(self) -> None:
        loop, options = asyncio.get_running_loop(), self._options
        made = _Connection(self._lost)
        async with asyncio.timeout(DEADLINE):
            if "path" in options:
                await loop.create_unix_connection(lambda: made, options["path"])
            else:
                secure = ssl.create_default_context() if "ssl" in str(options.get("connection_class", "")).lower() else None
                host, port = options.get("host", "localhost"), int(options.get("port", 6379))
                await loop.create_connection(lambda: made, host, port, ssl=secure)
            if options.get("password"):
                user = [options["username"]] if options.get("username") else []
                await made.send(command("AUTH", *user, options["password"]))
            if options.get("db"):
                await made.send(command("SELECT", int(options["db"])))
            await made.send(command("PING"))
        self._connection = made

    def _lost(self, connection: "_Connection") -> None:
        if self._connection is connection:
            self._connection = None


def command(*words: Word) -> bytes:
    """A command as it goes over the wire: an array of bulk strings (RESP, the Redis serialization protocol)."""
    return array(len(words)) + bulk(*words)


def array(length: int) -> bytes:
    """The head of a command of `length` words."""
    return b"*%d\r\n" % length


def bulk(*words: Word) -> bytes:
    """Words as a command carries them."""
    packed = []
    for word in words:
        text = word if isinstance(word, bytes) else str(word).encode()
        packed.append(b"$%d\r\n%b\r\n" % (len(text), text))
    return b"".join(packed)


class _Connection(asyncio.Protocol):
    def __init__(self, on_lost: Any) -> None:
        self._on_lost = on_lost
        self._loop = asyncio.get_running_loop()
        self._reader = hiredis.Reader(encoding=None)
        self._waiting: deque[tuple[asyncio.Future[Any], float]] = deque()
        self._transport: Any = None

    def send(self, packed: bytes) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = self._loop.create_future()
        self._waiting.append((future, self._loop.time()))
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(packed)
        else:
            self.connection_lost(None)
        return future

    def overdue(self, now: float) -> bool:
        return bool(self._waiting) and now - self._waiting[0][1] > DEADLINE

    def close(self) -> None:
        if self._transport:
            self._transport.close()

    def abort(self) -> None:
        self._transport.abort()
        self.connection_lost(None)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        while (answer := self._reader.gets()) is not False:
            future, _ = self._waiting.popleft()
            if future.done():
                continue
            if isinstance(answer, hiredis.HiredisError):
                future.set_exception(answer)
            else:
                future.set_result(answer)

    def connection_lost(self, error: Exception | None) -> None:
        self._on_lost(self)
        while self._waiting:
            future, _ = self._waiting.popleft()
            if not future.done():
                future.set_exception(RedisAway("connection lost"))

"""Loops that live as long as their worker: the relay, webhook deliveries, usage ingestion, request handling.

Each app registers its loops when it is ready; `config.celery` runs those named in `settings.STREAMS` on one asyncio loop
in the worker's main process, so that they go on while Redis, and with it Celery, is away.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import redis.asyncio
import structlog
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import DatabaseError, close_old_connections

from core.wake import CHANNEL

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Stream:
    """A loop: `run(stop)` works until `stop` is set. It is started again with back-off when it fails."""

    name: str
    run: Callable[[asyncio.Event], Awaitable[None]]


STREAMS: dict[str, Stream] = {}

FIRST_BACKOFF = 0.5
LONGEST_BACKOFF = 10.0
# Who ran this long had recovered: the next failure is a first one again.
RECOVERED = 60.0


def register(stream: Stream) -> None:
    """Make a loop known; from an app's `ready`."""
    STREAMS[stream.name] = stream


def repeating(name: str, step: Callable[[], int], *, idle: float) -> Stream:
    """A loop that calls a synchronous `step` in a thread: again at once while it returns work done, else after a
    wake-up call for `name` or `idle` seconds."""
    threaded = sync_to_async(_with_fresh_connection(step), thread_sensitive=False)

    async def run(stop: asyncio.Event) -> None:
        async with wakes(name) as woken:
            while not stop.is_set():
                woken.clear()
                if not await threaded():
                    await either(stop, woken, timeout=idle)

    return Stream(name, run)


async def keep_running(stream: Stream, stop: asyncio.Event) -> None:
    """Run a loop until `stop`; a failure of its engines is logged and the loop started again with back-off."""
    pause = FIRST_BACKOFF
    while not stop.is_set():
        began_at = time.monotonic()
        try:
            await stream.run(stop)
        except (DatabaseError, OSError, redis.RedisError) as error:
            log.warning("stream_failed", stream=stream.name, error=str(error))
        except Exception:
            log.exception("stream_broken", stream=stream.name)
        else:
            return
        if time.monotonic() - began_at > RECOVERED:
            pause = FIRST_BACKOFF
        await either(stop, timeout=pause)
        pause = min(pause * 2, LONGEST_BACKOFF)


async def either(*events: asyncio.Event, timeout: float) -> None:
    """Wait until one of the events is set, or the time is up."""
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()


@contextlib.asynccontextmanager
async def wakes(name: str) -> AsyncIterator[asyncio.Event]:
    """An asyncio.Event that is set by each wake-up call for `name`; silent while Redis is away."""
    woken = asyncio.Event()

    async def listen() -> None:
        while True:
            with contextlib.suppress(redis.RedisError, OSError):
                async with redis.asyncio.Redis.from_url(settings.REDIS_URL) as client, client.pubsub() as pubsub:
                    await pubsub.subscribe(CHANNEL.format(name))
                    async for _message in pubsub.listen():
                        woken.set()
            await asyncio.sleep(1)

    listener = asyncio.create_task(listen())
    try:
        yield woken
    finally:
        while not listener.done():  # the client swallows a cancellation that comes while it connects
            listener.cancel()
            await asyncio.wait({listener}, timeout=0.5)


def _with_fresh_connection(step: Callable[[], int]) -> Callable[[], int]:
    def fresh() -> int:
        close_old_connections()
        return step()

    return fresh

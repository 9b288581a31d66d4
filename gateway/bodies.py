"""Bodies of failed test calls, on their way to the call log. A call that isn't one costs nothing but a look at its grant.

Secrets are masked here, before anything leaves the process (`core.redaction`).
"""

import asyncio
import contextlib
import time
from typing import Any

import hiredis
import structlog

from core.redaction import LARGEST_BODY, redacted_body
from gateway.calls import Call
from gateway.exchanges import Tap
from gateway.pipelining import Redis, RedisAway
from usage.bodies import KEPT_IN_STREAM, STREAM, BodiesRecord, pack

log = structlog.get_logger(__name__)

INTERVAL = 0.25
MOST_TAPS = 500
"""Calls whose bodies are watched at the same time: 16 MiB."""
MOST_WAITING = 200
MASKING = 0.05
"""Seconds of the processor that masking may take of each INTERVAL; the rest of what waits is left out."""


class Bodies:
    """Watches the bodies of calls that ask for it, and tells about those that failed. Away with Redis, away with them."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._open = 0
        self._waiting: list[tuple[bytes, bytes, Tap]] = []
        self._task: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()

    def watch(self, call: Call) -> bool:
        """Keep the beginnings of both bodies of a call, until `finished`; False if there is no room."""
        if self._open >= MOST_TAPS:
            return False
        self._open += 1
        call.exchange.tap = Tap(LARGEST_BODY + 1)
        return True

    def finished(self, call: Call, partner: bytes | None, status: int) -> None:
        """A watched call has ended."""
        self._open -= 1
        tap, call.exchange.tap = call.exchange.tap, None
        if tap is not None and partner is not None and status >= 400 and len(self._waiting) < MOST_WAITING:
            self._waiting.append((call.id.bytes, partner, tap))

    def start(self) -> None:
        self._task = asyncio.create_task(self._repeat())

    async def stop(self) -> None:
        """Send what is left."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self.flush()

    async def flush(self) -> None:
        """Send what waits, after what is being sent."""
        async with self._turn:
            waiting, self._waiting = self._waiting, []
            if not waiting:
                return
            packed = await asyncio.to_thread(_packed, waiting)  # to mask takes longer than a turn of the loop should
            with contextlib.suppress(RedisAway, hiredis.HiredisError):
                await self._redis.send("XADD", STREAM, "MAXLEN", "~", KEPT_IN_STREAM, "*", "b", packed)

    async def _repeat(self) -> None:
        while True:
            await asyncio.sleep(INTERVAL)
            try:
                await self.flush()
            except Exception:  # they are a help for reading the log, not more
                log.exception("bodies_not_sent")


def _packed(waiting: list[Any]) -> bytes:
    records = []
    enough = time.thread_time() + MASKING
    for call, partner, tap in waiting:
        if time.thread_time() > enough:
            break
        request, request_cut = redacted_body(bytes(tap.request))
        response, response_cut = redacted_body(bytes(tap.response))
        if request or response:
            records.append(BodiesRecord(call, partner, request, request_cut, response, response_cut))
    return pack(records)

"""Finished calls on their way to `usage`: a Redis stream in packed batches, a local file while Redis is away."""

import asyncio
import contextlib
import os
import struct
from pathlib import Path
from typing import Any

import hiredis
import structlog

from core import ids
from gateway.metrics import Metrics
from gateway.pipelining import Redis, RedisAway
from usage.records import ALIVE, ALIVE_SECONDS, EPOCH, STREAM, VERSION, CallRecord, pack

log = structlog.get_logger(__name__)

INTERVAL = 0.1
"""Seconds a finished call waits at most."""
LARGEST_BATCH = 500
HEARTBEAT = 2.0
_FRAME = struct.Struct(">HIQ")


class Metering:
    """Collects the records of finished calls. `epoch` names this process, so that what it never sent is known by number."""

    def __init__(self, redis: Redis, metrics: Metrics, spool: Path) -> None:
        self.epoch = ids.new().hex
        self.epoch_key = EPOCH.format(self.epoch)
        self._redis = redis
        self._metrics = metrics
        self._spool = spool
        self._waiting: list[CallRecord] = []
        self._tasks: list[asyncio.Task[None]] = []

    def add(self, record: CallRecord) -> None:
        """A call has finished."""
        self._waiting.append(record)

    async def start(self) -> None:
        """Register the epoch and begin to send."""
        self._spool.mkdir(parents=True, exist_ok=True)
        await self._beat()
        self._tasks = [
            asyncio.create_task(self._repeat(self.flush, INTERVAL)),
            asyncio.create_task(self._repeat(self._tend, HEARTBEAT)),
        ]

    async def stop(self) -> None:
        """Send what is left; then the epoch is over."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.flush()
        with contextlib.suppress(RedisAway, hiredis.HiredisError):
            await self._redis.send("DEL", ALIVE.format(self.epoch))

    async def is_alive(self, epoch: str) -> bool:
        """Whether the gateway process of an epoch still runs; assumed while Redis can't tell."""
        try:
            return bool(await self._redis.send("EXISTS", ALIVE.format(epoch)))
        except (RedisAway, hiredis.HiredisError):
            return True

    async def flush(self) -> None:
        """Send all that waits, or spool it."""
        while self._waiting:
            batch, self._waiting = self._waiting[:LARGEST_BATCH], self._waiting[LARGEST_BATCH:]
            packed = pack(batch)
            try:
                await self._append(self.epoch, len(batch), packed)
                self._metrics.records["sent"] += len(batch)
            except (RedisAway, hiredis.HiredisError):
                await asyncio.to_thread(self._to_spool, len(batch), packed)
            except asyncio.CancelledError:  # by `stop`, which sends it again: what comes twice is counted once
                self._waiting = batch + self._waiting
                raise

    async def _repeat(self, work: Any, seconds: float) -> None:
        while True:
            await asyncio.sleep(seconds)
            try:
                await work()
            except (RedisAway, hiredis.HiredisError) as error:  # lost between two of its questions
                log.warning("redis_away", error=str(error))
            except Exception:  # whatever it is: without its heartbeat this process counts as dead
                log.exception("metering_failed", work=work.__name__)

    async def _append(self, epoch: str, count: int, packed: bytes) -> None:
        await self._redis.send("XADD", STREAM, "*", "v", VERSION, "e", epoch, "n", count, "b", packed)

    async def _beat(self) -> None:
        with contextlib.suppress(RedisAway, hiredis.HiredisError):
            await self._redis.send("SET", ALIVE.format(self.epoch), 1, "EX", ALIVE_SECONDS)

    async def _tend(self) -> None:
        await self._beat()
        if self._redis.connected:
            await self._replay()

    # --- the spool: files of frames (length of the epoch, number of calls, length of the batch; epoch; batch) ---
    def _to_spool(self, count: int, packed: bytes) -> None:
        try:
            with (self._spool / f"{self.epoch}.calls").open("ab") as file:
                file.write(_FRAME.pack(len(self.epoch), count, len(packed)) + self.epoch.encode() + packed)
            self._metrics.records["spooled"] += count
        except OSError as error:
            self._metrics.records["lost"] += count
            log.error("spool_not_written", error=str(error), calls=count)

    async def _replay(self) -> None:
        """Send what was spooled: by this process, and by those that are gone. A batch sent twice is counted once, by its ids."""
        for path in sorted(self._spool.glob("*.calls")):
            if path.stem != self.epoch and await self._redis.send("EXISTS", ALIVE.format(path.stem)):
                continue
            taken = path.with_suffix(f".taken-{self.epoch}")
            with contextlib.suppress(FileNotFoundError):  # another process was faster
                await asyncio.to_thread(os.rename, path, taken)
        for taken in sorted(self._spool.glob("*.taken-*")):
            owner = taken.suffix.removeprefix(".taken-")
            if owner != self.epoch and await self._redis.send("EXISTS", ALIVE.format(owner)):
                continue
            try:
                for epoch, count, packed in await asyncio.to_thread(_frames, taken):
                    await self._append(epoch, count, packed)
            except (RedisAway, hiredis.HiredisError):
                return
            await asyncio.to_thread(taken.unlink, missing_ok=True)


def _frames(path: Path) -> list[tuple[str, int, bytes]]:
    """The batches of a spool file; a last one that was cut off by the end of its process is left out."""
    found: list[tuple[str, int, bytes]] = []
    data = path.read_bytes()
    at = 0
    while at + _FRAME.size <= len(data):
        name, count, length = _FRAME.unpack_from(data, at)
        start = at + _FRAME.size
        if start + name + length > len(data):
            break
        found.append((data[start : start + name].decode(), count, data[start + name : start + name + length]))
        at = start + name + length
    return found

"""The counts of all processes of this gateway, for whoever asks one of them.

Each process keeps its own in a Redis hash (`gateway:metrics`: epoch to JSON), anew every few seconds.
"""

import asyncio
import contextlib
import time

import hiredis
import msgspec
import structlog

from gateway.metrics import Metrics, Snapshot, exposition
from gateway.pipelining import Redis, RedisAway

log = structlog.get_logger(__name__)

KEY = "gateway:metrics"
INTERVAL = 2.0
LIFETIME = 15.0
"""Seconds after which a process that says nothing is gone."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Snapshot).decode


class Monitor:
    """Publishes the counts of this process, which `epoch` names, and gathers everybody's."""

    def __init__(self, redis: Redis, metrics: Metrics, epoch: str) -> None:
        self._redis = redis
        self._metrics = metrics
        self._epoch = epoch
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to publish."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Publish no more."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        with contextlib.suppress(RedisAway, hiredis.HiredisError):
            await self._redis.send("HDEL", KEY, self._epoch)

    async def exposition(self) -> bytes:
        """Everybody's counts in Prometheus' text format; those of this process alone while Redis is away."""
        found = {self._epoch: self._snapshot()}
        with contextlib.suppress(RedisAway, hiredis.HiredisError):
            kept = await self._redis.send("HGETALL", KEY)
            for name, text in zip(kept[::2], kept[1::2], strict=True):
                await self._gather(name.decode(), text, found)
        return exposition({epoch[-8:]: snapshot for epoch, snapshot in sorted(found.items())})

    async def _gather(self, epoch: str, text: bytes, found: dict[str, Snapshot]) -> None:
        snapshot = None
        with contextlib.suppress(msgspec.MsgspecError):  # of another release
            snapshot = _decode(text)
        if snapshot is None or time.time() - snapshot.at > LIFETIME:
            await self._redis.send("HDEL", KEY, epoch)
        else:
            found.setdefault(epoch, snapshot)

    async def _run(self) -> None:
        while True:
            try:
                await self._redis.send("HSET", KEY, self._epoch, _encode(self._snapshot()))
            except (RedisAway, hiredis.HiredisError):
                log.debug("metrics_not_published")
            await asyncio.sleep(INTERVAL)

    def _snapshot(self) -> Snapshot:
        return self._metrics.snapshot(at=time.time(), redis_away=not self._redis.connected)

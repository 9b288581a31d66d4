"""The operators' block list in memory, as it last stood."""

import time

import structlog

from core import blocks, clock
from core.networks import Networks
from gateway.addresses import parsed
from gateway.threads import PostgresAway, Threads

log = structlog.get_logger(__name__)

REREAD = 60.0
"""Seconds after which it is read again whatever the change log says: a database may have been restored from a backup."""


class BlockList:
    """Who is served nothing. `is_empty` is asked of every call, the rest only where something is blocked."""

    def __init__(self, threads: Threads) -> None:
        self._threads = threads
        self._networks = Networks([])
        self._version = -1
        self._read_at = float("-inf")
        self.is_empty = True

    @property
    def count(self) -> int:
        return self._networks.count

    def has(self, address: str) -> bool:
        """Whether an address is blocked now; one that is not known isn't."""
        found = parsed(address)
        return found is not None and self._networks.until(found) > clock.now().timestamp()

    async def open(self) -> None:
        """Read it before the first call; without PostgreSQL, as soon as that is back."""
        try:
            await self._read(0)
        except PostgresAway as error:
            log.warning("block_list_not_read", error=str(error))

    async def follow(self, changes: dict[str, int]) -> None:
        """Read it again if the change log says so; `changes` maps ids (32 hex digits) to versions. Raises PostgresAway."""
        version = changes.get(blocks.SUBJECT.hex, 0)
        if version > self._version or time.monotonic() - self._read_at > REREAD:
            await self._read(version)

    async def _read(self, version: int) -> None:
        self._networks = await self._threads.run(_in_force)
        self.is_empty = not self._networks.count
        self._version = max(version, self._version)
        self._read_at = time.monotonic()


def _in_force() -> Networks:
    return Networks(blocks.in_force())

"""The change log, read every second: so a revocation holds even where Redis lost or never got its version."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from core import clock
from core.models import Change
from gateway.blocklist import BlockList
from gateway.credentials import Credentials
from gateway.metrics import Metrics
from gateway.routes import Routes
from gateway.threads import PostgresAway, Threads

log = structlog.get_logger(__name__)

INTERVAL = 0.9
"""Seconds between two looks, so that with the look itself what changed holds within one."""
OVERLAP = timedelta(seconds=30)
"""Ids are given before they are committed: lines are looked for again for as long as a transaction may take."""


class ChangeReader:
    """Drops the snapshots that the log says are outdated."""

    def __init__(self, threads: Threads, credentials: Credentials, routes: Routes, blocks: BlockList, metrics: Metrics) -> None:
        self._threads = threads
        self._credentials = credentials
        self._routes = routes
        self._blocks = blocks
        self._metrics = metrics
        self.on_change: Callable[[set[str]], None] = lambda subjects: None
        """Is told which subjects have changed of late, after their snapshots were dropped."""
        self._since = clock.now() - OVERLAP
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def read(self) -> None:
        """One look. After an outage of PostgreSQL it reaches back to before it."""
        began = clock.now()
        try:
            changes = await self._threads.run(_changes, self._since - OVERLAP)
            await self._blocks.follow(changes)
        except PostgresAway as error:
            self._metrics.postgres_away = 1
            log.warning("postgres_away", error=str(error))
            return
        await self._credentials.drop_older(changes)
        self._routes.drop_older(changes)
        self.on_change(set(changes))
        self._metrics.postgres_away = 0
        self._metrics.blocked_networks = self._blocks.count
        self._since = began

    async def _run(self) -> None:
        while True:
            try:
                await self.read()
            except Exception:  # whatever it is: the next look may work, and nobody would take over
                log.exception("change_log_not_read")
            await asyncio.sleep(INTERVAL)


def _changes(since: datetime) -> dict[str, int]:
    """The last version of each subject that changed, by the 32 hex digits of its id."""
    found: dict[str, int] = {}
    for subject, version in Change.objects.filter(changed_at__gte=since).order_by("pk").values_list("subject", "pk"):
        found[subject.hex] = version
    return found

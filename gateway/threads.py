"""Where Django's code runs: a few threads beside the loop, never in it."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from django.db import InterfaceError, OperationalError, close_old_connections, connections

P = ParamSpec("P")
T = TypeVar("T")

WORKERS = 4
DEADLINE = 5.0


class PostgresAway(Exception):
    """PostgreSQL can't be reached, or did not answer in time."""


class Threads:
    """A pool of threads, each with a database connection of its own."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="gateway")
        self.away = False

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What `work` returns. Raises PostgresAway, and whatever else `work` raises."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(DEADLINE):
                found = await loop.run_in_executor(self._pool, _fresh, work, args, kwargs)
        except (OperationalError, InterfaceError, TimeoutError) as error:
            self.away = True
            raise PostgresAway(str(error)) from error
        self.away = False
        return found

    def stop(self) -> None:
        """End the threads and close their connections."""
        together = threading.Barrier(WORKERS)

        def close() -> None:
            connections.close_all()
            together.wait(timeout=DEADLINE)

        for _ in range(WORKERS):
            self._pool.submit(close)
        self._pool.shutdown(wait=True)


def _fresh(work: Callable[..., T], args: tuple[object, ...], kwargs: dict[str, object]) -> T:
    close_old_connections()
    return work(*args, **kwargs)

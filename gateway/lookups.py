"""Looks into PostgreSQL for many at a time: a gateway that has just started is asked for all its keys at once."""

import asyncio
from collections.abc import Callable, Collection
from itertools import islice
from typing import Generic, TypeVar

from gateway.threads import PostgresAway, Threads

K = TypeVar("K")
V = TypeVar("V")

MOST_TOGETHER = 200
"""So many take a few ms: nobody waits long for those who came before."""


class Lookups(Generic[K, V]):
    """What is asked for while a look is under way is looked for together, by the next. `find` gets the keys and returns what
    there is of them."""

    def __init__(self, threads: Threads, find: Callable[[Collection[K]], dict[K, V]]) -> None:
        self._threads = threads
        self._find = find
        self._waiting: dict[K, asyncio.Future[V | None]] = {}
        self._looking: asyncio.Task[None] | None = None

    async def find(self, key: K) -> V | None:
        """What PostgreSQL has of it from now on; None if nothing. Raises PostgresAway, and what `find` raises of it."""
        future = self._waiting.get(key)
        if future is None:
            future = self._waiting[key] = asyncio.get_running_loop().create_future()
        if self._looking is None:
            self._looking = asyncio.create_task(self._look())
        return await asyncio.shield(future)

    async def _look(self) -> None:
        await asyncio.sleep(0)  # what else is asked for in this turn of the loop
        while self._waiting:
            together = {key: self._waiting.pop(key) for key in list(islice(self._waiting, MOST_TOGETHER))}
            try:
                found = await self._threads.run(self._find, list(together))
            except PostgresAway as error:
                for future in together.values():
                    future.set_exception(error)
            except Exception:  # of one of them: the others are none the worse for it
                for key, future in together.items():
                    await self._look_alone(key, future)
            else:
                for key, future in together.items():
                    future.set_result(found.get(key))
        self._looking = None

    async def _look_alone(self, key: K, future: asyncio.Future[V | None]) -> None:
        try:
            future.set_result((await self._threads.run(self._find, [key])).get(key))
        except Exception as error:
            future.set_exception(error)

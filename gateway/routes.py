"""Routes under `/apis/<slug>/`, kept as the marketplace has those of integrations, and operators those of API products."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Collection
from uuid import UUID

from core import versions
from core.upstreams import Route
from gateway.lookups import Lookups
from gateway.threads import PostgresAway, Threads
from marketplace import routes as integrations
from products.external import routes as products

MOST_KEPT = 5_000
LIFETIME = 60.0
GRACE = 900.0


class KeptRoute:
    """A route in memory. `subject` is the key of its version in Redis, and the version."""

    __slots__ = ("read_at", "route", "subject")

    def __init__(self, route: Route) -> None:
        self.route = route
        self.subject = (versions.KEY.format(UUID(route.id)), route.version)
        self.read_at = time.monotonic()


class Routes:
    """The routes of this process. Bounded, and each with a hard lifetime."""

    def __init__(self, threads: Threads) -> None:
        self._lookups = Lookups(threads, _find)
        self._kept: OrderedDict[str, KeptRoute] = OrderedDict()
        self._loading: dict[str, asyncio.Task[KeptRoute | None]] = {}

    async def find(self, slug: str) -> KeptRoute | None:
        """The route of a slug; None if nothing is served there. Raises PostgresAway."""
        kept = self._kept.get(slug)
        age = time.monotonic() - kept.read_at if kept else 0.0
        if kept is not None and age < LIFETIME:
            return kept
        try:
            return await self._load(slug)
        except PostgresAway:
            if kept is None or age > GRACE:
                raise
            return kept

    async def reload(self, slug: str) -> KeptRoute | None:
        """The route as PostgreSQL has it now: a look that began before this call doesn't count. Raises PostgresAway."""
        if under_way := self._loading.get(slug):
            await asyncio.wait([under_way])
        return await self._load(slug)

    async def _load(self, slug: str) -> KeptRoute | None:
        """Look in PostgreSQL, once for all that ask at the same time: anybody may ask for slugs that nobody has."""
        loading = self._loading.get(slug)
        if loading is None:
            loading = self._loading[slug] = asyncio.create_task(self._read(slug))
            loading.add_done_callback(lambda _: self._loading.pop(slug, None))
        return await asyncio.shield(loading)

    async def _read(self, slug: str) -> KeptRoute | None:
        route = await self._lookups.find(slug)
        if route is None:
            self._kept.pop(slug, None)
            return None
        kept = self._kept[slug] = KeptRoute(route)
        if len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        return kept

    def drop_older(self, changes: dict[str, int]) -> None:
        """Forget routes whose integration or owner has changed; `changes` maps ids (32 hex digits) to versions."""
        for slug, kept in list(self._kept.items()):
            route = kept.route
            if changes.get(route.id, 0) > route.version or route.owner in changes:
                del self._kept[slug]


def _find(slugs: Collection[str]) -> dict[str, Route]:
    found = integrations.find(slugs)
    return found | products.find([slug for slug in slugs if slug not in found])

"""Credentials that aren't any: how many of them an address may try, and what it costs others meanwhile.

They have a limit of their own. While an address has used it up, good credentials from there go on working (many customers may
sit behind one address); but what has to be looked up in PostgreSQL is looked up one at a time.
"""

import time

from core.problems import Problem, RateLimited
from gateway.addresses import limited_as
from gateway.credentials import Credential, Credentials, Snapshot
from gateway.limits import Limits, Verdict

MOST_REMEMBERED = 10_000
WAIT = 1
"""Seconds after which somebody is asked to come back whose credential couldn't be looked up just now."""


class Guesses:
    """The guesses of every address: an IPv6 /64 counts as one."""

    def __init__(self, limits: Limits, credentials: Credentials) -> None:
        self._limits = limits
        self._credentials = credentials
        self._used_up: dict[str, float] = {}
        self._looking: set[str] = set()

    async def find(self, credential: Credential, address: str) -> Snapshot | None:
        """As `Credentials.find`. Raises RateLimited while a look-up for this address is under way and it has guessed too much."""
        place = limited_as(address)
        if self._used_up.get(place, 0.0) < time.monotonic():
            return await self._credentials.find(credential)
        if place in self._looking:
            raise RateLimited(limit=self._limits.guess_rate, window=60, headers={"Retry-After": str(WAIT)})
        self._looking.add(place)
        try:
            return await self._credentials.find(credential)
        finally:
            self._looking.discard(place)

    async def take(self, address: str) -> Verdict:
        """A guess was made. Raises RateLimited if it was one too many."""
        verdict = await self._limits.take_guess(address)
        try:
            verdict.require_room()
        except Problem as problem:
            self._remember(limited_as(address), float(problem.headers["Retry-After"]))
            raise
        return verdict

    def _remember(self, place: str, seconds: float) -> None:
        now = time.monotonic()
        if len(self._used_up) >= MOST_REMEMBERED:
            self._used_up = {known: until for known, until in self._used_up.items() if until > now}
        self._used_up[place] = now + seconds

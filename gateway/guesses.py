"""Credentials that aren't any: how many of them an address may try, and what it costs others meanwhile.

They have a limit of their own. While an address has used it up, good credentials from there go on working (many customers may
sit behind one address); but what has to be looked up in PostgreSQL stands in a line, one at a time.
"""

import asyncio
import time

from core.problems import Problem, RateLimited
from gateway.addresses import limited_as
from gateway.credentials import Credential, Credentials, Snapshot
from gateway.limits import Limits, Verdict

MOST_REMEMBERED = 10_000
LONGEST_LINE = 16
"""Of one address: a look-up takes a few ms."""
WAIT = 1
"""Seconds after which somebody is asked to come back whose credential couldn't be looked up just now."""


class _Line:
    """Those of one address who wait for a look-up, and the one whose turn it is."""

    __slots__ = ("length", "turn")

    def __init__(self) -> None:
        self.length = 0
        self.turn = asyncio.Lock()


class Guesses:
    """The guesses of every address: an IPv6 /64 counts as one."""

    def __init__(self, limits: Limits, credentials: Credentials) -> None:
        self._limits = limits
        self._credentials = credentials
        self._used_up: dict[str, float] = {}
        self._lines: dict[str, _Line] = {}

    async def find(self, credential: Credential, address: str) -> Snapshot | None:
        """As `Credentials.find`. Raises RateLimited for an address that has guessed too much if its line is full."""
        place = limited_as(address)
        if self._used_up.get(place, 0.0) < time.monotonic():
            return await self._credentials.find(credential)
        line = self._lines.setdefault(place, _Line())
        if line.length >= LONGEST_LINE:
            raise RateLimited(limit=self._limits.guess_rate, window=60, headers={"Retry-After": str(WAIT)})
        line.length += 1
        try:
            async with line.turn:  # whoever came before may have had the same one looked up
                return self._credentials.known(credential) or await self._credentials.find(credential)
        finally:
            line.length -= 1
            if not line.length:
                del self._lines[place]

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

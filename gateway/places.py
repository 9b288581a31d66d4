"""Places: the calls under way of those whose tier limits calls at once.

A place is a lease in Redis, a member of the sorted set `places:<partner>:<environment>` whose score is its end (µs since 1970).
`take.lua` gives it in the decision; whoever carries the call renews it and gives it back. So a process that dies holds nobody
up for longer than a lease, and what Redis lost is there again with the next renewal.
"""

import asyncio
import contextlib
from collections import Counter
from typing import Any

from core import clock
from gateway.pipelining import Redis, RedisAway

LEASE = 15_000_000  # µs, as in take.lua
MOST_TOGETHER = 500
RENEW = f"""
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2]) + tonumber(ARGV[1])
for i, key in ipairs(KEYS) do
  redis.call('ZADD', key, now + {LEASE}, ARGV[i + 1])
  redis.call('PEXPIRE', key, {LEASE // 500})
end
"""


class Places:
    """The places that calls of this process have, by the call's id."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._held: dict[bytes, str] = {}
        self._counts: Counter[str] = Counter()
        self._unsaid: list[tuple[str, bytes]] = []
        """Given back while Redis was away."""

    def count(self, key: str) -> int:
        """Calls of this process that are under way."""
        return self._counts[key]

    def hold(self, place: bytes, key: str) -> None:
        """Redis has given it, or this process while Redis is away."""
        self._held[place] = key
        self._counts[key] += 1

    def release(self, place: bytes) -> None:
        """The call has ended. Nothing if it had no place."""
        key = self._held.pop(place, None)
        if key is None:
            return
        self._counts[key] -= 1
        if not self._counts[key]:
            del self._counts[key]
        self._give_back(key, place)

    def release_all(self) -> None:
        """All calls have ended."""
        for place in list(self._held):
            self.release(place)

    def renew(self) -> None:
        """Those that are held; and give back what couldn't be."""
        unsaid, self._unsaid = self._unsaid, []
        for key, place in unsaid:
            self._give_back(key, place)
        held = list(self._held.items())
        offset = int(clock.offset().total_seconds() * 1_000_000)
        for start in range(0, len(held), MOST_TOGETHER):
            some = held[start : start + MOST_TOGETHER]
            keys, ids = [key for _, key in some], [place for place, _ in some]
            with contextlib.suppress(RedisAway):
                self._redis.send("EVAL", RENEW, len(some), *keys, offset, *ids).add_done_callback(_ignore)

    def _give_back(self, key: str, place: bytes) -> None:
        """Nobody waits for it: it goes over the wire with the next questions."""

        def given(done: asyncio.Future[Any]) -> None:
            if done.exception() is not None:
                self._unsaid.append((key, place))

        try:
            self._redis.send("ZREM", key, place).add_done_callback(given)
        except RedisAway:
            self._unsaid.append((key, place))


def _ignore(done: asyncio.Future[Any]) -> None:
    done.exception()

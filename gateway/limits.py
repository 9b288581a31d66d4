"""Limits: one question to Redis a call, which compares versions and takes from every limit or from none."""

import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import hiredis
import structlog

from core import clock
from core.problems import QuotaExceeded, RateLimited
from gateway import quotas
from gateway.addresses import limited_as
from gateway.calls import Headers
from gateway.credentials import Snapshot
from gateway.metrics import Metrics
from gateway.pipelining import Redis, RedisAway, Script
from gateway.threads import PostgresAway, Threads

log = structlog.get_logger(__name__)

TAKE = Script((Path(__file__).parent / "take.lua").read_text())
# Sets a version that was read from PostgreSQL, unless a later one is there by now.
SET_IF_LATER = Script(
    "local v = redis.call('GET', KEYS[1])"
    " if not v or tonumber(v) < tonumber(ARGV[1]) then redis.call('SET', KEYS[1], ARGV[1]) end"
)
STALE, COUNT_MISSING, ADMITTED, RATE_REFUSES, QUOTA_REFUSES = range(5)
MINUTE = 60_000_000
CHECKED_AGE = 1.0
"""Seconds for which a snapshot is good while Redis can't tell its versions."""

Subject = tuple[str, int]
"""Key of a version in Redis, and the version that is known."""
Policy = tuple[str, str, int]
"""Name in the headers, key in Redis, calls a minute."""


class Verdict:
    """What the limits say to one call. For each rate: calls left, µs until all are back, µs until one is."""

    __slots__ = ("found", "month_left", "outcome", "policies", "policy_header", "quota", "rates", "used")

    def __init__(self, outcome: int, policies: list[Policy], policy_header: str, quota: int | None = None) -> None:
        self.outcome = outcome
        self.policies = policies
        self.policy_header = policy_header
        self.quota = quota
        self.used = -1
        self.month_left = 0
        self.rates: list[int] = []
        self.found: list[int] = []

    @property
    def is_stale(self) -> bool:
        return self.outcome == STALE

    def require_room(self) -> None:
        """Raises RateLimited or QuotaExceeded, with the time to wait."""
        if self.outcome == RATE_REFUSES:
            waits = self.rates[2::3]
            worst = max(range(len(waits)), key=waits.__getitem__)
            raise RateLimited(
                limit=self.policies[worst][2],
                window=60,
                headers={"Retry-After": str(max(1, math.ceil(waits[worst] / 1_000_000)))},
            )
        if self.outcome == QUOTA_REFUSES:
            raise QuotaExceeded(limit=self.quota, headers={"Retry-After": str(max(1, self.month_left))})

    def headers(self) -> Headers:
        """RateLimit-Policy and RateLimit (draft-ietf-httpapi-ratelimit-headers-09), and the older X-RateLimit ones, whose
        Reset is a time in Unix seconds; these speak of the rate with the fewest calls left."""
        rates = self.rates
        if not rates:
            return []
        said, least = [], 0
        for index, (name, _, _) in enumerate(self.policies):
            at = 3 * index
            said.append(f'"{name}";r={rates[at]};t={-(-rates[at + 1] // 1_000_000)}')
            if rates[at] < rates[3 * least]:
                least = index
        if self.quota is not None and self.used >= 0:
            said.append(f'"month";r={max(0, self.quota - self.used)};t={self.month_left}')
        reset = int(time.time()) - (-rates[3 * least + 1] // 1_000_000)
        return [
            (b"ratelimit-policy", self.policy_header.encode()),
            (b"ratelimit", ", ".join(said).encode()),
            (b"x-ratelimit-limit", b"%d" % self.policies[least][2]),
            (b"x-ratelimit-remaining", b"%d" % rates[3 * least]),
            (b"x-ratelimit-reset", b"%d" % reset),
        ]


class Limits:
    """Takes from the limits in Redis; while that is away, from limits of this process alone."""

    def __init__(self, redis: Redis, threads: Threads, metrics: Metrics, epoch_key: str, address_rate: int) -> None:
        self._redis = redis
        self._threads = threads
        self._metrics = metrics
        self._epoch_key = epoch_key
        self._address_rate = address_rate
        self._local = LocalLimits()

    async def take(self, snapshot: Snapshot, subject: Subject | None, *, paying: bool) -> Verdict:
        """Compare the versions of the snapshot, and of a further `subject`; if they hold and the call is `paying`, take it
        from every limit or from none."""
        known = len(snapshot.version_keys)
        keys, tail, count = snapshot.take_keys, snapshot.take_tail, known
        if subject is not None:
            keys, tail = [*keys[:known], subject[0], *keys[known:]], [*tail[:known], str(subject[1]), *tail[known:]]
            count += 1
        if not paying:
            answer = await self._ask(keys[:count], [count, 0, "", "", "", 0, *tail[:count]])
            return self._read(answer, [], snapshot)
        grant = snapshot.grant
        if snapshot.quota:
            keys = [*keys, self._epoch_key]
        arguments = [count, len(snapshot.policies), snapshot.quota, "", snapshot.member, _offset(), *tail]
        answer = await self._ask(keys, arguments)
        if answer is not None and answer[0] == COUNT_MISSING:
            try:
                used = await self._threads.run(quotas.month_total, grant.partner, grant.environment, answer[1].decode())
                arguments[3] = str(used)
            except PostgresAway:
                self._metrics.degraded["postgres"] += 1
                arguments[2] = ""
            answer = await self._ask(keys, arguments)
        return self._read(answer, snapshot.policies, snapshot)

    async def take_address(self, address: str) -> Verdict:
        """Take from the limit of calls that come without a known credential."""
        policies = [("address", f"rate:address:{limited_as(address)}", self._address_rate)]
        header = f'"address";q={self._address_rate};w=60'
        answer = await self._ask([policies[0][1]], [0, 1, "", "", "", _offset(), str(self._address_rate)])
        return self._read(answer, policies, None, header)

    def publish(self, read: Sequence[Subject], found: list[int]) -> None:
        """Tell Redis the versions just read from PostgreSQL, where it had others (`found`, in the same order).

        What was read after Redis had named a version can't be older than it, unless PostgreSQL was restored from a backup:
        then PostgreSQL is right, and Redis is set back.
        """
        for (key, version), before in zip(read, found, strict=False):
            if before > version:
                self._tell("SET", key, version)
            elif before != version:
                self._tell("EVAL", SET_IF_LATER.source, 1, key, version)

    def _tell(self, *words: str | int) -> None:
        try:
            self._redis.send(*words).add_done_callback(lambda future: future.cancelled() or future.exception())
        except RedisAway:
            log.debug("version_not_published")

    async def _ask(self, keys: list[str], arguments: list[Any]) -> list[Any] | None:
        try:
            answer: list[Any] = await self._redis.run(TAKE, keys, arguments)
        except (RedisAway, hiredis.HiredisError) as error:
            if isinstance(error, hiredis.HiredisError):
                log.error("limits_script_failed", error=str(error))
            return None
        return answer

    def _read(self, answer: list[Any] | None, policies: list[Policy], snapshot: Snapshot | None, header: str = "") -> Verdict:
        header = snapshot.policy_header if snapshot else header
        if answer is None:
            if snapshot is not None and snapshot.unchecked_for > CHECKED_AGE:
                return Verdict(STALE, policies, header)
            self._metrics.degraded["redis"] += 1
            return self._local.take(policies, header)
        verdict = Verdict(answer[0], policies, header, snapshot.grant.quota if snapshot else None)
        if answer[0] == STALE:
            verdict.found = answer[1:]
        else:
            verdict.used, verdict.month_left, verdict.rates = answer[1], answer[2], answer[3:]
        return verdict


class LocalLimits:
    """The same rates, of this process alone; there is no quota without Redis."""

    MOST = 100_000

    def __init__(self) -> None:
        self._arrivals: dict[str, int] = {}

    def take(self, policies: list[Policy], header: str) -> Verdict:
        """As `take.lua`: from every rate or from none."""
        now = time.monotonic_ns() // 1000
        verdict = Verdict(ADMITTED, policies, header)
        before = [max(now, self._arrivals.get(name, 0)) for _, name, _ in policies]
        for (_, _, limit), at in zip(policies, before, strict=True):
            if at + MINUTE // limit - now > MINUTE:
                verdict.outcome = RATE_REFUSES
        if len(self._arrivals) > self.MOST:
            self._arrivals = {name: at for name, at in self._arrivals.items() if at > now}
        for (_, name, limit), at in zip(policies, before, strict=True):
            interval = MINUTE // limit
            after = at + interval if verdict.outcome == ADMITTED else at
            if verdict.outcome == ADMITTED:
                self._arrivals[name] = after
            verdict.rates += [(MINUTE - (after - now)) // interval, after - now, max(0, after + interval - now - MINUTE)]
        return verdict


def _offset() -> int:
    return int(clock.offset().total_seconds() * 1_000_000)

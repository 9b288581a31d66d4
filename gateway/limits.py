"""Limits: one question to Redis a call, which compares versions and takes from every limit or from none."""

import time
from collections.abc import Sequence

import structlog

from core.problems import QuotaExceeded, RateLimited
from gateway import quotas
from gateway.addresses import limited_as
from gateway.credentials import Snapshot, Subject
from gateway.metrics import Metrics
from gateway.pipelining import Redis, RedisAway
from gateway.policies import Policies, Rate
from gateway.questions import MINUTE, Answer, Question, Questions
from gateway.threads import PostgresAway, Threads

log = structlog.get_logger(__name__)

# Sets a version that was read from PostgreSQL, unless a later one is there by now.
SET_IF_LATER = (
    "local v = redis.call('GET', KEYS[1])"
    " if not v or tonumber(v) < tonumber(ARGV[1]) then redis.call('SET', KEYS[1], ARGV[1]) end"
)
STALE, COUNT_MISSING, ADMITTED, RATE_REFUSES, QUOTA_REFUSES = range(5)
CHECKED_AGE = 1.0
"""Seconds for which a snapshot is good while Redis can't tell its versions."""
NO_POLICIES = Policies([])


class Verdict:
    """What the limits say to one call, as `take.lua` answers it. `found` are the versions that Redis had, of a stale one."""

    __slots__ = ("_answer", "_policies", "outcome")

    def __init__(self, answer: Answer, policies: Policies) -> None:
        self.outcome: int = answer[0]
        self._answer = answer
        self._policies = policies

    @property
    def is_stale(self) -> bool:
        return self.outcome == STALE

    @property
    def found(self) -> list[int]:
        return self._answer[1:] if self.outcome == STALE else []

    def require_room(self) -> None:
        """Raises RateLimited or QuotaExceeded, with the time to wait."""
        if self.outcome == RATE_REFUSES:
            rates = self._policies.rates
            waits = self._answer[3 + 2 * len(rates) :]
            wait = max(waits)
            raise RateLimited(limit=rates[waits.index(wait)].limit, window=60, headers={"Retry-After": str(max(1, wait))})
        if self.outcome == QUOTA_REFUSES:
            raise QuotaExceeded(limit=self._policies.quota, headers={"Retry-After": str(max(1, self._answer[2]))})

    def lines(self) -> bytes:
        """The header lines that say so to the client; none if no limit was asked."""
        policies, answer = self._policies, self._answer
        if not policies.rates or self.outcome == STALE:
            return b""
        return policies.lines(answer[3 : 3 + 2 * len(policies.rates)], answer[1], answer[2])


class Limits:
    """Takes from the limits in Redis; while that is away, from limits of this process alone."""

    def __init__(self, redis: Redis, threads: Threads, metrics: Metrics, epoch_key: str, address_rate: int) -> None:
        self._redis = redis
        self._questions = Questions(redis, epoch_key)
        self._threads = threads
        self._metrics = metrics
        self._address_rate = address_rate
        self._local = LocalLimits()

    async def take(self, snapshot: Snapshot, subject: Subject | None, *, paying: bool) -> Verdict:
        """Compare the versions of the snapshot, and of a further `subject`; if they hold and the call is `paying`, take it
        from every limit or from none."""
        policies = snapshot.policies if paying else NO_POLICIES
        answer = await self._questions.ask(snapshot.question(subject, paying=paying))
        if answer is None:
            return self._without_redis(policies, snapshot)
        if answer[0] == COUNT_MISSING:
            question = await self._start_count(snapshot, subject, answer[1].decode())
            answer = await self._questions.ask(question)
            if answer is None:
                return self._without_redis(policies, snapshot)
        return Verdict(answer, policies)

    async def take_address(self, address: str) -> Verdict:
        """Take from the limit of calls that come without a known credential."""
        rate = Rate("address", f"rate:address:{limited_as(address)}", self._address_rate)
        answer = await self._questions.ask(Question(rates=[(rate.key, rate.limit)]))
        policies = Policies([rate])
        return Verdict(answer, policies) if answer is not None else self._without_redis(policies, None)

    def publish(self, read: Sequence[Subject], found: list[int]) -> None:
        """Tell Redis the versions just read from PostgreSQL, where it had others (`found`, in the same order).

        What was read after Redis had named a version can't be older than it, unless PostgreSQL was restored from a backup:
        then PostgreSQL is right, and Redis is set back.
        """
        for (key, version), before in zip(read, found, strict=False):
            if before > version:
                self._tell("SET", key, version)
            elif before != version:
                self._tell("EVAL", SET_IF_LATER, 1, key, version)

    def _tell(self, *words: str | int) -> None:
        try:
            self._redis.send(*words).add_done_callback(lambda future: future.cancelled() or future.exception())
        except RedisAway:
            log.debug("version_not_published")

    async def _start_count(self, snapshot: Snapshot, subject: Subject | None, month: str) -> Question:
        """The question again, with what PostgreSQL knows of the month; without a quota while that is away."""
        grant = snapshot.grant
        try:
            used = await self._threads.run(quotas.month_total, grant.partner, grant.environment, month)
        except PostgresAway:
            self._metrics.degraded["postgres"] += 1
            return snapshot.question(subject, counted=False)
        return snapshot.question(subject, used=used)

    def _without_redis(self, policies: Policies, snapshot: Snapshot | None) -> Verdict:
        if snapshot is not None and snapshot.unchecked_for > CHECKED_AGE:
            return Verdict([STALE], policies)
        self._metrics.degraded["redis"] += 1
        return self._local.take(policies)


class LocalLimits:
    """The same rates, of this process alone; there is no quota without Redis."""

    MOST = 100_000

    def __init__(self) -> None:
        self._arrivals: dict[str, int] = {}

    def take(self, policies: Policies) -> Verdict:
        """As `take.lua`: from every rate or from none."""
        now = time.monotonic_ns() // 1000
        outcome, left, waits = ADMITTED, [], []
        ahead = [max(0, self._arrivals.get(rate.key, 0) - now) for rate in policies.rates]
        for rate, before in zip(policies.rates, ahead, strict=True):
            if before + MINUTE // rate.limit > MINUTE:
                outcome = RATE_REFUSES
        if len(self._arrivals) > self.MOST:
            self._arrivals = {key: at for key, at in self._arrivals.items() if at > now}
        for rate, before in zip(policies.rates, ahead, strict=True):
            interval = MINUTE // rate.limit
            after = before
            if outcome == ADMITTED:
                after += interval
                self._arrivals[rate.key] = now + after
            left += [(MINUTE - after) // interval, _seconds(after)]
            waits.append(_seconds(max(0, after + interval - MINUTE)))
        return Verdict([outcome, -1, 0, *left, *waits], policies)


def _seconds(microseconds: int) -> int:
    """Rounded up."""
    return -(-microseconds // 1_000_000)

"""Limits: one question to Redis a call, which compares versions and takes from every limit or from none."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

import hiredis
import structlog

from apikeys.snapshots import Grant
from core import clock, gcra
from core.problems import ConcurrencyLimited, QuotaExceeded, RateLimited
from gateway import quotas
from gateway.addresses import limited_as
from gateway.credentials import Snapshot, Subject
from gateway.metrics import Metrics
from gateway.pipelining import Redis, RedisAway
from gateway.places import Places
from gateway.policies import Policies, Rate
from gateway.questions import Answer, Question, Questions
from gateway.threads import PostgresAway, Threads

log = structlog.get_logger(__name__)

# Sets a version that was read from PostgreSQL, unless a later one is there by now.
SET_IF_LATER = (
    "local v = redis.call('GET', KEYS[1])"
    " if not v or tonumber(v) < tonumber(ARGV[1]) then redis.call('SET', KEYS[1], ARGV[1]) end"
)
STALE, COUNT_MISSING, ADMITTED, RATE_REFUSES, QUOTA_REFUSES, NO_PLACE = range(6)
CHECKED_AGE = 1.0
"""Seconds for which a snapshot is good while Redis can't tell its versions."""
HEARTBEAT = 2.0
"""Seconds between two renewals of the places of calls under way."""
NO_POLICIES = Policies([])


class Verdict:
    """What the limits say to one call, as `take.lua` answers it. `found` are the versions that Redis had, of a stale one;
    `places` those it was refused by."""

    __slots__ = ("_answer", "_places", "_policies", "outcome")

    def __init__(self, answer: Answer, policies: Policies, places: Subject | None = None) -> None:
        self.outcome: int = answer[0]
        self._answer = answer
        self._policies = policies
        self._places = places

    @property
    def month(self) -> str:
        """The month (`2026-01`) whose quota it was counted in; "" if it was counted in none."""
        _outcome, used, left = self._answer[:3]
        end = clock.now() + timedelta(seconds=left)
        return f"{end - timedelta(days=1):%Y-%m}" if used > 0 else ""

    @property
    def is_stale(self) -> bool:
        return self.outcome == STALE

    @property
    def found(self) -> list[int]:
        return self._answer[1:] if self.outcome == STALE else []

    def require_room(self) -> None:
        """Raises RateLimited, ConcurrencyLimited or QuotaExceeded, with the time to wait."""
        if self.outcome == RATE_REFUSES:
            rates = self._policies.rates
            waits = self._answer[3 + 2 * len(rates) :]
            wait = max(waits)
            raise RateLimited(limit=rates[waits.index(wait)].limit, window=60, headers={"Retry-After": str(max(1, wait))})
        if self.outcome == NO_PLACE and self._places is not None:  # when one of the others ends, nobody knows
            raise ConcurrencyLimited(limit=self._places[1], headers={"Retry-After": "1"})
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

    def __init__(
        self, redis: Redis, threads: Threads, metrics: Metrics, epoch_key: str, address_rate: int, guess_rate: int
    ) -> None:
        self._redis = redis
        self._questions = Questions(redis, epoch_key)
        self._threads = threads
        self._metrics = metrics
        self._epoch_key = epoch_key
        self._address_rate = address_rate
        self.guess_rate = guess_rate
        self._local = LocalLimits()
        self._uncounted: Counter[str] = Counter()
        self._task: asyncio.Task[None] | None = None
        self.places = Places(redis)

    def start(self) -> None:
        """Begin to renew the places of calls under way."""
        self._task = asyncio.create_task(self._tend())

    async def stop(self) -> None:
        """Nothing is under way any more."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self.places.release_all()
        await self._count_admitted()

    async def take(self, snapshot: Snapshot, subject: Subject | None, *, paying: bool, place: bytes | None = None) -> Verdict:
        """Compare the versions of the snapshot, and of a further `subject`; if they hold and the call is `paying`, take it
        from every limit or from none.

        A call with the id of a `place` is under way from now on, if its caller has a limit of those, until it is released.
        """
        policies, places = (snapshot.policies, snapshot.places) if paying else (NO_POLICIES, None)
        if place is None:
            places = None
        answer = await self._questions.ask(snapshot.question(subject, paying=paying, place=place))
        while answer is not None and answer[0] == COUNT_MISSING:
            question = await self._start_count(snapshot, subject, answer[1].decode(), place)
            answer = await self._questions.ask(question)
        verdict = self._without_redis(policies, snapshot, places) if answer is None else Verdict(answer, policies, places)
        if places is not None and place is not None and verdict.outcome == ADMITTED:
            self.places.hold(place, places[0])
        return verdict

    def uncount(self, grant: Grant, verdict: Verdict) -> None:
        """An admitted call turned out to be none that is metered: quota and admissions do without it, rates don't."""
        member = f"{grant.partner}:{grant.environment}"
        self._uncounted[member] -= 1
        if month := verdict.month:
            self._tell("HINCRBY", f"quota:{member}", month, -1)

    async def take_address(self, address: str) -> Verdict:
        """Take from the limit of calls that come without a credential, or ask for what isn't there."""
        return await self._take_one(Rate("address", f"rate:address:{limited_as(address)}", self._address_rate))

    async def take_guess(self, address: str) -> Verdict:
        """Take from the limit of credentials that aren't any."""
        return await self._take_one(Rate("guess", f"rate:guess:{limited_as(address)}", self.guess_rate))

    async def _take_one(self, rate: Rate) -> Verdict:
        answer = await self._questions.ask(Question(rates=[(rate.key, rate.limit)]))
        policies = Policies([rate])
        return Verdict(answer, policies) if answer is not None else self._without_redis(policies)

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
            log.debug("redis_not_told", command=words[0])

    async def _start_count(self, snapshot: Snapshot, subject: Subject | None, month: str, place: bytes | None) -> Question:
        """The question again, with what PostgreSQL knows of the month; without a quota while that is away."""
        grant = snapshot.grant
        try:
            used = await self._threads.run(quotas.month_total, grant.partner, grant.environment, month)
        except PostgresAway:
            self._metrics.degraded["postgres"] += 1
            return snapshot.question(subject, counted=False, place=place)
        return snapshot.question(subject, used=(month, used), place=place)

    def _without_redis(self, policies: Policies, snapshot: Snapshot | None = None, places: Subject | None = None) -> Verdict:
        if snapshot is not None and snapshot.unchecked_for > CHECKED_AGE:
            return Verdict([STALE], policies)
        self._metrics.degraded["redis"] += 1
        is_full = places is not None and self.places.count(places[0]) >= places[1]
        verdict = self._local.take(policies, places if is_full else None)
        if snapshot is not None and policies.rates and verdict.outcome == ADMITTED:
            self._uncounted[snapshot.member] += 1
        return verdict

    async def _tend(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT)
            try:
                self.places.renew()
                await self._count_admitted()
            except Exception:  # whatever it is: without it, calls that last would lose their places
                log.exception("places_not_renewed")

    async def _count_admitted(self) -> None:
        """Add what was admitted without Redis to the epoch's admissions (see `usage.records`)."""
        for member in [member for member in self._uncounted if member]:
            count = self._uncounted.pop(member)
            try:
                await self._redis.send("HINCRBY", self._epoch_key, member, count)
            except (RedisAway, hiredis.HiredisError):
                self._uncounted[member] += count


class LocalLimits:
    """The same rates, of this process alone; there is no quota without Redis."""

    MOST = 100_000

    def __init__(self) -> None:
        self._arrivals: dict[str, int] = {}

    def take(self, policies: Policies, full: Subject | None = None) -> Verdict:
        """As `take.lua`: from every rate or from none; from none if there is no place, because those are `full`."""
        now = time.monotonic_ns() // 1000
        outcome, left, waits = ADMITTED if full is None else NO_PLACE, [], []
        ahead = [max(0, self._arrivals.get(rate.key, 0) - now) for rate in policies.rates]
        for rate, before in zip(policies.rates, ahead, strict=True):
            if before + gcra.interval(rate.limit) > gcra.span(rate.limit):
                outcome = RATE_REFUSES
        if len(self._arrivals) > self.MOST:
            self._arrivals = {key: at for key, at in self._arrivals.items() if at > now}
        for rate, before in zip(policies.rates, ahead, strict=True):
            interval, span = gcra.interval(rate.limit), gcra.span(rate.limit)
            after = before
            if outcome == ADMITTED:
                after += interval
                self._arrivals[rate.key] = now + after
            left += [(span - after) // interval, _seconds(after)]
            waits.append(_seconds(max(0, after + interval - span)))
        return Verdict([outcome, -1, 0, *left, *waits], policies, full)


def _seconds(microseconds: int) -> int:
    """Rounded up."""
    return -(-microseconds // 1_000_000)

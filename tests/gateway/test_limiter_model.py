"""The limiter against an exact simulation: any sequence of calls, under a clock that runs, passes a month's end, or is set back.

The script runs in the real Redis with the clock of the test, by which its keys grow old too. The simulation keeps no counters:
it remembers when calls were admitted and works out what must become of the next, also as if no clock had been set back.
"""

import itertools
import secrets
import time
from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import hiredis
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from gateway.limits import ADMITTED, COUNT_MISSING, NO_PLACE, QUOTA_REFUSES, RATE_REFUSES, STALE, LocalLimits
from gateway.pipelining import array
from gateway.policies import Policies, Rate
from gateway.questions import SOURCE, Question

SECOND = 1_000_000
LEASE = 15 * SECOND
LONGEST_SETBACK = 5 * SECOND
SCRIPT = SOURCE.replace("local time = call('TIME')", "local time = {0, table.remove(ARGV)}")
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  (µs since then are UTC)
# Before a month's end, a year's end, and the end of a February with 29 days.
STARTS = [datetime(2026, 11, 30, 23, 59, 50), datetime(2026, 12, 31, 23, 59, 58), datetime(2028, 2, 29, 23, 59)]  # noqa: DTZ001


class Bucket:
    """A rate by its definition: N at once and then one each interval, whichever earlier call one counts from."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.interval = -(-60 * SECOND // limit)
        self.admitted: list[int] = []

    def busy(self, at: int) -> int:
        """µs until all calls are back."""
        count = len(self.admitted)
        return max([0, *(then + self.interval * (count - index) - at for index, then in enumerate(self.admitted))])

    def wait(self, at: int) -> int:
        """µs until there is room for a call."""
        return max(0, self.busy(at) - self.interval * (self.limit - 1))

    def left(self, at: int) -> int:
        return (self.interval * self.limit - self.busy(at)) // self.interval


@dataclass
class Account:
    """A partner in the simulation: calls by month (those that Redis knows), and its calls under way with their leases."""

    quota: int | None
    at_once: int | None
    months: dict[str, int] = field(default_factory=dict)
    known: set[str] = field(default_factory=set)
    places: dict[bytes, int] = field(default_factory=dict)

    def has_place(self, now: int) -> bool:
        if self.at_once is None or len(self.places) < self.at_once:
            return True
        self.places = {place: end for place, end in self.places.items() if end > now}
        return len(self.places) < self.at_once


@dataclass
class Caller:
    """Who calls: with rates of its own and of its account (a stranger has none)."""

    rates: list[str]
    account: str | None


CALLERS = {
    "one": Caller(["key one", "partner a"], "a"),
    "two": Caller(["key two", "partner a"], "a"),
    "many": Caller(["key many", "partner b"], "b"),
    "stranger": Caller(["address"], None),
}
RATES = {"key one": 3, "key two": 7, "partner a": 8, "key many": 10_007, "partner b": 20_000_000, "address": 2}
ADVANCES = st.one_of(
    st.integers(0, 20 * SECOND),
    st.sampled_from([0, 1, 3 * SECOND, 20 * SECOND - 1, 20 * SECOND, 60 * SECOND, 26 * 3600 * SECOND]),
)
ASKED = st.tuples(st.sampled_from(sorted(CALLERS)), st.booleans(), st.integers(0, 9).map(lambda drawn: drawn == 0))


class Limiter(RuleBasedStateMachine):
    """Batches of calls as gateways ask them, and time."""

    redis = None

    @initialize(start=st.sampled_from(STARTS), quota=st.sampled_from([0, 1, 6, 40]), at_once=st.sampled_from([1, 2, None]))
    def begin(self, start, quota, at_once):
        self.prefix = secrets.token_hex(6)
        self.now = (start - EPOCH) // timedelta(microseconds=1)
        self.true = self.now
        self.ids = itertools.count()
        self.buckets = {name: Bucket(limit) for name, limit in RATES.items()}
        self.ideal = {name: Bucket(limit) for name, limit in RATES.items()}
        self.accounts = {"a": Account(quota, at_once), "b": Account(None, None)}
        self.admissions: dict[str, int] = {}
        for name in CALLERS:
            self.redis.set(self.key("v", name), 1)

    def teardown(self):
        for key in self.redis.scan_iter(f"{self.prefix}*"):
            self.redis.delete(key)

    @rule(asked=st.lists(ASKED, min_size=1, max_size=6))
    def call(self, asked):
        """Calls of one batch: who, whether it is carried, whether its snapshot is stale. What is missing is asked again."""
        asked = [(name, b"%d" % next(self.ids) if carried else None, stale) for name, carried, stale in asked]
        again = []
        for call, answer in zip(asked, self.ask(asked), strict=True):
            self.compare(*call, answer)
            if answer[0] == COUNT_MISSING:
                again.append(call)
        for name, place, stale in again:
            account = self.accounts[CALLERS[name].account]
            used = account.months.get(self.month, 0)
            [answer] = self.ask([(name, place, stale)], used=used)
            account.known.add(self.month)
            self.compare(name, place, stale, answer)
        assert {name: int(count) for name, count in self.counted().items()} == self.admissions

    @rule(advance=ADVANCES)
    def wait(self, advance):
        self.move(advance)
        self.true += advance

    @rule(past=st.integers(-SECOND, SECOND))
    def wait_for_the_months_end(self, past):
        self.wait(max(0, self.left * SECOND + past))

    @rule(setback=st.integers(1, LONGEST_SETBACK))
    def set_clock_back(self, setback):
        self.move(-setback)

    @rule(data=st.data())
    def end_call(self, data):
        account = self.accounts["a"]
        if account.places:
            place = data.draw(st.sampled_from(sorted(account.places)))
            del account.places[place]
            self.redis.zrem(self.key("places", "a"), place)

    @rule()
    def lose_count(self):
        self.redis.delete(self.key("quota", "a"))
        self.accounts["a"].known.clear()

    # --- the script ---
    def ask(self, asked, used=None):
        questions = [self.question(*call, used) for call in asked]
        keys = [self.key("epoch", ""), *itertools.chain.from_iterable(words(q.keys, q.key_count) for q in questions)]
        arguments = [0, *itertools.chain.from_iterable(words(q.arguments, q.argument_count) for q in questions)]
        return self.redis.eval(SCRIPT, len(keys), *keys, *arguments, self.now)

    def question(self, name, place, stale, used):
        caller = CALLERS[name]
        account = self.accounts.get(caller.account)
        places = None
        if account and place and account.at_once is not None:
            places = (self.key("places", caller.account), account.at_once)
        made = Question(
            versions=[(self.key("v", name), 2 if stale else 1)],
            rates=[(self.key("rate", rate), RATES[rate]) for rate in caller.rates],
            quota=(self.key("quota", caller.account), -1 if account.quota is None else account.quota) if account else None,
            places=places,
            used=None if used is None else (self.month, used),
            member=caller.account or "",
        )
        return made.of(place) if places else made

    def key(self, kind, name):
        return f"{self.prefix}:{kind}:{name}"

    def counted(self):
        return {name.decode(): count for name, count in self.redis.hgetall(self.key("epoch", "")).items()}

    def move(self, change):
        """The clock, and the age of what expires by it."""
        for key in self.redis.scan_iter(f"{self.prefix}*"):
            expires_in = self.redis.pttl(key)
            if expires_in >= 0 and expires_in <= change // 1000:
                self.redis.delete(key)
            elif expires_in >= 0:
                self.redis.pexpire(key, expires_in - change // 1000)
        self.now += change

    # --- the simulation ---
    @property
    def month(self):
        return (EPOCH + timedelta(microseconds=self.now)).strftime("%Y-%m")

    @property
    def left(self):
        """Seconds until the month ends, rounded up."""
        at = EPOCH + timedelta(microseconds=self.now)
        end = at.replace(day=1, hour=0, minute=0, second=0, microsecond=0) + timedelta(days=monthrange(at.year, at.month)[1])
        return rounded_up((end - at) // timedelta(microseconds=1))

    def compare(self, name, place, stale, answer):
        caller = CALLERS[name]
        account = self.accounts.get(caller.account)
        buckets = [self.buckets[rate] for rate in caller.rates]
        if stale:
            assert answer == [STALE, 1]
            return
        outcome = ADMITTED
        if any(bucket.wait(self.now) for bucket in buckets):
            outcome = RATE_REFUSES
            wait, ideal = (max(found[rate].wait(at) for rate in caller.rates) for found, at in self.seen_by())
            assert wait <= ideal + self.true - self.now, "refused for longer than the clock was set back"
        elif account and place and not account.has_place(self.now):
            outcome = NO_PLACE
        elif account and account.quota != 0 and self.month not in account.known:
            assert answer == [COUNT_MISSING, self.month.encode()]
            return
        elif account and account.quota is not None and account.months.get(self.month, 0) >= account.quota:
            outcome = QUOTA_REFUSES
        waits = [rounded_up(bucket.wait(self.now)) for bucket in buckets]
        if outcome == ADMITTED:
            self.admit(caller, place)
        assert answer[0] == outcome
        if account and (outcome in {ADMITTED, QUOTA_REFUSES} or self.month in account.known):
            assert answer[1:3] == [account.months.get(self.month, 0), self.left]
        said = list(itertools.chain.from_iterable((b.left(self.now), rounded_up(b.busy(self.now))) for b in buckets))
        assert answer[3:] == said + (waits if outcome == RATE_REFUSES else [])

    def admit(self, caller, place):
        for rate in caller.rates:
            assert self.ideal[rate].wait(self.true) == 0, "admitted over the limit, because a clock was set back"
            self.buckets[rate].admitted.append(self.now)
            self.ideal[rate].admitted.append(self.true)
        if caller.account:
            account = self.accounts[caller.account]
            account.months[self.month] = account.months.get(self.month, 0) + 1
            self.admissions[caller.account] = self.admissions.get(caller.account, 0) + 1
            if place and account.at_once is not None:
                account.places[place] = self.now + LEASE

    def seen_by(self):
        """Buckets and time by the clock that was set back, and by one that never was."""
        return (self.buckets, self.now), (self.ideal, self.true)


def words(packed: bytes, count: int) -> list[bytes]:
    """What was packed for the wire."""
    reader = hiredis.Reader()
    reader.feed(array(count) + packed)
    found: list[bytes] = reader.gets()
    return found


def rounded_up(microseconds: int) -> int:
    return -(-microseconds // SECOND)


def run(redis, **wanted: int) -> None:
    machine = type("Limiter", (Limiter,), {"redis": redis})
    run_state_machine_as_test(machine, settings=settings(**wanted))


def test_script_decides_as_the_simulation(redis):
    run(redis, max_examples=30, stateful_step_count=25)


@pytest.mark.slow
def test_script_decides_as_the_simulation_in_many_cases(redis):
    run(redis, max_examples=100, stateful_step_count=50)


def test_a_clock_set_back_over_a_months_end_finds_its_count(redis):
    limiter = type("Limiter", (Limiter,), {"redis": redis})()
    limiter.begin(STARTS[0], quota=3, at_once=None)
    for step in (lambda: limiter.wait(11 * SECOND), lambda: limiter.set_clock_back(2 * SECOND), lambda: limiter.wait(2 * SECOND)):
        limiter.call([("one", False, False), ("two", False, False)])
        step()
    limiter.call([("two", False, False)] * 2)
    assert limiter.accounts["a"].months == {"2026-11": 3, "2026-12": 3}
    limiter.teardown()


def test_a_month_that_ends_while_its_count_is_looked_for_gives_the_next_none_of_it(redis):
    limiter = type("Limiter", (Limiter,), {"redis": redis})()
    limiter.begin(STARTS[0], quota=6, at_once=None)
    [last] = limiter.ask([("one", None, False)])
    late = limiter.question("one", None, False, 5)
    limiter.wait(20 * SECOND)
    keys, arguments = words(late.keys, late.key_count), words(late.arguments, late.argument_count)
    [answer] = redis.eval(SCRIPT, 1 + len(keys), limiter.key("epoch", ""), *keys, 0, *arguments, limiter.now)
    assert (last, answer) == ([COUNT_MISSING, b"2026-11"], [COUNT_MISSING, b"2026-12"])
    limiter.teardown()


@pytest.mark.parametrize("limit", [7, 60, 10_007])
def test_a_burst_is_exactly_the_rate(redis, limit):
    key = f"rate:burst:{secrets.token_hex(6)}"
    one = Question(rates=[(key, limit)])
    [keys], arguments = words(one.keys, 1), words(one.arguments, one.argument_count)
    together, now = 500, 1_800_000_000 * SECOND
    answers = []
    for _ in range(limit // together + 1):
        answers += redis.eval(SCRIPT, together + 1, "epoch", *[keys] * together, 0, *arguments * together, now)
    assert [answer[0] for answer in answers] == [ADMITTED] * limit + [RATE_REFUSES] * (len(answers) - limit)
    redis.delete(key)


@given(steps=st.lists(st.tuples(ADVANCES, st.sampled_from(sorted(CALLERS)), st.booleans()), max_size=60))
def test_a_process_alone_decides_as_the_simulation(steps: Sequence[tuple[int, str, bool]]):
    """Without Redis: rates and places of one process, whose clock is never set back."""
    buckets = {name: Bucket(limit) for name, limit in RATES.items()}
    limits, now = LocalLimits(), 1_000 * SECOND
    with pytest.MonkeyPatch.context() as patch:
        for advance, name, is_full in steps:
            now += advance
            patch.setattr(time, "monotonic_ns", lambda now=now: now * 1000)
            asked = CALLERS[name].rates
            policies = Policies([Rate(rate.split()[0], rate, RATES[rate]) for rate in asked])
            full = ("places", 1) if is_full else None
            outcome = RATE_REFUSES if any(buckets[rate].wait(now) for rate in asked) else NO_PLACE if is_full else ADMITTED
            assert limits.take(policies, full).outcome == outcome
            if outcome == ADMITTED:
                for rate in asked:
                    buckets[rate].admitted.append(now)

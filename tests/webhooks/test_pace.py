"""Limits that endpoints ask for: deliveries a second over all workers, and posts at once."""

from collections.abc import Collection
from datetime import datetime, timedelta
from itertools import count, pairwise

import pytest
from django.db import IntegrityError, transaction

from core import clock
from core.actors import SYSTEM
from core.problems import ValidationError
from partners.models import Partner
from tests.webhooks.steps import NOWHERE, make_endpoint, publish, seal_all
from tests.webhooks.test_lanes import end, happen, turn
from webhooks import endpoints
from webhooks.claims import Claimed, claim
from webhooks.models import Delivery, Endpoint

pytestmark = pytest.mark.django_db


def limited(partner: Partner, **limits: int | None) -> Endpoint:
    endpoint = make_endpoint(partner, NOWHERE)
    endpoints.update(endpoint=endpoint, by=SYSTEM, **limits)
    return endpoint


def happen_often(partner: Partner, times: int) -> None:
    numbers = count()
    happen(partner, *(f"x{next(numbers)}" for _ in range(times)))


def run(seconds: float, *, every: float, cap: int = 50, workers: int = 1) -> list[datetime]:
    """Claims over a time, all that is claimed being attempted at once; returns when each attempt was made."""
    posts: list[datetime] = []
    for _ in range(round(seconds / every)):
        for _worker in range(workers):
            claimed = claim(100, cap=cap, in_flight={})
            posts += [clock.now()] * len(claimed)
            if claimed:
                end(claimed)
        clock.tick(timedelta(seconds=every))
    return posts


def most_within(posts: Collection[datetime], window: timedelta) -> int:
    return max(sum(begin <= post < begin + window for post in posts) for begin in posts)


class TestRate:
    """Never more than rate * t and a small burst, and not much less while there is something to send."""

    @pytest.mark.parametrize(("rate", "every"), [(1, 0.5), (3, 0.2), (10, 0.1), (10, 0.5), (40, 0.5)])
    def test_bound_holds_in_every_window(self, acme: Partner, rate: int, every: float) -> None:
        limited(acme, rate_per_second=rate)
        happen_often(acme, min(rate * 12, 200))
        posts = run(8 if rate < 40 else 4, every=every, workers=2)
        burst = 1 + max(1, rate // 2)
        for seconds in (0.5, 1, 2, 5):
            assert most_within(posts, timedelta(seconds=seconds)) <= rate * seconds + burst
        lasted = (posts[-1] - posts[0]).total_seconds()
        assert len(posts) >= 0.9 * rate * lasted, "and the limit is used"

    def test_costs_no_attempt(self, acme: Partner) -> None:
        limited(acme, rate_per_second=1)
        happen_often(acme, 10)
        run(1, every=0.5)
        waiting = Delivery.objects.filter(attempt_count=0)
        assert waiting.count() >= 7
        assert set(waiting.values_list("status", "step")) == {("pending", 0)}

    def test_backlog_gets_its_times_once(self, acme: Partner) -> None:
        """Each has a time of its own, an interval after the one before; no claim comes upon it earlier."""
        limited(acme, rate_per_second=2)
        happen_often(acme, 40)
        run(0.5, every=0.5)
        times = list(Delivery.objects.filter(status="pending").order_by("id").values_list("due_at", flat=True))
        assert {after - before for before, after in pairwise(times)} == {timedelta(seconds=0.5)}
        assert not Delivery.objects.due().exists()
        run(3, every=0.5)
        left = Delivery.objects.filter(status="pending").order_by("id").values_list("due_at", flat=True)
        assert list(left) == times[-len(left) :]

    def test_backlog_holds_up_nobody(self, acme: Partner, globex: Partner) -> None:
        limited(acme, rate_per_second=1)
        make_endpoint(globex, NOWHERE)
        happen_often(acme, 60)
        publish(globex)
        seal_all()
        claimed = claim(4, cap=2, in_flight={}) + claim(4, cap=2, in_flight={})
        assert globex.pk in Delivery.objects.filter(pk__in=[each.id for each in claimed]).values_list("partner_id", flat=True)

    def test_new_ones_stand_behind_the_queue(self, acme: Partner) -> None:
        limited(acme, rate_per_second=2)
        happen(acme, *(f"a{place}" for place in range(8)))
        sent = turn()
        for place in range(8):
            clock.tick(timedelta(seconds=0.5))
            happen(acme, f"b{place}")
            sent += turn()
        assert sent[:8] == [f"a{place}" for place in range(8)]

    def test_higher_limit_holds_at_once(self, acme: Partner) -> None:
        endpoint = limited(acme, rate_per_second=1)
        happen_often(acme, 30)
        run(1, every=0.5)
        endpoints.update(endpoint=endpoint, by=SYSTEM, rate_per_second=None)
        assert len(turn_all()) >= 25
        assert not Delivery.objects.filter(status="pending").exists()

    def test_what_was_held_queues_anew(self, acme: Partner) -> None:
        endpoint = limited(acme, rate_per_second=1)
        happen_often(acme, 60)
        run(1, every=0.5)
        endpoints.pause(endpoint=endpoint, by=SYSTEM)
        clock.tick(timedelta(minutes=10))
        endpoints.enable(endpoint=endpoint, by=SYSTEM)
        begin = clock.now()
        run(1, every=0.5)
        assert Delivery.objects.order_by("-due_at")[0].due_at < begin + timedelta(seconds=70)

    def test_retry_waits_for_its_turn_too(self, acme: Partner) -> None:
        limited(acme, rate_per_second=1)
        happen(acme, "a1")
        assert turn(failing=["a1"]) == ["a1"]
        happen(acme, *(f"b{place}" for place in range(20)))
        clock.tick(timedelta(seconds=7))
        assert len(turn()) <= 2

    def test_ordered_and_limited(self, acme: Partner) -> None:
        limited(acme, rate_per_second=2, fifo=True)
        happen(acme, "a1", "a2", "b1", "b2", "a3")
        sent: list[str] = []
        for _ in range(20):
            sent += turn()
            clock.tick(timedelta(seconds=0.5))
        assert [name for name in sent if name[0] == "a"] == ["a1", "a2", "a3"]
        assert [name for name in sent if name[0] == "b"] == ["b1", "b2"]


def turn_all() -> list[Claimed]:
    claimed = claim(100, cap=100, in_flight={})
    end(claimed)
    return claimed


class TestConcurrency:
    """How many of an endpoint are in flight at once, for each worker."""

    @pytest.mark.parametrize("most", [1, 2, 20])
    def test_bound(self, acme: Partner, most: int) -> None:
        endpoint = limited(acme, concurrency=most)
        happen_often(acme, 30)
        first = claim(100, cap=5, in_flight={})
        assert len(first) == most
        assert claim(100, cap=5, in_flight={endpoint.pk: most}) == []
        assert len(claim(100, cap=5, in_flight={endpoint.pk: most - 1})) == 1

    def test_platform_s_own_limit_unless_asked_for(self, acme: Partner) -> None:
        endpoint = limited(acme, concurrency=None)
        happen_often(acme, 30)
        assert len(claim(100, cap=5, in_flight={})) == 5
        assert len(claim(100, cap=5, in_flight={endpoint.pk: 3})) == 2

    def test_lower_limit_holds_for_the_next(self, acme: Partner) -> None:
        endpoint = limited(acme, concurrency=20)
        happen_often(acme, 30)
        assert len(claim(100, cap=5, in_flight={})) == 20
        endpoints.update(endpoint=endpoint, by=SYSTEM, concurrency=1)
        assert claim(100, cap=5, in_flight={endpoint.pk: 20}) == []


class TestBounds:
    """What may be asked for."""

    @pytest.mark.parametrize(
        ("name", "value", "advice"),
        [
            ("rate_per_second", 0, "1 to 1,000 deliveries a second"),
            ("rate_per_second", 1_001, "1 to 1,000 deliveries a second"),
            ("concurrency", 0, "1 to 20 posts at once"),
            ("concurrency", 21, "1 to 20 posts at once"),
        ],
    )
    def test_out_of_bounds(self, acme: Partner, name: str, value: int, advice: str) -> None:
        with pytest.raises(ValidationError) as refusal:
            limited(acme, **{name: value})
        [error] = refusal.value.facts["errors"]
        assert error["pointer"] == f"/{name}"
        assert advice in error["detail"]

    def test_database_holds_them(self, acme: Partner) -> None:
        endpoint = make_endpoint(acme, NOWHERE)
        for change in ({"rate_per_second": 0}, {"concurrency": 21}):
            with pytest.raises(IntegrityError), transaction.atomic():
                Endpoint.objects.filter(pk=endpoint.pk).update(**change)

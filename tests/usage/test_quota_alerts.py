"""The month's quota is told at 50, 80 and 100 per cent of live calls, each once a month."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core import mail
from django.db import connection

from core import clock, relay
from core.actors import SYSTEM
from core.models import Event, User
from partners import notices, partners, preferences
from partners.models import Member, Partner, Tier
from tests.usage.conftest import call
from usage import ingest, quota_alerts
from usage.periods import Period

pytestmark = pytest.mark.django_db

LIMIT = 10


@pytest.fixture
def acme(db: None) -> Partner:
    Tier.objects.filter(rank=10).update(monthly_quota=LIMIT)
    return partners.create(name="Acme", by=SYSTEM, active=True)


def use(redis: Any, partner: Partner, used: int, environment: str = "live") -> None:
    """A call in usage, and the gateways' count at `used`."""
    ingest.write([("e" * 32, call(partner=partner.pk, environment=environment))])
    redis.hset(f"quota:{partner.pk.hex}:{environment}", f"{clock.now():%Y-%m}", used)


def told() -> list[tuple[int, int]]:
    quota_alerts.step()
    events = Event.objects.filter(type="usage.quota_reached").order_by("id")
    return [(event.data["percent"], event.data["used"]) for event in events]


def test_each_threshold_is_told_once(redis, acme):
    for used, expected in ((4, []), (5, [50]), (7, [50]), (8, [50, 80]), (10, [50, 80, 100]), (12, [50, 80, 100])):
        use(redis, acme, used)
        assert [percent for percent, _used in told()] == expected


def test_those_crossed_at_once_are_told_together(redis, acme):
    use(redis, acme, 9)
    assert told() == [(50, 9), (80, 9)]


def test_next_month_begins_anew(redis, acme, tick):
    use(redis, acme, 10)
    assert told() == [(50, 10), (80, 10), (100, 10)]
    tick(days=32)
    use(redis, acme, 6)
    assert told()[3:] == [(50, 6)]


def test_test_calls_are_of_no_account(redis, acme):
    use(redis, acme, 10, environment="test")
    assert told() == []


def test_without_a_count_in_redis_the_rollups_tell(redis, acme):
    ingest.write([("e" * 32, call(partner=acme.pk)) for _number in range(5)])
    assert told() == [(50, 5)]


def test_team_is_told_as_each_member_likes(redis, acme):
    owner = Member.objects.create(partner=acme, user=User.objects.create(email="o@acme.example"), role="owner")
    Member.objects.create(partner=acme, user=User.objects.create(email="d@acme.example"), role="developer")
    preferences.change(member=owner, by=SYSTEM, kinds={"quota_reached": {"mail": False}})
    use(redis, acme, 8)
    told()
    relay.seal()
    while notices.send_due():
        pass
    (message,) = [each for each in mail.outbox if "this month’s calls" in each.subject]
    assert message.subject == "Acme: 80% of this month’s calls are used"  # not of 50 % besides
    assert message.to == ["d@acme.example"]
    body = " ".join(message.body.split())
    assert "has made 8 of this month’s 10 live calls" in body
    assert "refused with quota_exceeded" in body


@pytest.mark.django_db(transaction=True)
def test_workers_at_once_tell_it_once(acme):
    def tell(_number: int) -> int:
        try:
            return quota_alerts.tell(partner=acme, month=Period.this_month(), used=5)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(tell, range(4))) == [0, 0, 0, 1]
    assert Event.objects.filter(type="usage.quota_reached").count() == 1

"""A key's end is told before it comes and when it is there, each stage once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core import mail
from django.db import connection

from apikeys import expiries, keys
from core import clock, problems, relay
from core.models import Event, User
from partners import notices
from partners.models import Member, Notice
from tests.apikeys.conftest import OPERATOR

pytestmark = pytest.mark.django_db


@pytest.fixture
def tick():
    yield lambda **by: clock.tick(timedelta(**by))
    clock.reset()


def ending(partner, **left) -> keys.Issued:
    ends = clock.now() + timedelta(**left)
    return keys.issue(partner=partner, environment="live", name="Nightly export", expires_at=ends, by=OPERATOR)


def told() -> list[int]:
    expiries.remind_due()
    events = Event.objects.filter(type__in=["key.expiring", "key.expired"]).order_by("id")
    return [event.data["days"] for event in events]


def test_each_stage_is_told_once_and_in_time(acme, tick):
    ending(acme, days=30)
    assert told() == []
    for days, stages in ((17, [14]), (10, [14, 3]), (2, [14, 3, 1]), (1, [14, 3, 1, 0]), (1, [14, 3, 1, 0])):
        tick(days=days)
        assert told() == stages
        assert told() == stages


def test_who_was_away_for_days_is_told_the_present_stage_only(acme, tick):
    ending(acme, days=30)
    tick(days=28)
    assert told() == [3]


def test_who_sets_an_end_within_a_stage_knows_of_it(acme):
    key = ending(acme, days=2).key
    rotated = ending(acme, days=90).key
    keys.rotate(key=rotated, grace=timedelta(days=1), by=OPERATOR)
    assert told() == []
    keys.update(key=key, expires_at=clock.now() + timedelta(hours=20), by=OPERATOR)
    assert told() == []


def test_another_end_is_told_anew(acme, tick):
    key = ending(acme, days=20).key
    tick(days=7)
    assert told() == [14]
    keys.update(key=key, expires_at=clock.now() + timedelta(days=40), by=OPERATOR)
    tick(days=27)
    assert told() == [14, 14]


def test_key_that_works_no_more_anyway_is_not_told_of(acme, tick):
    keys.revoke(key=ending(acme, days=20).key, by=OPERATOR)
    keys.disable(key=ending(acme, days=20).key, by=OPERATOR)
    tick(days=19)
    assert told() == []


def test_end_of_a_rotated_key_only_comes_sooner(acme):
    key = ending(acme, days=90).key
    keys.rotate(key=key, grace=timedelta(days=20), by=OPERATOR)
    for later in (None, key.expires_at + timedelta(days=1)):
        with pytest.raises(problems.ValidationError):
            keys.update(key=key, expires_at=later, by=OPERATOR)
    keys.update(key=key, expires_at=clock.now() + timedelta(days=1), by=OPERATOR)


def test_team_reads_when_it_ends_and_whether_it_is_used(acme, tick):
    for role in ("owner", "viewer"):
        Member.objects.create(partner=acme, user=User.objects.create(email=f"{role}@acme.example"), role=role)
    key = ending(acme, days=15).key
    key.last_used_at = clock.now()
    key.save()
    tick(days=2)
    told()
    relay.seal()
    while notices.send_due():
        pass
    message = next(each for each in mail.outbox if "expires on" in each.subject)
    assert message.to == ["owner@acme.example"]
    body = " ".join(message.body.split())
    assert f"stops working on {key.expires_at:%-d %b %Y, %H:%M} UTC" in body
    assert "It was last used on" in body
    assert "Rotate it in time" in body
    notice = Notice.objects.get(kind="key_expiring")
    said = notices.said(notice)
    assert said.title.startswith("The key “Nightly export” expires on")
    assert said.url == f"/p/acme/keys/{key.public_id}?environment=live"


@pytest.mark.django_db(transaction=True)
def test_workers_at_once_tell_it_once(acme, tick):
    ending(acme, days=20)
    tick(days=10)

    def remind(_number: int) -> int:
        try:
            return expiries.remind_due()
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(remind, range(4))) == 1
    assert Event.objects.filter(type="key.expiring").count() == 1

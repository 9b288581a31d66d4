"""Rates and quotas: exact, told on every metered answer, taken from all or from none."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from core import clock
from core.actors import SYSTEM
from partners import tiers
from partners.models import Tier

PATH = "/api/partner/v1/keys"


@pytest.fixture
def _real_time():
    yield
    clock.reset()


@pytest.fixture
def tier():
    """A tier of its own for each test, with limits that are quickly reached."""
    lowest = tiers.entry()
    rank = Tier.objects.order_by("-rank")[0].rank + 1
    return Tier.objects.create(
        slug=f"tight-{rank}", name="Tight", rank=rank, currency=lowest.currency, key_rate=5, partner_rate=8, monthly_quota=100
    )


@pytest.fixture
def tight(acme, tier):
    """A partner on that tier."""
    from partners import partners

    partners.change_tier(partner=acme.partner, tier=tier, by=SYSTEM)
    return acme


def month() -> str:
    return datetime.now(UTC).strftime("%Y-%m")


def test_answers_say_what_is_left(gateway, tight):
    before = time.time()
    answer = gateway.get(PATH, key=tight.key().text).expect(200)
    assert answer.headers["ratelimit-policy"] == '"key";q=5;w=60, "partner";q=8;w=60, "month";q=100'
    key, partner, quota = answer.headers["ratelimit"].split(", ")
    assert key == '"key";r=4;t=12'
    assert partner == '"partner";r=7;t=8'
    assert quota.startswith('"month";r=99;t=')
    assert answer.headers["x-ratelimit-limit"] == "5"
    assert answer.headers["x-ratelimit-remaining"] == "4"
    assert before + 11 <= int(answer.headers["x-ratelimit-reset"]) <= time.time() + 12


def test_a_key_over_its_rate_is_refused(gateway, tight):
    key = tight.key().text
    for _ in range(5):
        gateway.get(PATH, key=key).expect(200)
    answer = gateway.get(PATH, key=key).expect_problem(429, "rate_limited")
    assert 1 <= int(answer.headers["retry-after"]) <= 12
    assert answer.headers["x-ratelimit-remaining"] == "0"
    assert '"key";r=0' in answer.headers["ratelimit"]


@pytest.mark.usefixtures("_real_time")
def test_one_call_comes_back_each_sixtieth_of_the_rate(gateway, tight):
    key = tight.key().text
    for _ in range(5):
        gateway.get(PATH, key=key).expect(200)
    clock.tick(timedelta(seconds=int(gateway.get(PATH, key=key).expect(429).headers["retry-after"])))
    gateway.get(PATH, key=key).expect(200)
    gateway.get(PATH, key=key).expect(429)


def test_a_partner_over_its_rate_is_refused_whatever_key_it_takes(gateway, tight):
    one, other = tight.key().text, tight.key().text
    for key in [one] * 4 + [other] * 4:
        gateway.get(PATH, key=key).expect(200)
    answer = gateway.get(PATH, key=other).expect_problem(429, "rate_limited")
    assert "8 requests" in answer["detail"]


def test_a_refused_call_takes_nothing(gateway, tight, redis):
    key = tight.key().text
    redis.hset(f"quota:{tight.partner.pk.hex}:live", month(), 100)
    for _ in range(10):
        gateway.get(PATH, key=key).expect_problem(429, "quota_exceeded")
    redis.hset(f"quota:{tight.partner.pk.hex}:live", month(), 0)
    assert '"key";r=4;' in gateway.get(PATH, key=key).expect(200).headers["ratelimit"]


def test_environments_have_limits_of_their_own(gateway, tight):
    key = tight.key().text
    for _ in range(5):
        gateway.get(PATH, key=key).expect(200)
    live = gateway.get(PATH, key=key).expect(429)
    test = gateway.get(PATH, key=tight.key(environment="test").text).expect(200)
    assert "x-portico-environment" not in live.headers
    assert test.headers["x-portico-environment"] == "test", "answers to a test key say so"


def test_a_months_quota_is_exact(gateway, tight, redis):
    redis.hset(f"quota:{tight.partner.pk.hex}:live", month(), 98)
    key = tight.key().text
    assert '"month";r=1;' in gateway.get(PATH, key=key).expect(200).headers["ratelimit"]
    gateway.get(PATH, key=key).expect(200)
    answer = gateway.get(PATH, key=key).expect_problem(429, "quota_exceeded")
    now = datetime.now(UTC)
    end = datetime(now.year + now.month // 12, now.month % 12 + 1, 1, tzinfo=UTC)
    assert abs(int(answer.headers["retry-after"]) - (end - now).total_seconds()) < 5


@pytest.mark.usefixtures("_real_time")
def test_the_next_month_begins_anew(gateway, tight, redis):
    redis.hset(f"quota:{tight.partner.pk.hex}:live", month(), 100)
    key = tight.key().text
    wait = int(gateway.get(PATH, key=key).expect_problem(429, "quota_exceeded").headers["retry-after"])
    clock.tick(timedelta(seconds=wait))
    assert '"month";r=99;' in gateway.get(PATH, key=key).expect(200).headers["ratelimit"]


def test_a_tier_that_charges_goes_on_over_its_quota(gateway, tight, tier, redis):
    tier.over_quota = Tier.OverQuota.CHARGE
    tier.save()
    tiers.changed(tier)
    redis.hset(f"quota:{tight.partner.pk.hex}:live", month(), 100)
    assert '"month";r=0;' in gateway.get(PATH, key=tight.key().text).expect(200).headers["ratelimit"]
    assert redis.hget(f"quota:{tight.partner.pk.hex}:live", month()) == b"101"


def test_a_lost_count_is_rebuilt_from_what_usage_has(gateway, tight, redis, monkeypatch):
    from gateway import quotas

    asked = []
    monkeypatch.setattr(quotas.questions, "month_total", lambda *question: asked.append(question) or 42)
    assert '"month";r=57;' in gateway.get(PATH, key=tight.key().text).expect(200).headers["ratelimit"]
    assert asked[0][:2] == (tight.partner.pk, "live")
    gateway.get(PATH, key=tight.key().text).expect(200)
    assert len(asked) == 1


def test_concurrent_calls_share_one_limit_exactly(gateway, tight):
    key = tight.key().text
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: gateway.get(PATH, key=key).status, range(24)))
    assert sorted(set(answers)) == [200, 429]
    assert answers.count(200) == 5


def test_strangers_are_limited_by_address(gateway, redis):
    at = "rate:address:127.0.0.1"
    redis.set(at, int((time.time() + 60) * 1_000_000), px=5_000)
    try:
        for answer in map(gateway.get, (PATH, "/api/partner/v1/health", "/gateway/nothing", "/docs//x", "/api/partner/v1/none")):
            answer.expect_problem(429, "rate_limited")
            assert int(answer.headers["retry-after"]) >= 1
        assert '"address";r=0' in answer.headers["ratelimit"]
    finally:
        redis.delete(at)


def test_a_known_key_is_not_limited_by_its_address(gateway, acme, redis):
    at = "rate:address:127.0.0.1"
    redis.set(at, int((time.time() + 60) * 1_000_000), px=5_000)
    try:
        gateway.get(PATH, key=acme.key().text).expect(200)
    finally:
        redis.delete(at)


def test_a_quota_of_nothing_refuses_without_counting(gateway, tight, tier, redis, monkeypatch):
    from gateway import quotas

    tier.monthly_quota = 0
    tier.save()
    tiers.changed(tier)
    asked = []
    monkeypatch.setattr(quotas, "month_total", lambda *what: asked.append(what) or 0)
    key = tight.key().text
    for _ in range(2):
        answer = gateway.get(PATH, key=key).expect_problem(429, "quota_exceeded")
    assert '"month";r=0;' in answer.headers["ratelimit"]
    assert asked == []
    assert not redis.exists(f"quota:{tight.partner.pk.hex}:live")


def test_a_redis_that_forgot_the_script_is_told_it_again(gateway, tight, redis):
    key = tight.key().text
    gateway.get(PATH, key=key).expect(200)
    redis.script_flush()
    assert '"key";r=3;' in gateway.get(PATH, key=key).expect(200).headers["ratelimit"]

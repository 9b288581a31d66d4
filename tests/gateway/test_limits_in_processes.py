"""Four gateways, each asked on its own port, keep every limit together: nothing over it, and nothing refused before it.

A rate of N a minute lets through N and one more each 60/N seconds. What clients can tell is bracketed by their clock: no more
than that between the first call's beginning and the last one's end, no less between the first one's end and the last refusal.
"""

import math
import re
import time

import pytest

from partners import tiers
from partners.models import Tier
from tests.gateway.load import Load, statuses
from tests.gateway.test_limits import month
from tests.platform import member

pytestmark = pytest.mark.slow

CLIENTS, ROUNDS = 50, 100
KEY_RATE, PARTNER_RATE, QUOTA, ADDRESS_RATE = 300, 500, 700, 600


@pytest.fixture
def limited(doors):
    """A partner whose tier has these limits."""

    def make(**limits):
        lowest = tiers.entry()
        rank = Tier.objects.order_by("-rank")[0].rank + 1
        tier = Tier.objects.create(slug=f"limited-{rank}", name="Limited", rank=rank, currency=lowest.currency, **limits)
        return member(doors[0], "Initech", tier=tier.slug)

    return make


def bracket(answers, limit):
    """The fewest and the most that may be admitted at such a rate a minute."""
    refused = [answer.ended for answer in answers if answer.status == 429]
    admitted = [answer for answer in answers if answer.status == 204]
    first_began, first_ended = min(a.began for a in admitted), min(a.ended for a in admitted)
    last_began = max((answer.began for answer in answers if answer.status == 429), default=first_ended)
    assert refused, "the limit was not reached"
    least = limit + math.floor((last_began - first_ended) * limit / 60) - 1
    most = limit + math.floor((max(a.ended for a in answers) - first_began) * limit / 60)
    return least, most


def test_several_rates_at_once(doors, limited, say):
    """Two keys of one partner: each has a rate, and together they have the partner's."""
    initech = limited(key_rate=KEY_RATE, partner_rate=PARTNER_RATE)
    keys = [initech.key().text, initech.key().text]
    answers = Load([door.port for door in doors], keys, clients=CLIENTS, rounds=ROUNDS).end()
    assert len(answers) == CLIENTS * ROUNDS
    assert {answer.status for answer in answers} == {204, 429}
    admitted = [answer for answer in answers if answer.status == 204]
    least, most = bracket(answers, PARTNER_RATE)
    seconds = max(a.ended for a in answers) - min(a.began for a in answers)
    say(f"several rates: {statuses(answers)} in {seconds:.1f} s; the partner's {PARTNER_RATE} a minute allow {least} to {most}")
    assert least <= len(admitted) <= most
    for key in keys:
        of_key = [answer for answer in answers if answer.key == key]
        assert sum(answer.status == 204 for answer in of_key) <= bracket(of_key, KEY_RATE)[1]


def test_headers_say_exactly_what_is_left_and_when_to_come_again(doors, limited):
    """Called one after the other, the numbers count down; who waits as long as it says is let in, a second earlier it isn't."""
    initech = limited(key_rate=20, partner_rate=30, monthly_quota=100)
    key = initech.key().text
    for number in range(1, 21):
        began = time.time()
        answer = doors[number % 4].get("/gateway/authorize", key=key).expect(204)
        key_left, partner_left, month_left = map(int, re.findall(r";r=(\d+)", answer.headers["ratelimit"]))
        resets = int(re.findall(r";t=(\d+)", answer.headers["ratelimit"])[0])
        if number == 1:
            first = began
        back = int((time.time() - first) / 3) + 1  # as many at most have come back by now, one each three seconds
        assert 20 - number <= key_left <= 20 - number + back
        assert 30 - number <= partner_left <= 30 - number + 2 * back
        assert month_left == 100 - number
        assert int(answer.headers["x-ratelimit-remaining"]) == key_left
        assert abs(int(answer.headers["x-ratelimit-reset"]) - time.time() - resets) <= 1.5
    while (answer := doors[0].get("/gateway/authorize", key=key)).status == 204:
        pass
    wait = int(answer.headers["retry-after"])
    assert 1 <= wait <= 3
    time.sleep(wait)
    doors[1].get("/gateway/authorize", key=key).expect(204)
    doors[2].get("/gateway/authorize", key=key).expect_problem(429, "rate_limited")


def test_a_months_quota(doors, limited, redis, say):
    initech = limited(key_rate=100_000, partner_rate=100_000, monthly_quota=QUOTA)
    answers = Load([door.port for door in doors], [initech.key().text], clients=CLIENTS, rounds=ROUNDS).end()
    say(f"quota of {QUOTA}: {statuses(answers)}")
    assert sum(answer.status == 204 for answer in answers) == QUOTA
    assert {answer.code for answer in answers if answer.status == 429} == {"quota_exceeded"}
    assert int(redis.hget(f"quota:{initech.partner.pk.hex}:live", month())) == QUOTA


def test_an_address(doors, redis, say):
    """Strangers, whom nothing but their address tells apart."""
    redis.delete("rate:address:127.0.0.1")
    answers = Load([door.port for door in doors], [""], clients=CLIENTS, rounds=ROUNDS // 4).end()
    redis.delete("rate:address:127.0.0.1")
    heard = sum(answer.status == 401 for answer in answers)
    seconds = max(a.ended for a in answers) - min(a.began for a in answers)
    most = ADDRESS_RATE + math.floor(seconds * ADDRESS_RATE / 60)
    say(f"strangers: {statuses(answers)} in {seconds:.1f} s; {ADDRESS_RATE} to {most} may be heard")
    assert ADDRESS_RATE <= heard <= most

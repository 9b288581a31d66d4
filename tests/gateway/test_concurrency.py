"""Calls at once: so many of a partner's are carried together, in all processes, and a place is free when its call has ended."""

import contextlib
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from core.actors import SYSTEM
from partners import partners, tiers
from partners.models import Tier
from tests.gateway.processes import GatewayProcess

LIMIT = 2
LEASE = 15


@pytest.fixture
def narrow(acme):
    """A partner with few calls at once."""
    lowest = tiers.entry()
    rank = Tier.objects.order_by("-rank")[0].rank + 1
    tier = Tier.objects.create(
        slug=f"narrow-{rank}", name="Narrow", rank=rank, currency=lowest.currency, monthly_quota=100, calls_at_once=LIMIT
    )
    partners.change_tier(partner=acme.partner, tier=tier, by=SYSTEM)
    return acme


@pytest.fixture
def path(narrow, consumer, served):
    """What the partner calls: an integration that waits."""
    return f"{served.path}/x"


@pytest.fixture
def under_way(gateway, path, consumer, upstream, eventually):
    """As many calls as there may be, which end when the block does; yields their answers as futures."""

    @contextlib.contextmanager
    def calls(count=LIMIT, door=gateway):
        upstream.gate.clear()
        before = len(upstream.seen)
        with ThreadPoolExecutor(count) as pool:
            try:
                found = [pool.submit(door.get, path, key=consumer.text) for _ in range(count)]
                eventually(lambda: len(upstream.seen) == before + count, 20)
                yield found
            finally:
                upstream.gate.set()

    return calls


def places(redis, member):
    return redis.zcard(f"places:{member.partner.pk.hex}:live")


def test_one_more_is_refused_until_one_has_ended(gateway, path, consumer, under_way, narrow, redis):
    with under_way() as found:
        refused = gateway.get(path, key=consumer.text).expect_problem(429, "concurrency_limited")
        assert refused.headers["retry-after"] == "1"
        assert f"{LIMIT} calls" in refused["detail"]
    assert [call.result().status for call in found] == [200] * LIMIT
    gateway.get(path, key=consumer.text).expect(200)
    assert places(redis, narrow) == 0


def test_a_refused_call_takes_nothing(gateway, path, consumer, under_way, narrow, redis):
    whose = f"{narrow.partner.pk.hex}:live"

    def taken():
        return redis.mget(f"rate:key:{consumer.key.pk.hex}", f"rate:partner:{whose}"), redis.hgetall(f"quota:{whose}")

    with under_way():
        before = taken()
        for _ in range(3):
            answer = gateway.get(path, key=consumer.text).expect_problem(429, "concurrency_limited")
        assert taken() == before
    assert f'"month";r={100 - LIMIT};' in answer.headers["ratelimit"]


def test_only_carried_calls_of_this_partner_and_environment_need_a_place(gateway, under_way, narrow, consumer, globex):
    with under_way():
        gateway.get("/gateway/authorize", key=consumer.text).expect(204)
        gateway.get("/api/partner/keys", key=narrow.key(environment="test").text).expect(200)
        gateway.get("/api/partner/keys", key=globex.key().text).expect(200)
        gateway.get("/api/partner/keys", key=narrow.key().text).expect_problem(429, "concurrency_limited")


def test_the_limits_say_how_many_are_under_way(gateway, under_way, narrow):
    with under_way(1):
        said = gateway.get("/api/partner/usage/limits", key=narrow.key().text).expect(200)["concurrency"]
    assert said == {"limit": LIMIT, "used": 2, "remaining": 0}  # the question is a call too


def test_a_client_that_leaves_gives_its_place_back(gateway, path, consumer, upstream, narrow, redis, eventually):
    upstream.gate.clear()
    with socket.create_connection(("127.0.0.1", gateway.port)) as client:
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nX-API-Key: {consumer.text}\r\n\r\n".encode())
        assert upstream.arrived.wait(10)
        assert places(redis, narrow) == 1
    eventually(lambda: places(redis, narrow) == 0)


def test_a_call_that_fails_gives_its_place_back(gateway, path, consumer, upstream, narrow, redis):
    upstream.breaks = True
    gateway.get(path, key=consumer.text).expect(502)
    assert places(redis, narrow) == 0


@pytest.mark.slow
def test_processes_share_the_places_exactly(path, consumer, upstream, eventually):
    upstream.gate.clear()
    codes = []
    with GatewayProcess() as one, GatewayProcess() as other, ThreadPoolExecutor(12) as pool:
        refused = threading.Semaphore(0)

        def call(number):
            answer = (one, other)[number % 2].get(path, key=consumer.text)
            codes.append(answer.status)
            refused.release()

        for number in range(12):
            pool.submit(call, number)
        for _ in range(12 - LIMIT):
            assert refused.acquire(timeout=20)
        assert len(upstream.seen) == LIMIT
        upstream.gate.set()
    assert sorted(codes) == [200] * LIMIT + [429] * (12 - LIMIT)


def test_what_redis_forgot_is_there_again_with_the_next_renewal(gateway, path, consumer, under_way, narrow, redis, eventually):
    with under_way():
        redis.delete(f"places:{narrow.partner.pk.hex}:live")
        eventually(lambda: places(redis, narrow) == LIMIT)
        gateway.get(path, key=consumer.text).expect_problem(429, "concurrency_limited")


@pytest.mark.slow
def test_a_killed_process_leaves_its_places_for_a_lease(gateway, path, consumer, under_way, narrow, redis):
    name = f"places:{narrow.partner.pk.hex}:live"
    with GatewayProcess() as doomed, contextlib.suppress(OSError), under_way(door=doomed):
        doomed.kill()
        gateway.get(path, key=consumer.text).expect_problem(429, "concurrency_limited")
    seconds, microseconds = redis.time()
    left = [end / 1e6 - seconds - microseconds / 1e6 for _, end in redis.zrange(name, 0, -1, withscores=True)]
    assert len(left) == LIMIT
    assert all(end <= LEASE for end in left)
    redis.zadd(name, {place: 1 for place, _ in redis.zrange(name, 0, -1, withscores=True)})  # it is over
    gateway.get(path, key=consumer.text).expect(200)

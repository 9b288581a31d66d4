"""The gateway while an engine is away: it goes on, says so, and heals."""

import re
import time

import pytest

from apikeys import keys
from core.actors import SYSTEM
from tests.gateway.processes import GatewayProcess, postgres_cable, redis_cable
from tests.gateway.test_metering import records

pytestmark = pytest.mark.slow

AUTHORIZE = "/gateway/authorize"


@pytest.fixture(scope="module")
def without_redis(platform):
    """A gateway whose Redis can be cut off."""
    cable, url = redis_cable()
    with GatewayProcess(REDIS_URL=url) as running:
        yield running, cable
    cable.remove()


@pytest.fixture(scope="module")
def without_postgres(platform):
    """A gateway whose PostgreSQL can be cut off."""
    cable, url = postgres_cable()
    with GatewayProcess(DATABASE_URL=url) as running:
        yield running, cable
    cable.remove()


@pytest.fixture
def redis_away(without_redis):
    running, cable = without_redis
    cable.cut()
    yield running
    cable.mend()
    _wait(lambda: not _is_away(running, "redis"))


def _is_away(running, engine: str) -> bool:
    text = running.get("/gateway/metrics").body.decode()
    return re.search(rf'portico_gateway_engine_away{{engine="{engine}",process="\w+"}} 1.0', text) is not None


def _wait(holds, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.02)


class TestRedis:
    def test_calls_go_on_and_the_metric_says_so(self, redis_away, acme):
        redis_away.get(AUTHORIZE, key=acme.key().text).expect(204)
        assert _is_away(redis_away, "redis")
        text = redis_away.get("/gateway/metrics").body.decode()
        assert re.search(r'portico_gateway_degraded_calls_total{engine="redis",process="[0-9a-f]{8}"}', text)

    def test_rates_are_kept_by_this_process(self, redis_away, acme):
        key = acme.key(rate_limit_per_minute=3).text
        for _ in range(3):
            redis_away.get(AUTHORIZE, key=key).expect(204)
        assert int(redis_away.get(AUTHORIZE, key=key).expect_problem(429, "rate_limited").headers["retry-after"]) >= 1

    def test_a_revocation_holds_within_a_second(self, redis_away, acme):
        made = acme.key()
        redis_away.get(AUTHORIZE, key=made.text).expect(204)
        keys.revoke(key=made.key, by=SYSTEM)
        time.sleep(1.1)
        redis_away.get(AUTHORIZE, key=made.text).expect_problem(401, "key_revoked")

    def test_a_key_that_was_never_seen_is_found(self, redis_away, acme):
        redis_away.get(AUTHORIZE, key=acme.key(scopes=["keys:read"]).text).expect(204)

    def test_records_wait_in_a_file_and_are_sent_later(self, without_redis, acme, redis):
        running, cable = without_redis
        cable.cut()
        running.get(AUTHORIZE, key=acme.key().text).expect(204)
        _wait(lambda: list((running.home / "spool").glob("*.calls")))
        cable.mend()
        _wait(lambda: records(redis, acme.partner))
        [(_, record)] = records(redis, acme.partner)
        assert record.metered
        _wait(lambda: not list((running.home / "spool").iterdir()))

    def test_a_flushed_redis_heals(self, gateway, acme, redis):
        key = acme.key()
        gateway.get("/api/partner/keys", key=key.text).expect(200)
        keys.revoke(key=key.key, by=SYSTEM)
        redis.flushdb()
        gateway.get("/api/partner/keys", key=key.text).expect_problem(401, "key_revoked")


class TestPostgres:
    def test_known_keys_go_on_and_others_are_told_to_wait(self, without_postgres, acme):
        running, cable = without_postgres
        key, other = acme.key().text, acme.key().text
        running.get(AUTHORIZE, key=key).expect(204)
        cable.cut()
        try:
            running.get(AUTHORIZE, key=key).expect(204)
            answer = running.get(AUTHORIZE, key=other).expect_problem(503, "temporarily_unavailable")
            assert int(answer.headers["retry-after"]) >= 1
            _wait(lambda: _is_away(running, "postgres"))
        finally:
            cable.mend()
        _wait(lambda: running.get(AUTHORIZE, key=other).status == 204)

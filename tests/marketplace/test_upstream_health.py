"""How an integration's upstream does: what its owner sees, and is told."""

import time

import pytest

from core import health
from core.models import Event
from marketplace import upstream_health
from marketplace.models import Integration
from tests.marketplace.makers import published


def seen(**facts):
    said = {"state": "closed", "opened_at": 0.0, "succeeded": 0, "failed": 0, "last_success": 0.0, "last_failure": 0.0}
    return health.Seen(**{**said, "at": time.time(), "latency": [0] * (len(health.BOUNDS) + 1), "last_error": "", **facts})


@pytest.fixture
def integration(seller):
    return published(seller)


@pytest.fixture
def tell(integration, redis):
    """Says what a gateway process has seen."""

    def write(process="one", **facts):
        redis.hset(health.KEY.format(integration.pk.hex), process, health.packed(seen(**facts)))
        redis.sadd(health.OPEN, integration.pk.hex)

    yield write
    redis.delete(health.KEY.format(integration.pk.hex), health.OPEN)


def told():
    return list(Event.objects.filter(type__startswith="integration.upstream").order_by("id").values_list("type", flat=True))


def test_several_processes_are_added_up():
    latency = [0, 8, 1, 1] + [0] * (len(health.BOUNDS) - 3)
    one = seen(succeeded=10, latency=latency, last_success=100.0, last_failure=50.0, last_error="old")
    two = seen(state="open", opened_at=90.0, failed=5, last_failure=120.0, last_error="new")
    gone = seen(at=time.time() - 60, state="open", opened_at=10.0, succeeded=1)
    found = health.combined([one, two, gone])
    assert (found.state, found.calls, found.failures, found.last_error) == ("open", 16, 5, "new")
    assert (found.p95_ms, found.last_success_at.timestamp(), found.open_since.timestamp()) == (50, 100.0, 90.0)
    assert health.combined([]) == health.UNKNOWN


def test_its_partner_is_told_once_and_again_when_it_works(integration, tell):
    now = time.time()
    tell(state="open", opened_at=now - 30, last_failure=now)
    upstream_health.step()
    assert told() == []
    tell(state="open", opened_at=now - 90, last_failure=now, last_error="It did not answer in time.")
    assert upstream_health.step() == 1
    assert upstream_health.step() == 0
    assert told() == ["integration.upstream_down"]
    tell(state="half_open", opened_at=now - 90, last_failure=now)
    assert upstream_health.step() == 0
    tell(last_success=now)
    assert upstream_health.step() == 1
    assert told() == ["integration.upstream_down", "integration.upstream_restored"]
    assert Integration.objects.get(pk=integration.pk).down_since is None


def test_a_restarted_gateway_alone_is_no_recovery(integration, tell):
    tell(state="open", opened_at=time.time() - 90)
    upstream_health.step()
    tell()
    assert upstream_health.step() == 0
    assert told() == ["integration.upstream_down"]

"""A request that isn't finished when it is due is announced, once; and metrics show how it goes."""

from datetime import timedelta

import pytest
from prometheus_client import REGISTRY

from products.requests import worker
from products.requests.models import RequestType

pytestmark = pytest.mark.django_db


def metric(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(f"portico_requests_{name}", labels)


def test_breach_is_announced_once(acme, tick, emitted) -> None:
    RequestType.objects.create(name="URGENT", sla=timedelta(minutes=10))
    mine = acme.post("/requests", {"type": "URGENT"})["requestId"]
    worker.watch()
    assert acme.get(f"/requests/{mine}")["breachedAt"] is None
    tick(minutes=11)
    assert worker.watch() == 1
    assert worker.watch() == 0
    assert acme.get(f"/requests/{mine}")["breachedAt"] is not None
    assert emitted() == ["request.submitted", "request.sla_breached"]


def test_finished_in_time_is_no_breach(acme, handling, tick) -> None:
    handling("QUICK", lambda work: None)
    RequestType.objects.create(name="QUICK", sla=timedelta(minutes=10))
    acme.post("/requests", {"type": "QUICK"})
    worker.work_one()
    tick(minutes=11)
    assert worker.watch() == 0


def test_metrics_count_what_is_open_and_what_ended(acme, handling, tick) -> None:
    handling("QUICK", lambda work: None)
    RequestType.objects.create(name="SLOW", sla=timedelta(seconds=1))
    acme.post("/requests", {"type": "QUICK"})
    acme.post("/requests", {"type": "SLOW"})
    tick(seconds=4)
    worker.work_one()
    worker.watch()
    assert metric("open", type="SLOW", status="SUBMITTED") == 1
    assert metric("overdue", type="SLOW") == 1
    assert metric("oldest_seconds", type="SLOW") >= 4
    assert metric("sla_breaches_total", type="SLOW") == 1
    assert metric("finished_total", type="QUICK", status="COMPLETED") == 1
    assert metric("duration_seconds_total", type="QUICK", status="COMPLETED") >= 4

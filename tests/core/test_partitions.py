"""Rows find their partition by their id, a late partition takes its rows along, an old one goes whole."""

import time
from datetime import timedelta

import pytest
from django.db import connection, transaction

from core import clock, ids, partitions
from core.models import Payload

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _true_time():
    yield
    clock.reset()


def home_of(payload: Payload) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text FROM core_payload WHERE id = %s", [payload.pk])
        return str(cursor.fetchone()[0])


def at(moment) -> Payload:
    return Payload.objects.create(pk=ids.earliest(moment), data={})


def test_migrated_database_has_partitions() -> None:
    """A fresh installation's first rows lie in a partition."""
    assert home_of(at(clock.now())) == f"core_payload_p{clock.now():%Y%m}01"


def test_row_goes_to_its_month() -> None:
    clock.tick(timedelta(days=3650))
    row = at(clock.now())
    assert home_of(row) == "core_payload_default"
    made = partitions.ensure("core_payload", span="month", ahead=1)
    assert len(made) == 2
    assert home_of(row) == made[0]
    assert home_of(at(clock.now() + timedelta(days=31))) == made[1]
    assert Payload.objects.get(pk=row.pk).data == {}
    assert partitions.ensure("core_payload", span="month", ahead=1) == []


@pytest.mark.django_db(transaction=True)
def test_table_that_is_read_for_long_is_left_to_the_next_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partitions, "PATIENCE", "100ms")
    monkeypatch.setattr(partitions, "PLANS", {"core_payload": partitions.Plan("month", 0, timedelta(days=30))})
    clock.tick(timedelta(days=36_500))
    reader = connection.copy()
    with transaction.atomic(), reader.cursor() as cursor:
        cursor.execute("BEGIN; SELECT count(*) FROM core_payload")
    began = time.monotonic()
    try:
        partitions.maintain()
        took = time.monotonic() - began
    finally:
        reader.close()
    assert took < 5
    assert not partitions._exists(f"core_payload_p{clock.now():%Y%m}01")
    assert partitions.ensure("core_payload", span="month", ahead=0) == [f"core_payload_p{clock.now():%Y%m}01"]
    with connection.cursor() as cursor:
        cursor.execute(f'DROP TABLE "core_payload_p{clock.now():%Y%m}01"')


def test_days() -> None:
    clock.tick(timedelta(days=3650))
    made = partitions.ensure("core_payload", span="day", ahead=2)
    assert made == [f"core_payload_p{clock.now() + timedelta(days=ahead):%Y%m%d}" for ahead in range(3)]


def test_old_partition_is_dropped_when_all_of_it_is_old() -> None:
    clock.tick(timedelta(days=3650))
    (first, second) = partitions.ensure("core_payload", span="month", ahead=1)
    kept = at(clock.now() + timedelta(days=31))
    limit = clock.now().replace(day=1) + timedelta(days=32)
    dropped = partitions.drop_before("core_payload", instant=limit, span="month")
    assert first in dropped
    assert second not in dropped
    assert home_of(kept) == second


def test_maintain_knows_every_registered_table() -> None:
    assert {"core_payload", "webhooks_attempt"} <= partitions.PLANS.keys()
    partitions.maintain()

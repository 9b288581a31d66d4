"""Rollups are equal to a plain GROUP BY over the distinct calls, however these arrived; and they can be built again."""

import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.usage.conftest import call
from usage import ingest, rollups
from usage.histograms import EDGES
from usage.models import Call, HourRollup, MinuteRollup, Rollup
from usage.periods import Period

PARTNERS = [None, uuid.UUID(int=1), uuid.UUID(int=2)]
START = datetime(2026, 3, 1, 10, 58, tzinfo=UTC)

CALLS = st.builds(
    lambda partner, seconds, status, latency, operation, metered: call(
        partner=partner,
        at=START + timedelta(seconds=seconds),
        status=status,
        latency_us=latency,
        operation=operation,
        metered=metered,
        bytes_in=latency % 7,
    ),
    st.sampled_from(PARTNERS),
    st.integers(0, 240),
    st.sampled_from([200, 404, 500]),
    st.one_of(st.integers(0, 100), st.integers(0, 10_000_000), st.sampled_from(EDGES), st.just(2**31 - 1)),
    st.sampled_from(["GET /a", "POST /b", ""]),
    st.booleans(),
)
# Which calls come in which batch, with repetitions and in any order.
HISTORIES = st.lists(CALLS, min_size=1, max_size=12).flatmap(
    lambda calls: st.lists(st.lists(st.sampled_from(calls), min_size=1, max_size=8), min_size=1, max_size=6)
)


def bucket(latency: int) -> int:
    """The bucket by the table of edges, not by a logarithm."""
    import bisect

    return bisect.bisect_right(EDGES, latency) if latency >= EDGES[0] else 0


def counted(rows: list[Rollup]) -> dict[tuple, tuple]:
    return {
        (row.at, row.partner_id, row.operation, row.status): (
            row.requests,
            row.metered,
            row.bytes_in,
            dict(zip(row.latency_buckets, row.latency_counts, strict=True)),
        )
        for row in rows
    }


def grouped(seconds: int) -> dict[tuple, tuple]:
    """The same by plain Python over the distinct calls."""
    groups: dict[tuple, list[Call]] = {}
    for row in Call.objects.all():
        at = datetime.fromtimestamp(int(row.at.timestamp()) // seconds * seconds, tz=UTC)
        groups.setdefault((at, row.partner_id, row.operation, row.status), []).append(row)
    return {
        facts: (
            len(rows),
            sum(row.metered for row in rows),
            sum(row.bytes_in for row in rows),
            dict(Counter(min(bucket(row.latency_us), 400) for row in rows)),
        )
        for facts, rows in groups.items()
    }


@pytest.mark.django_db
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(history=HISTORIES)
def test_any_history_adds_up(history):
    with transaction.atomic():
        for batch in history:
            ingest.write(("e", told) for told in batch)
        assert Call.objects.count() == len({told.call for batch in history for told in batch})
        assert counted(list(HourRollup.objects.all())) == grouped(3600)
        assert counted(list(MinuteRollup.objects.all())) == grouped(60)
        transaction.set_rollback(True)


@pytest.mark.django_db
def test_rollups_are_built_again_from_the_calls():
    ingest.write(("e", call(partner=PARTNERS[1], at=START + timedelta(minutes=n), latency_us=n * 900)) for n in range(90))
    before = counted(list(HourRollup.objects.all()))
    HourRollup.objects.filter(at__gte=START).update(requests=7, latency_counts=[1])
    rollups.rebuild(Period(START - timedelta(hours=1), START + timedelta(hours=3)))
    assert counted(list(HourRollup.objects.all())) == before

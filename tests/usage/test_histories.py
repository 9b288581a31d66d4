"""Whatever happens between the gateway and the tables, rollups are equal to a plain GROUP BY over the distinct calls.

Calls come in batches of any order and age, some of them more than once; the ingester crashes at any of its points and starts
anew; the stream is emptied by a Redis that lost its memory, and somebody writes rubbish into it; rollups are built again.
"""

import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import faults
from tests.usage.conftest import call
from usage import histograms, ingest, rollups
from usage.models import Call, HourRollup, MinuteRollup, Position, Rollup, Tally
from usage.periods import Period
from usage.records import STREAM, CallRecord, entry

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

HISTORIES = 500
POINTS = ["ingest.copied", "ingest.hours", "ingest.minutes", "ingest.positioned", "ingest.committed"]
EPOCHS = ["a" * 32, "b" * 32]
START = datetime(2026, 3, 31, 22, 30, tzinfo=UTC)
"""Before the end of an hour, a day, a month and a quarter."""

CALLS = st.builds(
    call,
    at=st.integers(0, 3 * 3600).map(lambda seconds: START + timedelta(seconds=seconds)),
    partner=st.sampled_from([None, uuid.UUID(int=1), uuid.UUID(int=2)]),
    credential=st.sampled_from([None, uuid.UUID(int=3), uuid.UUID(int=4)]),
    environment=st.sampled_from(["live", "test"]),
    target=st.sampled_from(["", "0" * 31 + "5"]),
    operation=st.sampled_from(["GET /a", "POST /b", ""]),
    status=st.sampled_from([200, 404, 500]),
    code=st.sampled_from(["", "not_found"]),
    latency_us=st.one_of(st.integers(0, 100), st.integers(0, 10_000_000), st.just(2**31 - 1)),
    bytes_in=st.integers(0, 2**40),
    bytes_out=st.integers(0, 2**40),
    metered=st.booleans(),
)


def deeds(calls: list[CallRecord]) -> st.SearchStrategy[list[tuple[str, Any]]]:
    """What happens to these calls, in turn."""
    batch = st.lists(st.sampled_from(calls), min_size=1, max_size=8)
    deed = st.one_of(
        st.tuples(st.just("send"), st.tuples(st.sampled_from(EPOCHS), batch)),
        st.tuples(st.just("crash"), st.sampled_from(POINTS)),
        st.tuples(st.sampled_from(["step", "rubbish", "emptied", "rebuild"]), st.none()),
    )
    return st.lists(deed, min_size=3, max_size=14)


class Crash(Exception):
    """The process is gone."""


class World:
    """The stream and the ingester, and what they were told."""

    def __init__(self, redis: Any) -> None:
        self.redis = redis
        self.began, self.entries = 1_000, 0
        self.arrived: dict[bytes, tuple[str, CallRecord]] = {}

    def happen(self, deed: str, about: Any) -> None:
        getattr(self, deed)(about)

    def send(self, told: tuple[str, list[CallRecord]]) -> None:
        epoch, batch = told
        self.redis.xadd(STREAM, entry(epoch, batch), id=self.number())
        for record in batch:
            self.arrived.setdefault(record.call, (epoch, record))

    def step(self, _: None = None) -> None:
        ingest.step()

    def crash(self, where: str) -> None:
        faults.arm(where, _crash)
        try:
            ingest.step()
        except Crash:
            pass
        finally:
            faults.arm(where, lambda: None)
            faults.point(where)  # where nothing was to be done, nothing is left armed

    def rubbish(self, _: None) -> None:
        self.redis.xadd(STREAM, {"v": 1, "e": EPOCHS[0], "b": b"\xc1 not MessagePack"}, id=self.number())

    def emptied(self, _: None) -> None:
        """Redis lost what it held, but all of it had been read; its clock is behind, and it numbers entries anew."""
        while ingest.step():
            pass
        self.redis.delete(STREAM)
        self.began, self.entries = max(1, self.began - 100), 0

    def number(self) -> str:
        """Of the next entry."""
        self.entries += 1
        return f"{self.began}-{self.entries}"

    def rebuild(self, _: None) -> None:
        for span in ("hour", "minute"):
            rollups.rebuild(Period(START - timedelta(hours=1), START + timedelta(hours=5)), span)


def _crash() -> NoReturn:
    raise Crash


def grouped(calls: Iterable[CallRecord], span: timedelta) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    """The plain GROUP BY, over what was sent."""
    groups: dict[tuple[Any, ...], list[CallRecord]] = defaultdict(list)
    for each in calls:
        seconds = each.at // 1_000_000
        at = datetime.fromtimestamp(seconds - seconds % int(span.total_seconds()), UTC)
        facts = (each.environment, each.operation, each.status, each.code)
        groups[at, each.partner, each.credential, each.target, *facts].append(each)
    return {
        facts: (
            len(rows),
            sum(row.metered for row in rows),
            sum(row.bytes_in for row in rows),
            sum(row.bytes_out for row in rows),
            Counter(_bucket(row.latency_us) for row in rows),
        )
        for facts, rows in groups.items()
    }


def _bucket(latency_us: int) -> int:
    """By the table of edges, not by the logarithm that SQL takes."""
    return min(sum(edge <= latency_us for edge in histograms.EDGES), 400)


def rolled_up(model: type[Rollup]) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    found = {
        (
            row.at,
            row.partner_id.bytes if row.partner_id else None,
            row.credential_id.bytes if row.credential_id else None,
            row.integration_id.hex if row.integration_id else "",
            *(row.environment, row.operation, row.status, row.code),
        ): (
            row.requests,
            row.metered,
            row.bytes_in,
            row.bytes_out,
            Counter(dict(zip(row.latency_buckets, row.latency_counts, strict=True))),
        )
        for row in model.objects.all()
    }
    assert len(found) == model.objects.count(), "two rows of the same facts"
    return found


@settings(
    max_examples=HISTORIES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(history=st.lists(CALLS, min_size=1, max_size=12).flatmap(deeds))
def test_any_history_is_equal_to_group_by(redis: Any, history: list[tuple[str, Any]]) -> None:
    world = World(redis)
    redis.delete(STREAM)
    with transaction.atomic():
        for deed, about in history:
            world.happen(deed, about)
        while ingest.step():
            pass
        distinct = [record for _, record in world.arrived.values()]
        assert set(Call.objects.values_list("pk", flat=True)) == {uuid.UUID(bytes=each.call) for each in distinct}
        assert rolled_up(HourRollup) == grouped(distinct, timedelta(hours=1))
        assert rolled_up(MinuteRollup) == grouped(distinct, timedelta(minutes=1))
        recorded = Counter(
            (epoch, uuid.UUID(bytes=each.partner), each.environment)
            for epoch, each in world.arrived.values()
            if each.metered and each.partner
        )
        assert Counter({(t.epoch, t.partner_id, t.environment): t.recorded for t in Tally.objects.all()}) == recorded
        assert redis.xlen(STREAM) == 0
        assert Position.objects.count() <= 1
        transaction.set_rollback(True)

"""Pace: an endpoint with a limit of its own gets no more deliveries a second than it asked for, from all workers together.

GCRA: `next_at` is when the next post would go out at an even pace, and one may go out ahead of it by a tolerance; so in any time
t there are at most rate * t + burst posts. What is due beyond that gets a time of its own at the end of the endpoint's queue,
once, and all of it at once: a backlog is out of the claim's sight until its time comes. Where there is a queue, what is new
joins it, and the times belong to those who have waited.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import connection

from core import clock
from webhooks import lanes
from webhooks.models import Pace

if TYPE_CHECKING:
    from webhooks.claims import Claimed

# Ahead of its even pace by so much: the courier may look only so often.
TOLERANCE = timedelta(seconds=0.5)
# How many of a backlog get their time in one claim.
QUEUED = 5_000

QUEUE = """
WITH late AS (
    SELECT id, due_at FROM webhooks_delivery WHERE id = ANY(%(claimed)s::uuid[])
), more AS (
    SELECT id, due_at FROM webhooks_delivery
    WHERE endpoint_id = %(endpoint)s AND status = 'pending' AND due_at <= %(now)s AND (%(all)s OR NOT waits)
    ORDER BY due_at, id LIMIT %(most)s FOR NO KEY UPDATE SKIP LOCKED
), queued AS (
    SELECT id, row_number() OVER (ORDER BY part, due_at, id) - 1 AS place
    FROM (SELECT 0 AS part, * FROM late UNION ALL SELECT 1, * FROM more) AS lined
)
UPDATE webhooks_delivery d SET waits = true, due_at = %(begin)s::timestamptz + queued.place * %(interval)s::interval
FROM queued WHERE d.id = queued.id
"""


@dataclass
class _Turn:
    """What one claim does to one endpoint."""

    row: Pace
    interval: timedelta
    late: list["Claimed"] = field(default_factory=list)

    def admit(self, claimed: "Claimed", now: datetime) -> bool:
        """Whether it may go out now; who has not waited stands behind those who have. A probe always may: nothing else goes."""
        in_time = self.row.next_at - max(TOLERANCE, self.interval) <= now
        queueing = self.row.queue_ends_at > now and not claimed.waited
        if claimed.probe or (in_time and not queueing):
            self.row.next_at = max(self.row.next_at, now) + self.interval
            return True
        self.late.append(claimed)
        return False

    def queue(self, now: datetime) -> None:
        """Give those that are late, and what else is due, a time each."""
        begin = max(self.row.queue_ends_at, self.row.next_at, now)
        facts = {
            "claimed": [claimed.id for claimed in self.late],
            "endpoint": self.row.pk,
            "all": any(claimed.waited for claimed in self.late),
            "now": now,
            "most": QUEUED,
            "begin": begin,
            "interval": self.interval,
        }
        with connection.cursor() as cursor:
            cursor.execute(QUEUE, facts)
            self.row.queue_ends_at = begin + cursor.rowcount * self.interval


def within(claimed: Sequence["Claimed"]) -> list["Claimed"]:
    """Those that their endpoint's limit lets out now; the others get a time. For the claim, in its transaction."""
    rates = {each.endpoint_id: each.rate for each in claimed if each.rate}
    if not rates:
        return list(claimed)
    now = clock.now()
    rows = _locked(rates, now)
    turns = {pk: _Turn(rows[pk], timedelta(seconds=1) / rate) for pk, rate in rates.items()}
    limited = sorted((each for each in claimed if each.rate), key=lambda each: (not each.waited, each.id))
    admitted = {each.id for each in limited if turns[each.endpoint_id].admit(each, now)}
    for turn in turns.values():
        if turn.late:
            turn.queue(now)
    Pace.objects.bulk_update([turn.row for turn in turns.values()], ["next_at", "queue_ends_at"])
    return [each for each in claimed if not each.rate or each.id in admitted]


def begin_anew(endpoint: UUID) -> None:
    """Let what waits be looked at again, at the limit that the endpoint has now."""
    lanes.call_all(endpoint)
    forget_queue(endpoint)


def forget_queue(endpoint: UUID) -> None:
    """Its queue is gone: those that stood in it are due, held, or cancelled."""
    Pace.objects.filter(endpoint=endpoint).update(queue_ends_at=clock.now())


def _locked(endpoints: Collection[UUID], now: datetime) -> dict[UUID, Pace]:
    rows = _found(endpoints)
    missing = set(endpoints) - set(rows)
    if missing:
        new = (Pace(endpoint_id=pk, next_at=now, queue_ends_at=now) for pk in sorted(missing))
        Pace.objects.bulk_create(new, ignore_conflicts=True)
        rows = _found(endpoints)
    return rows


def _found(endpoints: Iterable[UUID]) -> dict[UUID, Pace]:
    found = Pace.objects.filter(endpoint__in=endpoints).order_by("endpoint").select_for_update(no_key=True)
    return {row.pk: row for row in found}

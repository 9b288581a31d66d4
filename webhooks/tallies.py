"""What endpoints' attempts come to by the hour: written with the attempts, so that no page counts rows."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import Max, Sum
from django.utils.translation import gettext as _

from core import clock
from core.charts import Chart, Series
from webhooks.models import Endpoint, Tally

if TYPE_CHECKING:
    from webhooks.claims import Outcome

# In one order, so that workers that write at once wait for each other in a row and not in a ring.
ADD = """
INSERT INTO webhooks_tally AS t (endpoint_id, hour, attempts, failed, duration_ms, slowest_ms)
SELECT v.endpoint, %s, v.attempts, v.failed, v.duration_ms, v.slowest_ms
FROM unnest(%s::uuid[], %s::int[], %s::int[], %s::bigint[], %s::int[]) AS v(endpoint, attempts, failed, duration_ms, slowest_ms)
ORDER BY v.endpoint
ON CONFLICT (endpoint_id, hour) DO UPDATE SET attempts = t.attempts + excluded.attempts, failed = t.failed + excluded.failed,
    duration_ms = t.duration_ms + excluded.duration_ms, slowest_ms = greatest(t.slowest_ms, excluded.slowest_ms)
"""
STEP = timedelta(hours=6)
"""Of the chart."""


def add(outcomes: Sequence["Outcome"], now: datetime) -> None:
    """Count attempts. For the courier's writer, in its transaction."""
    sums: dict[UUID, list[int]] = {}
    for outcome in outcomes:
        took = round(outcome.seconds * 1000)
        so_far = sums.setdefault(outcome.claimed.endpoint_id, [0, 0, 0, 0])
        so_far[0] += 1
        so_far[1] += not outcome.succeeded
        so_far[2] += took
        so_far[3] = max(so_far[3], took)
    with connection.cursor() as cursor:
        columns = [list(column) for column in zip(*sums.values(), strict=True)]
        cursor.execute(ADD, [_hour(now), list(sums), *columns])


def total(endpoint: Endpoint, *, period: timedelta) -> dict[str, Any]:
    """`made`, `failed`, the `mean` and `slowest` milliseconds of the attempts since the hour in which the period began."""
    rows = Tally.objects.filter(endpoint=endpoint, hour__gte=_hour(clock.now() - period))
    sums = rows.aggregate(made=Sum("attempts", default=0), failed=Sum("failed", default=0), ms=Sum("duration_ms"))
    slowest = rows.aggregate(slowest=Max("slowest_ms"))["slowest"]
    mean = round(sums["ms"] / sums["made"]) if sums["made"] else None
    return {"made": sums["made"], "failed": sums["failed"], "mean": mean, "slowest": slowest}


def chart(endpoint: Endpoint, *, period: timedelta = timedelta(days=7)) -> Chart | None:
    """Attempts, and those of them that failed, in steps of six hours; None where there were none."""
    now = clock.now()
    last = _hour(now).replace(hour=now.astimezone(UTC).hour // 6 * 6)
    at = [last - STEP * back for back in reversed(range(period // STEP))]
    made, failed = [0] * len(at), [0] * len(at)
    rows = Tally.objects.filter(endpoint=endpoint, hour__gte=at[0]).values_list("hour", "attempts", "failed")
    for hour, attempts, failures in rows:
        place = min((hour - at[0]) // STEP, len(at) - 1)
        made[place] += attempts
        failed[place] += failures
    if not any(made):
        return None
    return Chart(at, [Series(_("Attempts"), made), Series(_("Failed"), failed, tone="bad")], kind="bars")


def forget_old() -> int:
    """Delete the hours of which the attempts are gone; returns how many rows."""
    return int(Tally.objects.filter(hour__lt=clock.now() - settings.WEBHOOK_ATTEMPTS_KEPT).delete()[0])


def _hour(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)

"""What may be asked of usage. Every number of a partner's pages and of the API is answered here, from rollups."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from django.core.cache import caches
from django.db import connection
from django.db.models import F, Func, Max, Q, SmallIntegerField, Sum
from django.db.models.functions import Trunc
from django.utils.translation import gettext_lazy as _

from core.problems import ValidationError
from usage import histograms
from usage.models import HourRollup, MinuteRollup, RollupQuerySet, Tally
from usage.periods import Period

Interval = Literal["minute", "hour", "day", "month"]
INTERVALS: tuple[Interval, ...] = ("minute", "hour", "day", "month")
MOST_POINTS = 3_000
TOP = 100
AN_HOUR = 3600

_STEPS = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}
_FAILED = Q(status__gte=400)


@dataclass(frozen=True, slots=True)
class Summary:
    """A period in numbers. `errors` are answers of 400 and above; `unknown` calls were admitted by a gateway that died before it
    told about them: not in the other numbers, not billed. Latencies in ms; None without calls."""

    requests: int
    errors: int
    metered: int
    unknown: int
    bytes_in: int
    bytes_out: int
    latency: dict[str, float | None]

    @property
    def error_rate(self) -> float | None:
        return self.errors / self.requests if self.requests else None


@dataclass(frozen=True, slots=True)
class Point:
    """One interval of a timeseries, which begins at `at`."""

    at: datetime
    requests: int = 0
    errors: int = 0
    bytes_in: int = 0
    bytes_out: int = 0


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One operation's calls. `integration_id` is empty for the platform's own API."""

    operation: str
    integration_id: UUID | None
    requests: int
    errors: int
    latency: dict[str, float | None]


@dataclass(frozen=True, slots=True)
class Failure:
    """Refusals and failures of one kind: the answer's status, its problem code (if it was ours), and when it was last seen."""

    status: int
    code: str
    operation: str
    requests: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Latency:
    """How long calls took: percentiles in ms, and calls by bucket as `(from, to, calls)`, in ms."""

    percentiles: dict[str, float | None]
    buckets: Sequence[tuple[float, float, int]]


def month_total(partner: Any, environment: str, month: date) -> int:
    """Metered calls in the calendar month (UTC) of a date or instant: what quota counters are rebuilt from.

    `partner` is a Partner or its UUID. Calls of killed gateways that are known by number only are not in it.
    """
    return asked(partner, environment, Period.month(month)).metered()


def month_by_integration(partner: Any, environment: str, month: date) -> dict[UUID | None, int]:
    """The same calls by the integration that served them; those to the operator's own API under None. Sums to `month_total`."""
    return asked(partner, environment, Period.month(month)).metered_by_integration()


def asked(partner: Any, environment: str, period: Period, *, credential: UUID | None = None) -> RollupQuerySet:
    """The hours of a partner that begin in a period, of one credential if it is given."""
    rows = HourRollup.objects.for_caller(partner, environment).within(period)
    found: RollupQuerySet = rows if credential is None else rows.filter(credential_id=credential)
    return found


def summary(partner: Any, environment: str, period: Period, *, credential: UUID | None = None) -> Summary:
    """The period in numbers."""
    rows = asked(partner, environment, period, credential=credential)
    sums = rows.aggregate(
        calls=Sum("requests"),
        failed=Sum("requests", filter=_FAILED),
        counted=Sum("metered"),
        received=Sum("bytes_in"),
        sent=Sum("bytes_out"),
    )
    lost = Tally.objects.for_caller(partner, environment).within(period).unknown() if credential is None else 0
    return Summary(
        requests=int(sums["calls"] or 0),
        errors=int(sums["failed"] or 0),
        metered=int(sums["counted"] or 0),
        unknown=lost,
        bytes_in=int(sums["received"] or 0),
        bytes_out=int(sums["sent"] or 0),
        latency=histograms.percentiles(_histograms(rows).get((), {})),
    )


def requests_before(partner: Any, environment: str, end: datetime) -> int:
    """Calls before an instant, since the first. What is long past changes no more, so it is counted again once an hour."""
    rows = HourRollup.objects.for_caller(partner, environment).filter(at__lt=end)
    key = f"usage.before:{getattr(partner, 'pk', partner)}:{environment}:{end.isoformat()}"
    found: int = caches["lossy"].get_or_set(key, lambda: int(rows.aggregate(calls=Sum("requests"))["calls"] or 0), AN_HOUR)  # type: ignore[assignment]  # never None
    return found


def timeseries(
    partner: Any, environment: str, period: Period, interval: Interval, *, credential: UUID | None = None
) -> list[Point]:
    """Every interval of the period, those without calls included. Minutes are known for the last two days.

    Raises ValidationError for more than MOST_POINTS of them.
    """
    instants = _instants(period, interval)
    model = MinuteRollup if interval == "minute" else HourRollup
    rows = (
        model.objects.for_caller(partner, environment).within(Period(instants[0], period.end))
        if instants
        else model.objects.none()
    )
    if credential is not None:
        rows = rows.filter(credential_id=credential)
    found = {
        row["start"]: Point(row["start"], int(row["calls"]), int(row["failed"] or 0), int(row["received"]), int(row["sent"]))
        for row in rows.order_by()
        .annotate(start=Trunc("at", interval))
        .values("start")
        .annotate(calls=Sum("requests"), failed=Sum("requests", filter=_FAILED), received=Sum("bytes_in"), sent=Sum("bytes_out"))
    }
    return [found.get(at) or Point(at) for at in instants]


def endpoints(partner: Any, environment: str, period: Period) -> list[Endpoint]:
    """Operations by number of calls, the most called first, at most TOP of them."""
    rows = asked(partner, environment, period)
    latencies = _histograms(rows, "operation", "integration_id")
    counted = (
        rows.order_by()
        .values_list("operation", "integration_id")
        .annotate(calls=Sum("requests"), failed=Sum("requests", filter=_FAILED))
        .order_by("-calls", "operation")[:TOP]
    )
    return [
        Endpoint(
            operation,
            integration,
            int(calls),
            int(failed or 0),
            histograms.percentiles(latencies.get((operation, integration), {})),
        )
        for operation, integration, calls, failed in counted
    ]


def errors(partner: Any, environment: str, period: Period, *, credential: UUID | None = None) -> list[Failure]:
    """Answers of 400 and above by status, code and operation, the most frequent first, at most TOP of them."""
    counted = (
        asked(partner, environment, period, credential=credential)
        .filter(_FAILED)
        .order_by()
        .values_list("status", "code", "operation")
        .annotate(calls=Sum("requests"), last=Max("at"))
        .order_by("-calls", "status", "code")[:TOP]
    )
    return [Failure(status, code, operation, int(calls), last) for status, code, operation, calls, last in counted]


def latency(partner: Any, environment: str, period: Period) -> Latency:
    """The distribution of response times."""
    histogram = _histograms(asked(partner, environment, period)).get((), {})
    return Latency(
        histograms.percentiles(histogram),
        [(*histograms.bounds(bucket), histogram[bucket]) for bucket in sorted(histogram)],
    )


def _histograms(rows: RollupQuerySet, *by: str) -> dict[tuple[Any, ...], dict[int, int]]:
    """The latency histogram of each group of rows, under the group's values."""
    unnested = (
        rows.order_by()
        .annotate(
            bucket=Func(F("latency_buckets"), function="unnest", output_field=SmallIntegerField()),
            counted=Func(F("latency_counts"), function="unnest", output_field=SmallIntegerField()),
        )
        .values_list(*by, "bucket", "counted")
    )
    sql, params = unnested.query.sql_with_params()
    names = ", ".join(str(place + 1) for place in range(len(by) + 1))
    columns = [*(connection.ops.quote_name(name) for name in by), "bucket"]
    merged: dict[tuple[Any, ...], dict[int, int]] = {}
    with connection.cursor() as cursor:
        query = f"SELECT {', '.join(columns)}, sum(counted) FROM ({sql}) AS each GROUP BY {names}"  # noqa: S608  (our own names)
        cursor.execute(query, params)
        for *group, bucket, count in cursor.fetchall():
            merged.setdefault(tuple(group), {})[bucket] = int(count)
    return merged


def _instants(period: Period, interval: Interval) -> list[datetime]:
    start = period.start.replace(second=0, microsecond=0)
    if interval != "minute":
        start = start.replace(minute=0)
    if interval in {"day", "month"}:
        start = start.replace(hour=0)
    if interval == "month":
        start = start.replace(day=1)
    found: list[datetime] = []
    while start < period.end:
        if len(found) == MOST_POINTS:
            message = _("A period of more than {most} intervals. Ask for a shorter one, or a longer interval.")
            raise ValidationError({"interval": [str(message).format(most=MOST_POINTS)]})
        found.append(start)
        start = start + _STEPS[interval] if interval in _STEPS else (start + timedelta(days=32)).replace(day=1)
    return found

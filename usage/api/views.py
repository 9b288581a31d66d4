"""Usage by API: numbers over any period, and the log of calls."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema, extend_schema_view, inline_serializer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import CharField, Serializer

from apikeys.models import Key
from core import listing, problems
from core.api.filters import refuse_unknown
from core.api.pagination import CursorListing
from core.api.views import ApiView, ListMixin, PartnerViewSet, RetrieveMixin
from usage import limits, log, questions
from usage.api import serializers
from usage.filters import CallFilter
from usage.keys import usage_of
from usage.models import Call
from usage.periods import Period

MOMENT = {"type": "string", "anyOf": [{"format": "date-time"}, {"format": "date"}]}
FROM = OpenApiParameter(
    "from", MOMENT, description="Time or date (RFC 3339) at which the period begins, to the hour; default: this month."
)
TO = OpenApiParameter("to", MOMENT, description="Time or date at which it ends, itself excluded; default: the month's end.")
INTERVAL = OpenApiParameter("interval", enum=list(questions.INTERVALS), description="Default: hour.")
READ = {"read": "usage:read"}
KEY_USAGE = {
    "requests": 1204,
    "errors": 3,
    "metered": 1204,
    "unknown": 0,
    "bytes_in": 88_210,
    "bytes_out": 920_344,
    "latency": {"p50": 21.4, "p95": 80.1, "p99": 143.0},
    "meters": {"calls": 1204},
    "key": "key_01jd3x8q4vf2r9kq6m5t7w8y9z",
    "environment": "live",
    "first_used_at": "2026-01-31T12:05:00Z",
    "last_used_at": "2026-02-03T08:00:00Z",
    "last_used_address": "203.0.113.9",
    "last_used_agent": "orders/1.4",
    "days": [{"at": "2026-02-03T00:00:00Z", "requests": 1204, "errors": 3, "bytes_in": 88_210, "bytes_out": 920_344}],
    "failures": [
        {
            "status": 403,
            "code": "insufficient_scope",
            "operation": "POST /api/partner/v1/requests",
            "requests": 3,
            "last_hour": "2026-02-03T08:00:00Z",
        }
    ],
}
LIMITS = {
    "environment": "live",
    "rate": [
        {"name": "key", "limit": 1000, "window_seconds": 60, "remaining": 986},
        {"name": "partner", "limit": 5000, "window_seconds": 60, "remaining": 4986},
    ],
    "quota": {"limit": 10_000, "used": 8_000, "remaining": 2_000, "resets_at": "2026-03-01T00:00:00Z"},
    "concurrency": {"limit": 200, "used": 1, "remaining": 199},
}
# No usage lies outside, and within them no month's end and no other zone's time is out of range.
FIRST_YEAR, LAST_YEAR = 2000, 2999


def rows_of(name: str, serializer: type[Serializer[Any]]) -> Any:
    """The schema of an answer that is one whole list."""
    return inline_serializer(name, {"data": serializer(many=True), "next_cursor": CharField(allow_null=True)})


class UsageView(ApiView):
    """A question about the caller's period."""

    scopes = READ
    known: frozenset[str] = frozenset({"from", "to"})

    def period(self, request: Request) -> Period:
        """The period that is asked for. Raises ValidationError."""
        refuse_unknown(request, self.known)
        usual = Period.this_month()
        start = _instant(request, "from") or usual.start
        end = _instant(request, "to") or (usual.end if usual.end > start else start + timedelta(days=31))
        if end <= start:
            raise problems.ValidationError({"to": [str(_("The end must come after the start."))]})
        return Period(start, end)

    def asked(self, request: Request) -> tuple[Any, str, Period]:
        """Whose usage, in which environment, in which period."""
        return self.caller.partner_id, self.caller.environment, self.period(request)


class SummaryView(UsageView):
    """A period in numbers."""

    @extend_schema(
        operation_id="getUsageSummary", summary="Summarise usage", parameters=[FROM, TO], responses=serializers.SummarySerializer
    )
    def get(self, request: Request) -> Response:
        return Response(serializers.SummarySerializer(questions.summary(*self.asked(request))).data)


class KeyUsageView(UsageView):
    """A period of one key in numbers."""

    scopes = {"read": "keys:read"}

    @extend_schema(
        operation_id="getKeyUsage",
        summary="Summarise a key's usage",
        parameters=[FROM, TO],
        responses=serializers.KeyUsageSerializer,
        examples=[OpenApiExample("A key that is in use", KEY_USAGE, response_only=True)],
    )
    def get(self, request: Request, public_id: str) -> Response:
        """In sum, by day, and its errors by kind; with when the key was first and last used, and from where."""
        key = Key.objects.for_caller(self.caller.partner_id, self.caller.environment).public(public_id).first()
        if key is None:
            raise problems.NotFound()
        return Response(serializers.KeyUsageSerializer(usage_of(key, self.period(request))).data)


class TimeseriesView(UsageView):
    """A period, interval by interval."""

    known = frozenset({"from", "to", "interval"})

    @extend_schema(
        operation_id="getUsageTimeseries",
        summary="Usage over time",
        parameters=[FROM, TO, INTERVAL],
        responses=rows_of("UsageTimeseries", serializers.PointSerializer),
    )
    def get(self, request: Request) -> Response:
        """Intervals without calls are there too. Minutes are known for the last two days; without `from` you get the last hour of
        them."""
        interval: Any = request.query_params.get("interval", "hour")
        if interval not in questions.INTERVALS:
            raise problems.ValidationError({"interval": [str(_("One of: minute, hour, day, month."))]})
        period = self.period(request)
        if interval == "minute" and "from" not in request.query_params:
            period = Period.last(timedelta(hours=1))
        return _rows(
            serializers.PointSerializer, questions.timeseries(self.caller.partner_id, self.caller.environment, period, interval)
        )


class EndpointsView(UsageView):
    """Operations by number of calls."""

    @extend_schema(
        operation_id="listUsageEndpoints",
        summary="Usage by operation",
        parameters=[FROM, TO],
        responses=rows_of("UsageEndpoints", serializers.OperationUsageSerializer),
    )
    def get(self, request: Request) -> Response:
        return _rows(serializers.OperationUsageSerializer, questions.endpoints(*self.asked(request)))


class ErrorsView(UsageView):
    """Refusals and failures by status, code and operation."""

    @extend_schema(
        operation_id="listUsageErrors",
        summary="Errors by kind",
        parameters=[FROM, TO],
        responses=rows_of("UsageErrors", serializers.FailureSerializer),
    )
    def get(self, request: Request) -> Response:
        return _rows(serializers.FailureSerializer, questions.errors(*self.asked(request)))


class LatencyView(UsageView):
    """How long calls took."""

    @extend_schema(
        operation_id="getUsageLatency",
        summary="Distribution of response times",
        parameters=[FROM, TO],
        responses=serializers.LatencySerializer,
    )
    def get(self, request: Request) -> Response:
        return Response(serializers.LatencySerializer(questions.latency(*self.asked(request))).data)


class LimitsView(ApiView):
    """What is left at this moment."""

    scopes = READ

    @extend_schema(
        operation_id="getUsageLimits",
        summary="Limits and what is left",
        responses=serializers.LimitsSerializer,
        examples=[OpenApiExample("Most of the month's calls are used", LIMITS, response_only=True)],
    )
    def get(self, request: Request) -> Response:
        """Calls a minute of the calling key and of the partner, the month's quota, and calls at once (this one is among them)."""
        refuse_unknown(request, frozenset())
        found = limits.of(self.partner, self.caller.environment, credential=self.caller.credential_id)
        return Response(serializers.LimitsSerializer(found).data)


class CallListing(CursorListing):
    """Pages of the log, which looks for some things in stretches."""

    def find(self, queryset: Any, *, ordering: str, cursor: str, limit: int) -> listing.Page[Any]:
        return log.page(queryset, ordering=ordering, cursor=cursor, limit=limit)


@extend_schema_view(
    list=extend_schema(
        operation_id="listUsageRequests",
        summary="List calls",
        description=(
            "Newest first, within seconds of the call. `method`, `path`, `operation`, `address` and `status` are looked for among"
            f" {listing.STRETCH:,} calls a page: a page may have few rows or none, and the next one more. Go on while there is a"
            " `next_cursor`."
        ),
    ),
    retrieve=extend_schema(operation_id="getUsageRequest", summary="Get a call"),
)
class CallViewSet(PartnerViewSet, ListMixin, RetrieveMixin):
    """The log of calls, newest first; a call's id is the `X-Request-Id` of its answer. Kept for 90 days."""

    queryset = Call.objects.all()
    filterset_class = CallFilter
    pagination_class = CallListing
    scopes = READ

    def get_object(self) -> Call:
        call: Call = super().get_object()
        log.name_callers([call])
        return call

    def get_serializer_class(self) -> Any:
        return serializers.CallDetailSerializer if self.action == "retrieve" else serializers.CallSerializer


def _rows(serializer: type[Serializer[Any]], rows: Any) -> Response:
    return Response({"data": serializer(rows, many=True).data, "next_cursor": None})


def _instant(request: Request, name: str) -> datetime | None:
    text = request.query_params.get(name)
    if text is None:
        return None
    try:
        moment, day = parse_datetime(text), parse_date(text)
    except ValueError:
        moment = day = None
    if moment is None and day is not None:
        moment = datetime(day.year, day.month, day.day)  # noqa: DTZ001  (made aware below)
    if moment is None or not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise problems.ValidationError({name: [str(_("A time or date as in RFC 3339: 2026-01-31T12:00:00Z or 2026-01-31."))]})
    aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return aware.replace(minute=0, second=0, microsecond=0) if name == "from" else aware

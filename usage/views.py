"""The portal's pages about usage: numbers of a period, and the log of calls."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Self

from django.conf import settings
from django.db.models import F
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from apikeys.models import Key
from core import clock
from core.problems import NotFound, ValidationError
from core.tables import listing
from marketplace.models import Integration
from partners.pages import PartnerRequest, partner_page
from usage import explanations, limits, questions
from usage.charts import chart_of
from usage.filters import CallFilter
from usage.models import Call
from usage.periods import Period
from usage.quota_alerts import THRESHOLDS

RANGES: dict[str, tuple[Promise, timedelta, questions.Interval]] = {
    "hour": (_("Last hour"), timedelta(hours=1), "minute"),
    "day": (_("Last 24 hours"), timedelta(hours=24), "hour"),
    "week": (_("Last 7 days"), timedelta(days=7), "hour"),
    "month": (_("Last 30 days"), timedelta(days=30), "day"),
}
USUAL = "day"
MOST_KEYS = 10


@require_GET
@partner_page("usage:read")
def overview(request: PartnerRequest) -> HttpResponse:
    """A period in numbers, as a chart, by operation and by kind of error. The period is in the URL."""
    chosen = request.GET.get("range", USUAL)
    chosen = chosen if chosen in RANGES else USUAL
    label, span, interval = RANGES[chosen]
    period = _whole(Period.last(span), interval)
    partner, environment = request.partner, request.environment
    points = questions.timeseries(partner, environment, period, interval)
    context = {
        "ranges": [(name, text, name == chosen) for name, (text, _span, _interval) in RANGES.items()],
        "label": label,
        "summary": questions.summary(partner, environment, period),
        "chart": chart_of(points),
        "endpoints": _named(questions.endpoints(partner, environment, period)),
        "failures": questions.errors(partner, environment, period),
        "quota": limits.quota(partner, environment),
        "slug": partner.slug,
    }
    return render(request, "usage/overview.html", context)


@require_GET
@partner_page("usage:read")
def limit_list(request: PartnerRequest) -> HttpResponse:
    """What bounds calls: how much of it is left at this moment, and what happens beyond."""
    partner, environment = request.partner, request.environment
    usable = Key.objects.for_caller(partner, environment).usable().select_related("partner")
    keys = list(usable.order_by(F("last_used_at").desc(nulls_last=True))[:MOST_KEYS])
    found = limits.of(partner, environment)
    context = {
        "partner": partner,
        "rate": found.rate[0],
        "quota": found.quota,
        "share": Share.of(found.quota),
        "concurrency": found.concurrency,
        "keys": [{"key": key, "rate": rate} for key, rate in zip(keys, limits.of_keys(partner, keys), strict=True)],
        "most_keys": MOST_KEYS,
        "address_rate": settings.ADDRESS_RATE,
        "thresholds": THRESHOLDS,
        "slug": partner.slug,
    }
    return render(request, "usage/limits.html", context)


@dataclass(frozen=True, slots=True)
class Share:
    """How full a quota is, for the eye."""

    percent: int
    tone: str

    @classmethod
    def of(cls, quota: limits.Quota) -> Self | None:
        """None where there is no limit."""
        if quota.limit is None:
            return None
        percent = 100 * quota.used // quota.limit if quota.limit else 100
        return cls(percent, "bad" if percent >= 100 else "warn" if percent >= 80 else "")


@require_GET
@partner_page("usage:read")
def request_list(request: PartnerRequest) -> HttpResponse:
    """The log of calls, narrowed by the URL."""
    calls = Call.objects.for_caller(request.partner, request.environment)
    keys = Key.objects.for_caller(request.partner, request.environment)
    refused = ""
    asked = {name: value for name, value in request.GET.items() if value}
    try:
        narrowed = CallFilter(asked, queryset=calls)
        found = narrowed.qs if narrowed.is_valid() else calls.none()
        refused = "" if narrowed.is_valid() else str(_("This is no filter of this list."))
    except ValidationError as problem:
        found, refused = calls.none(), problem.facts["errors"][0]["detail"]
    context = {
        "calls": listing(request, found),
        "refused": refused,
        "narrowed": any(name in asked for name in CallFilter.base_filters),
        "asked": asked,
        "keys": keys,
        "statuses": [("2xx", _("Succeeded")), ("4xx", _("Refused (4xx)")), ("5xx", _("Failed (5xx)"))],
        "slug": request.partner.slug,
    }
    return render(request, "usage/requests.html", context)


@require_GET
@partner_page("usage:read")
def request_detail(request: PartnerRequest, public_id: str) -> HttpResponse:
    """One call, explained."""
    call = Call.objects.for_caller(request.partner, request.environment).public(public_id).first()
    if call is None:
        raise NotFound()
    keys = Key.objects.for_caller(request.partner, request.environment)
    key = keys.filter(pk=call.credential_id).first() if call.credential_id else None
    context = {
        "call": call,
        "latency_ms": call.latency_us / 1000,
        "key": key,
        "explanation": explanations.explain(call),
        "curl": explanations.curl(call),
        "slug": request.partner.slug,
    }
    return render(request, "usage/request.html", context)


def _whole(period: Period, interval: questions.Interval) -> Period:
    """From the start of an hour or day, so that sums and chart are about the same calls; minutes as they are."""
    start = period.start if interval == "minute" else period.start.replace(minute=0, second=0, microsecond=0)
    start = start.replace(hour=0) if interval == "day" else start
    return Period(start, clock.now() + timedelta(seconds=1))


def _named(rows: list[questions.Endpoint]) -> list[dict[str, Any]]:
    """Operations as people know them: those of an integration under its name."""
    wanted = {row.integration_id for row in rows if row.integration_id}
    names = dict(Integration.objects.filter(pk__in=wanted).values_list("pk", "name"))
    return [
        {
            "operation": row.operation or str(_("Unknown path")),
            "integration": names.get(row.integration_id, "") if row.integration_id else "",
            "requests": row.requests,
            "error_rate": row.errors / row.requests,
            "p50": row.latency["p50"],
            "p95": row.latency["p95"],
        }
        for row in rows
    ]

"""The portal's pages about usage: numbers of a period, and the log of calls."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Self

from django.conf import settings
from django.contrib import messages
from django.db.models import F, Q, QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from apikeys.models import Application, Consent, Key
from core import clock
from core.problems import NotFound, ValidationError
from core.tables import Listing
from marketplace.models import Integration
from partners import partners
from partners.pages import PartnerRequest, partner_page
from usage import explanations, limits, log, questions
from usage.charts import chart_of
from usage.filters import CallFilter
from usage.models import Bodies, Call, CallQuerySet
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
MOST_CHOICES = 200
STATUSES = [("2xx", _("Succeeded")), ("4xx", _("Refused")), ("429", _("Over a limit")), ("5xx", _("Failed"))]
MORE_FILTERS = ("code", "method", "path", "operation", "address", "since", "until")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD")


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
    """The log of calls, narrowed by the URL; with `live` in it, its first page follows what comes in."""
    asked = _asked(request)
    calls, refused = _narrowed(request, asked)
    cursor = request.GET.get("cursor", "")
    try:
        found = log.page(calls, cursor=cursor)
    except ValidationError:
        cursor, found = "", log.page(calls)
    environment_keys = Key.objects.for_caller(request.partner, request.environment)
    context = {
        "calls": Listing(found.rows, "-id", (), found.next_cursor, first=not cursor),
        "reached": found.reached,
        "refused": refused,
        "narrowed": bool(asked),
        "more": any(name in asked for name in MORE_FILTERS),
        "asked": asked,
        "live": "live" in request.GET and not cursor,
        "keys": environment_keys[:MOST_CHOICES],
        "applications": _applications(request)[:MOST_CHOICES],
        "statuses": STATUSES,
        "methods": METHODS,
        "slug": request.partner.slug,
    }
    return render(request, "usage/requests.html", context)


@require_GET
@partner_page("usage:read")
def request_export(request: PartnerRequest) -> Any:
    """All calls that the filters leave, as CSV."""
    calls, refused = _narrowed(request, _asked(request))
    if refused:
        raise Http404
    return log.as_csv(calls)


@require_GET
@partner_page("usage:read")
def request_detail(request: PartnerRequest, public_id: str) -> HttpResponse:
    """One call, explained."""
    call = Call.objects.for_caller(request.partner, request.environment).public(public_id).first()
    if call is None:
        raise NotFound()
    log.name_callers([call])
    keys = Key.objects.for_caller(request.partner, request.environment)
    bodies = Bodies.objects.for_caller(request.partner, request.environment).filter(pk=call.pk).first()
    context = {
        "call": call,
        "key": keys.filter(pk=call.credential_id).first() if call.credential_id else None,
        "application": _applications(request).filter(pk=call.credential_id).first() if call.credential_id else None,
        "integration": Integration.objects.filter(pk=call.integration_id).first() if call.integration_id else None,
        "explanation": explanations.explain(call),
        "curl": explanations.curl(call, bodies),
        "bodies": bodies,
        "elsewhere": call.carried_at or call.operation == explanations.ELSEWHERE,
        "partner": request.partner,
        "may_write": request.member.may("partner:write"),
        "slug": request.partner.slug,
    }
    return render(request, "usage/request.html", context)


@partner_page("usage:read", post="partner:write")
def bodies(request: PartnerRequest) -> HttpResponse:
    """Whether bodies of failed test calls are kept."""
    if request.method == "POST":
        keeps = request.POST.get("keep") == "yes"
        partners.update(partner=request.partner, keeps_test_bodies=keeps, by=request.actor)
        messages.success(request, _("Bodies of failed test calls are kept.") if keeps else _("No bodies are kept any more."))
        return redirect("usage:requests", slug=request.partner.slug)
    return render(request, "usage/bodies.html", {"partner": request.partner, "slug": request.partner.slug})


def _applications(request: PartnerRequest) -> QuerySet[Application]:
    """Those that act for the partner in this environment: its own, and those that it once consented to."""
    consented = Consent.objects.for_caller(request.partner, request.environment).values("application_id")
    own = Application.objects.for_caller(request.partner, request.environment).values("pk")
    return Application.objects.filter(Q(pk__in=own) | Q(pk__in=consented)).order_by("name")


def _asked(request: PartnerRequest) -> dict[str, str]:
    """What the URL asks of the log, without what is empty."""
    asked = {name: str(value).strip() for name, value in request.GET.items() if name in CallFilter.base_filters}
    return {name: value for name, value in asked.items() if value}


def _narrowed(request: PartnerRequest, asked: dict[str, str]) -> tuple[CallQuerySet, str]:
    """The calls that are left, and what is wrong with the filters."""
    calls = Call.objects.for_caller(request.partner, request.environment)
    try:
        narrowed = CallFilter(asked, queryset=calls)
        if narrowed.is_valid():
            return narrowed.qs, ""
    except ValidationError as problem:
        return calls.none(), problem.facts["errors"][0]["detail"]
    return calls.none(), str(next(iter(narrowed.errors.values()))[0])


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

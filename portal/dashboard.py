"""The first page of a partner: what is left to do, how the month goes, and what happened lately."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Sum
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_POST

from apikeys.models import Key
from billing.models import Earning
from core.charts import Chart, Series
from core.models import Event
from core.money import Money
from partners import onboarding
from partners.pages import PartnerRequest, choose_environment, partner_page
from portal import navigation
from portal.happenings import told
from portal.views import back
from usage import questions
from usage.periods import Period
from webhooks.models import Endpoint

DAYS = 30
LATEST = 8


@dataclass(frozen=True, slots=True)
class FirstStep:
    """Something that every new partner does once."""

    title: str | Promise
    note: str | Promise
    done: bool
    url: str


@require_GET
@partner_page("partner:read")
def dashboard(request: PartnerRequest) -> HttpResponse:
    """Overview of one partner in one environment."""
    partner, environment = request.partner, request.environment
    daily = _daily(partner, environment)
    calls = sum(daily.series[0].values)  # type: ignore[arg-type]  # calls are whole numbers
    context = {
        "partner": partner,
        "progress": onboarding.progress(partner),
        "onboarding_url": navigation.find("partners:onboarding", slug=partner.slug),
        "first_steps": _first_steps(request, called=calls > 0),
        "month": _month(partner, environment),
        "revenue": _revenue(request),
        "chart": daily if calls else None,
        "happenings": told(Event.objects.for_caller(partner, environment).order_by("-id")[:LATEST], partner.slug),
        "links": {
            name: navigation.find(view, slug=partner.slug)
            for name, view in {
                "keys": "apikeys:list",
                "activity": "portal:activity" if request.member.may("audit:read") else "",
                "usage": "usage:overview",
                "requests": "usage:requests",
                "billing": "billing:overview",
            }.items()
        },
    }
    return render(request, "portal/dashboard.html", context)


@require_POST
@partner_page("partner:read", operators="always")
def environment(request: PartnerRequest) -> HttpResponse:
    """Switch between live and test, and return to the page."""
    choose_environment(request, request.POST.get("environment", ""))
    return back(request)


def _month(partner: Any, environment: str) -> dict[str, Any]:
    """This month so far, and how much of the month's quota is used."""
    found = questions.summary(partner, environment, Period.this_month())
    quota = partner.tier.monthly_quota
    used = found.metered / quota if quota else 0
    return {
        "summary": found,
        "quota": quota,
        "tone": "bad" if used >= 1 else "warn" if used >= 0.8 else "",
    }


def _revenue(request: PartnerRequest) -> list[Money]:
    """What the marketplace earned this partner this month, a sum for each currency; none without the right to see money."""
    if not request.member.may("billing:read"):
        return []
    month = Period.this_month()
    earned = Earning.objects.for_caller(request.partner, request.environment).filter(created_at__gte=month.start)
    sums = earned.order_by("currency").values_list("currency").annotate(total=Sum("amount_minor"))
    return [Money(total, currency) for currency, total in sums] or [Money(0, "USD")]


def _daily(partner: Any, environment: str) -> Chart:
    """Calls of each of the last days, today included."""
    points = questions.timeseries(partner, environment, Period.last(timedelta(days=DAYS - 1)), "day")
    return Chart(
        [point.at for point in points],
        [
            Series(str(_("Calls")), [point.requests for point in points]),
            Series(str(_("Errors")), [point.errors for point in points], tone="bad"),
        ],
        kind="bars",
    )


def _first_steps(request: PartnerRequest, *, called: bool) -> list[FirstStep]:
    """What a newcomer does next; empty once all of it is done."""
    steps = list(_steps(request, called=called))
    return [] if all(step.done for step in steps) else steps


def _steps(request: PartnerRequest, *, called: bool) -> Iterator[FirstStep]:
    slug = request.partner.slug
    has_key = Key.objects.for_caller(request.partner, request.environment).exists()
    yield FirstStep(
        _("Create an API key"),
        _("Your program’s credential. It is shown once, so have a secret store at hand."),
        has_key,
        navigation.find("apikeys:create", slug=slug) or navigation.find("apikeys:list", slug=slug),
    )
    yield FirstStep(
        _("Make your first call"),
        _("The reference shows every operation with an example that you can copy."),
        called,
        navigation.find("developers:home", slug=slug),
    )
    yield FirstStep(
        _("Add a webhook endpoint"),
        _("Be told what happens instead of asking for it."),
        Endpoint.objects.for_caller(request.partner, request.environment).present().exists(),
        navigation.find("webhooks:create", slug=slug) or navigation.find("webhooks:list", slug=slug),
    )

"""The first page of a partner: what is left to do, how it stands, how the month goes, and what happened lately."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_POST

from core.charts import Chart, Series
from core.models import Event
from partners import notices, onboarding
from partners.models import Notice
from partners.pages import PartnerRequest, choose_environment, partner_page
from portal import navigation, todo
from portal.happenings import told
from portal.overview import Overview, checklist_done
from portal.views import back
from usage import questions
from usage.periods import Period

DAYS = 30
LATEST = 6
NOTICES = 5

# Where the numbers lead, by the name that the template has for it.
PLACES = {
    "keys": "apikeys:list",
    "webhooks": "webhooks:list",
    "usage": "usage:overview",
    "requests": "usage:requests",
    "billing": "billing:overview",
    "notifications": "partners:notifications",
    "onboarding": "partners:onboarding",
}


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
    partner, environment, may = request.partner, request.environment, request.member.may
    overview = Overview.of(partner, environment, may)
    daily = _daily(partner, environment)
    mine = Notice.objects.shown_to(request.member).unread().order_by("-id")[:NOTICES]
    context = {
        "partner": partner,
        "overview": overview,
        "progress": onboarding.progress(partner),
        "first_steps": _first_steps(request, overview),
        "tasks": todo.tasks(partner, overview, may),
        "chart": daily if any(daily.series[0].values) else None,
        "notices": [(notice, notices.said(notice)) for notice in mine],
        "happenings": told(Event.objects.for_caller(partner, environment).order_by("-id")[:LATEST], partner.slug),
        "links": {name: navigation.find(view, slug=partner.slug) for name, view in PLACES.items()}
        | {"activity": navigation.find("portal:activity", slug=partner.slug) if may("audit:read") else ""},
    }
    return render(request, "portal/dashboard.html", context)


@require_POST
@partner_page("partner:read", operators="always")
def environment(request: PartnerRequest) -> HttpResponse:
    """Switch between live and test, and return to the page."""
    choose_environment(request, request.POST.get("environment", ""))
    return back(request)


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


def _first_steps(request: PartnerRequest, overview: Overview) -> list[FirstStep]:
    """What a newcomer does next; empty once all of it is done."""
    steps = list(_steps(request.partner.slug, checklist_done(overview)))
    return [] if all(step.done for step in steps) else steps


def _steps(slug: str, done: dict[str, bool]) -> Iterator[FirstStep]:
    yield FirstStep(
        _("Create an API key"),
        _("Your program’s credential. It is shown once, so have a secret store at hand."),
        done["key"],
        navigation.find("apikeys:create", slug=slug) or navigation.find("apikeys:list", slug=slug),
    )
    yield FirstStep(
        _("Make your first call"),
        _("The reference shows every operation with an example that you can copy."),
        done["call"],
        navigation.find("developers:home", slug=slug),
    )
    yield FirstStep(
        _("Add a webhook endpoint"),
        _("Be told what happens instead of asking for it."),
        done["webhook"],
        navigation.find("webhooks:create", slug=slug) or navigation.find("webhooks:list", slug=slug),
    )

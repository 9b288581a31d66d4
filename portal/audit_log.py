"""A partner's audit log: who did what, from where, what changed, and whether the log is whole."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from apikeys.models import Application, Key
from core import audit_export, ids, verifications
from core.models import Event, Payload
from core.problems import ValidationError
from core.redaction import redacted
from core.tables import listing
from partners.api.filters import EventFilter
from partners.models import Member, Partner
from partners.pages import PartnerRequest, partner_page
from portal.happenings import Happening, told

KINDS = {
    "member": gettext_lazy("People of the team"),
    "key": gettext_lazy("Keys"),
    "application": gettext_lazy("Applications"),
    "operator": gettext_lazy("Operators"),
    "system": gettext_lazy("The platform"),
}
EXPORTS = {"csv": audit_export.as_csv, "json": audit_export.as_json}


@dataclass(frozen=True, slots=True)
class Line:
    """One event: in words, who did it, and each value before and after; `facts` is what else it says."""

    event: Event
    told: Happening
    who: str
    call: str
    changes: list[tuple[str, Any, Any]]
    facts: list[tuple[str, str]]


@require_GET
@partner_page("audit:read")
def activity(request: PartnerRequest) -> HttpResponse:
    """What happened in this environment, newest first, narrowed by the URL; and how the chain stands."""
    asked = _asked(request)
    found, refused = _narrowed(request, asked)
    rows = listing(request, found)
    context = {
        "listing": rows,
        "lines": list(_lines(rows, request.partner)),
        "asked": asked,
        "refused": refused,
        "narrowed": any(name in asked for name in EventFilter.base_filters),
        "kinds": KINDS.items(),
        "people": Member.objects.of_partner(request.partner).select_related("user").order_by("id")[:100],
        "keys": Key.objects.for_caller(request.partner, request.environment)[:100],
        "standing": verifications.standing(request.partner.pk),
        "exports": EXPORTS,
    }
    return render(request, "portal/activity.html", context)


@require_GET
@partner_page("audit:read")
def export(request: PartnerRequest, form: str) -> Any:
    """All lines that the filters leave, as a file."""
    if form not in EXPORTS:
        raise Http404
    found, refused = _narrowed(request, _asked(request))
    if refused:
        raise Http404
    return EXPORTS[form](found)


@require_POST
@partner_page("audit:read")
def verify(request: PartnerRequest) -> HttpResponse:
    """Have the whole chain verified anew."""
    verifications.ask(request.partner.pk)
    messages.success(request, _("The log is being verified. The result shows here in a moment."))
    return redirect("portal:activity", slug=request.partner.slug)


def _asked(request: PartnerRequest) -> dict[str, str]:
    return {name: str(value) for name, value in request.GET.items() if value}


def _narrowed(request: PartnerRequest, asked: dict[str, str]) -> tuple[QuerySet[Event], str]:
    """The events that the filters leave, and why there are none if a filter can't be read."""
    events = Event.objects.for_caller(request.partner, request.environment)
    try:
        narrowed = EventFilter(asked, queryset=events)
        if narrowed.is_valid():
            return narrowed.qs, ""
    except ValidationError as problem:
        return events.none(), problem.facts["errors"][0]["detail"]
    return events.none(), _("This is no filter of this list.")


def _lines(events: Iterable[Event], partner: Partner) -> Iterable[Line]:
    found = list(events)
    payloads = Payload.objects.in_bulk([event.pk for event in found])
    members = {event.subject: pk for event in found if (pk := _member(event.subject))}
    names = _names(partner, {event.actor_id for event in found if event.actor_id} | set(members.values()))
    for event, happening in zip(found, told(found, partner.slug), strict=True):
        data = redacted(payloads[event.pk].data) if event.pk in payloads else {}
        told_of = data.get("changes")
        changes = told_of if isinstance(told_of, dict) else {}
        rest = {name: value for name, value in data.items() if name != "changes" or not changes}
        person = names.get(members[event.subject], "") if event.subject in members else ""
        yield Line(
            event=event,
            told=replace(happening, about=person, named=True) if person else happening,
            who=names.get(event.actor_id, happening.who) if event.actor_id else happening.who,
            call=ids.encode("call", event.request_id) if event.request_id else "",
            changes=[(name, *_pair(value)) for name, value in changes.items()],
            facts=[(name, _text(value)) for name, value in sorted(rest.items()) if value not in ("", None)],
        )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _pair(value: Any) -> tuple[Any, Any]:
    """Before and after, as events write them."""
    return (value[0], value[1]) if isinstance(value, list) and len(value) == 2 else ("", value)


def _member(subject: str) -> UUID | None:
    try:
        return ids.decode(Member.id_prefix, subject)
    except ids.MalformedId:
        return None


def _names(partner: Partner, doers: set[UUID]) -> dict[UUID, str]:
    """What the people and programs among them are called now; the log itself holds no names, so that these can be erased."""
    team = Member.objects.of_partner(partner).filter(pk__in=doers).select_related("user")
    keys = Key.objects.filter(partner=partner, pk__in=doers)
    applications = Application.objects.filter(pk__in=doers)  # others' too, which act for the partner
    people = {member.pk: f"{member.user.get_full_name()} ({member.get_role_display()})" for member in team}
    return {**people, **{row.pk: str(row) for rows in (keys, applications) for row in rows}}

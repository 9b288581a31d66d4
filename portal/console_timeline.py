"""Everything that happened with one partner, newest first, from all apps, on one page of the console.

Ids begin with the time, so that rows of any table stand in one order by them, and one id is the cursor of all. Each source gives
what comes next in it; what is older than the end of a source that has more is left to the next page.
"""

import heapq
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Q, Sum
from django.db.models.functions import TruncDay
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from apikeys.models import Key
from billing.models import Invoice, Payout
from core import clock, ids
from core.models import Environment, Event
from core.roles import has
from partners.models import Document, Note, Partner, Review
from portal.happenings import told
from usage.models import HourRollup
from webhooks.models import Delivery

PAGE = 50
MONTH = timedelta(days=30)
FAILED = Sum("requests", filter=Q(status__gte=400), default=0)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: when, what in words, more about it, and the console's page of it."""

    key: UUID
    icon: str
    text: str
    more: str = ""
    url: str = ""
    is_day: bool = False

    @property
    def at(self) -> datetime:
        return ids.moment(self.key)


@dataclass(frozen=True, slots=True)
class Part:
    """What a source gives for one page: the newest entries before the cursor; `end`, if there are older ones, is the last key
    up to which nothing is left out."""

    entries: list[Entry]
    end: UUID | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """A kind of lines: its name, the right that sees it, and how it is asked."""

    label: str | Promise
    right: str
    read: Callable[[Partner, UUID], Part]


Reader = Callable[[Partner, UUID], Part]


def _rows(icon: str, rows: Callable[[], Any], word: Callable[[Any], tuple[str, str]]) -> Reader:
    """A source of rows that have a partner: `word` says what and more. Rows of both environments are asked for one by one, as
    their indexes are."""

    def read(partner: Partner, before: UUID) -> Part:
        mine = rows().filter(partner=partner)
        owned = any(field.name == "environment" for field in mine.model._meta.fields)
        parts = [mine.filter(environment=each) for each in Environment.values] if owned else [mine]
        found = [row for part in parts for row in _next(part, before)]
        return _part(found, lambda row: Entry(row.pk, icon, *word(row), _url(row)))

    return read


def _events(partner: Partner, before: UUID) -> Part:
    mine = Event.objects.filter(partner_id=partner.pk)
    found = [row for each in Environment.values for row in _next(mine.filter(environment=each), before)]
    words = dict(zip((row.pk for row in found), told(found), strict=True))

    def entry(row: Event) -> Entry:
        happening = words[row.pk]
        return Entry(row.pk, "history", happening.text, f"{happening.who} · {happening.about}", _url(row))

    return _part(found, entry)


def _calls(partner: Partner, before: UUID) -> Part:
    """A line a day, from hourly rollups: of a month at a time, because busy days have many of them."""
    until = _day(ids.moment(before) - timedelta(milliseconds=1)) + timedelta(days=1)
    mine = [HourRollup.objects.for_caller(partner, each).filter(at__lt=until) for each in Environment.values]
    last = [at for rows in mine for at in rows.order_by("-at").values_list("at", flat=True)[:1]]
    if not last:
        return Part([])
    start = _day(max(last)) - MONTH
    days: dict[datetime, tuple[int, int]] = {}
    for rows in mine:
        totals = (
            rows.filter(at__gte=start)
            .order_by()
            .annotate(day=TruncDay("at"))
            .values_list("day")
            .annotate(calls=Sum("requests"), failed=FAILED)
        )
        for day, requests, failed in totals:
            known = days.get(day, (0, 0))
            days[day] = known[0] + requests, known[1] + (failed or 0)
    entries = [_day_of_calls(day, *days[day]) for day in sorted(days, reverse=True) if ids.earliest(day) < before]
    older = any(rows.filter(at__lt=start).exists() for rows in mine)
    return Part(entries, ids.earliest(start) if older else None)


def _day_of_calls(day: datetime, requests: int, failed: int) -> Entry:
    said = _("%(count)s calls") % {"count": number_format(requests, force_grouping=True)}
    more = _("%(count)s failed") % {"count": number_format(failed, force_grouping=True)} if failed else ""
    return Entry(ids.earliest(day), "swap_vert", said, more, is_day=True)


def _day(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


def _document(row: Document) -> tuple[str, str]:
    return f"{row.get_kind_display()}: {row.filename}", str(row.get_state_display())


def _review(row: Review) -> tuple[str, str]:
    return _("Handed in for review"), " · ".join(filter(None, [str(row.get_decision_display()), row.reason]))


def _key(row: Key) -> tuple[str, str]:
    return _("Key “%(name)s”") % {"name": row.name}, f"{row.environment} · {row.get_state_display()} · {row.hint}"


def _delivery(row: Delivery) -> tuple[str, str]:
    more = " ".join(filter(None, [str(row.get_status_display()), str(row.status_code or "")]))
    return f"{row.event_type} → {row.endpoint.url}", more


def _invoice(row: Invoice) -> tuple[str, str]:
    return _("Invoice %(number)s") % {"number": row.number or _("(draft)")}, f"{row.total} · {row.get_status_display()}"


def _payout(row: Payout) -> tuple[str, str]:
    return _("Payout of %(amount)s") % {"amount": row.amount}, str(row.get_status_display())


def _note(row: Note) -> tuple[str, str]:
    return row.text, str(row.operator or "")


def _deliveries() -> Any:
    return Delivery.objects.select_related("endpoint").defer("endpoint__secret", "endpoint__previous_secret")


def _notes() -> Any:
    return Note.objects.select_related("operator")


SOURCES: dict[str, Source] = {
    "documents": Source(gettext_lazy("Documents"), "reviews:read", _rows("description", Document.objects.all, _document)),
    "reviews": Source(gettext_lazy("Reviews"), "reviews:read", _rows("how_to_reg", Review.objects.all, _review)),
    "keys": Source(gettext_lazy("Keys"), "keys:read", _rows("key", Key.objects.all, _key)),
    "calls": Source(gettext_lazy("Calls"), "usage:read", _calls),
    "deliveries": Source(gettext_lazy("Deliveries"), "webhooks:read", _rows("local_shipping", _deliveries, _delivery)),
    "invoices": Source(gettext_lazy("Invoices"), "billing:read", _rows("receipt_long", Invoice.objects.all, _invoice)),
    "payouts": Source(gettext_lazy("Payouts"), "billing:read", _rows("account_balance", Payout.objects.all, _payout)),
    "notes": Source(gettext_lazy("Notes"), "partners:read", _rows("sticky_note_2", _notes, _note)),
    "events": Source(gettext_lazy("Log"), "audit:read", _events),
}


def page(partner: Partner, kinds: Iterable[str], before: UUID) -> tuple[list[Entry], UUID | None]:
    """The entries of these kinds before a key, newest first, and the key before which the next page begins, if there is one."""
    parts = [SOURCES[kind].read(partner, before) for kind in kinds]
    horizon = max((part.end for part in parts if part.end is not None), default=None)
    merged = list(heapq.merge(*(part.entries for part in parts), key=lambda entry: entry.key, reverse=True))
    whole = [entry for entry in merged if horizon is None or entry.key >= horizon]
    if len(whole) > PAGE:
        return whole[:PAGE], whole[PAGE - 1].key
    return whole, horizon


def _next(rows: Any, before: UUID) -> list[Any]:
    return list(rows.filter(pk__lt=before).order_by("-pk")[: PAGE + 1])


def _part(rows: list[Any], entry: Callable[[Any], Entry]) -> Part:
    newest = sorted(rows, key=lambda row: row.pk, reverse=True)
    shown = [entry(row) for row in newest[:PAGE]]
    return Part(shown, shown[-1].key if len(newest) > PAGE else None)


def _url(row: Any) -> str:
    if type(row) not in admin.site._registry:
        return ""
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def _chips(request: HttpRequest, chosen: str) -> Iterator[dict[str, Any]]:
    yield {"label": _("Everything"), "url": request.path, "current": not chosen}
    for kind, source in SOURCES.items():
        if has(request.user, source.right):
            yield {"label": source.label, "url": f"{request.path}?kind={kind}", "current": kind == chosen}


@require_GET
def timeline(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The page; `?kind=` narrows it, `?before=` is the cursor."""
    if not has(request.user, "partners:read"):
        raise PermissionDenied
    partner = Partner.objects.filter(pk=pk).first()
    allowed = [kind for kind, source in SOURCES.items() if has(request.user, source.right)]
    chosen = request.GET.get("kind", "")
    if partner is None or (chosen and chosen not in allowed):
        raise Http404
    try:
        before = UUID(request.GET["before"]) if request.GET.get("before") else ids.earliest(clock.now() + timedelta(days=1))
        ids.moment(before)
    except (ValueError, OverflowError) as error:
        raise Http404 from error
    entries, following = page(partner, [chosen] if chosen else allowed, before)
    older = f"?{'kind=' + chosen + '&' if chosen else ''}before={following}" if following else ""
    context = {
        **admin.site.each_context(request),
        "title": _("Timeline of %(name)s") % {"name": partner.name},
        "partner": partner,
        "entries": entries,
        "chips": list(_chips(request, chosen)),
        "older": older,
        "newest": f"{request.path}{'?kind=' + chosen if chosen else ''}",
        "first": "before" not in request.GET,
    }
    return TemplateResponse(request, "admin/timeline.html", context)

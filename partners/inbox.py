"""Pages of a member's notifications: the list, the live count, and by which channels they come."""

from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core.problems import NotFound
from core.tables import listing
from partners import notices
from partners import preferences as choices
from partners.models import Channel, Notice
from partners.models.team import Frequency
from partners.notices import Said
from partners.pages import PartnerRequest, partner_page


@dataclass(frozen=True, slots=True)
class Shown:
    """A notification as the page shows it."""

    notice: Notice
    said: Said


@require_GET
@partner_page("partner:read")
def notifications(request: PartnerRequest) -> HttpResponse:
    """What this person was told about this partner, newest first; `?unread` leaves out what was read."""
    unread_only = "unread" in request.GET
    mine = Notice.objects.shown_to(request.member)
    found = listing(request, mine.unread() if unread_only else mine)
    context = {"listing": found, "shown": [Shown(row, notices.said(row)) for row in found], "unread_only": unread_only}
    return render(request, "partners/notifications.html", context)


@require_GET
@partner_page("partner:read")
def count(request: PartnerRequest) -> HttpResponse:
    """The number beside the bell, for the page to fetch again."""
    return render(request, "partners/_unread.html", {"unread": Notice.objects.shown_to(request.member).unread().count()})


@require_POST
@partner_page("partner:read")
def read(request: PartnerRequest, public_id: str) -> HttpResponse:
    """Mark one as read, and go to what it is about if the form says so."""
    notice = Notice.objects.shown_to(request.member).public(public_id).first()
    if notice is None:
        raise NotFound()
    Notice.objects.filter(pk=notice.pk).mark_read()
    target = notices.said(notice).url if "open" in request.POST else ""
    return redirect(target) if target else redirect("partners:notifications", slug=request.partner.slug)


@require_POST
@partner_page("partner:read")
def read_all(request: PartnerRequest) -> HttpResponse:
    """Mark all as read."""
    marked = Notice.objects.shown_to(request.member).mark_read()
    said = ngettext("%(count)s notification marked as read.", "%(count)s notifications marked as read.", marked)
    messages.success(request, said % {"count": marked})
    return redirect("partners:notifications", slug=request.partner.slug)


@require_http_methods(["GET", "POST"])
@partner_page("partner:read", operators="never")
def preferences(request: PartnerRequest) -> HttpResponse:
    """By which channels this person is told of what, in this partner."""
    offered = choices.of(request.member)
    if request.method == "POST":
        wishes = {
            choice.kind: {way: way in choice.locked or f"{choice.kind}.{way}" in request.POST for way in choice.channels}
            for choice in offered
        }
        asked = request.POST.get("digest_frequency", "")
        frequency = asked if asked in Frequency.values else ""
        choices.change(member=request.member, by=request.actor, digest_frequency=frequency, kinds=wishes)
        messages.success(request, _("Saved."))
        return redirect(request.path)
    rows = [
        (choice, [(way, Channel(way).label, wanted, way in choice.locked) for way, wanted in choice.channels.items()])
        for choice in offered
    ]
    context = {"rows": rows, "channels": Channel, "frequencies": Frequency.choices, "member": request.member}
    return render(request, "partners/preferences.html", context)

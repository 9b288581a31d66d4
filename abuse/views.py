"""The portal's pages about how a key is used: why it was suspended and the way back, and unusual use."""

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from abuse import incidents, unusual
from abuse.models import Incident, Oddity
from apikeys.models import Key
from core.problems import NotFound
from partners.pages import PartnerRequest, partner_page

SHOWN = 20


@partner_page("keys:read", post="keys:write")
def suspension(request: PartnerRequest, public_id: str) -> HttpResponse:
    """What was seen of a key, and the button that lets it work again."""
    key = _key(request, public_id)
    found = list(Incident.objects.of_key(key).select_related("key")[:SHOWN])
    current = next((each for each in found if each.status in Incident.OPEN), None)
    if request.method == "POST":
        if current is None:
            raise NotFound()
        incidents.resume(incident=current, by=request.actor)
        messages.success(request, _("Key “%(name)s” works again, from its next call on.") % {"name": key.name})
        return redirect("apikeys:detail", slug=request.partner.slug, public_id=key.public_id)
    context = {
        "key": key,
        "partner": request.partner,
        "current": current,
        "incidents": found,
        "shown": current or (found[0] if found else None),
        "resumable": current is not None and incidents.resumable(current) and settings.KEY_RESUMES_A_DAY > 0,
        "may_write": request.member.may("keys:write"),
        "most": settings.KEY_RESUMES_A_DAY,
    }
    return render(request, "abuse/suspension.html", context)


@partner_page("keys:read", post="keys:write")
def unusual_use(request: PartnerRequest, public_id: str) -> HttpResponse:
    """What was unusual about a key, and whether its team wants to hear of it."""
    key = _key(request, public_id)
    if request.method == "POST":
        if "mute" in request.POST:
            unusual.mute(key=key)
            messages.success(request, _("You hear no more of unusual use of this key."))
        else:
            unusual.unmute(key=key)
            messages.success(request, _("You hear of unusual use of this key again."))
        return redirect(request.path)
    rows = Oddity.objects.for_caller(request.partner, key.environment).filter(key=key).order_by("-id")[:SHOWN]
    context = {
        "key": key,
        "partner": request.partner,
        "oddities": rows,
        "muted": unusual.is_muted(key),
        "may_write": request.member.may("keys:write"),
    }
    return render(request, "abuse/unusual.html", context)


def _key(request: PartnerRequest, public_id: str) -> Key:
    found = Key.objects.for_caller(request.partner, request.environment).select_related("partner").public(public_id).first()
    if found is None:
        raise NotFound()
    return found

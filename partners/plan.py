"""The plan's page: the tier that a partner has, what others give, and the way there."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from core.problems import NotFound
from core.tables import listing
from partners import offers, tier_requests
from partners.forms import AskForTierForm
from partners.models import TierRequest
from partners.pages import PartnerRequest, partner_page


@partner_page("partner:read")
def plan(request: PartnerRequest) -> HttpResponse:
    """Where the partner stands on the ladder, and what it asked for."""
    asked = TierRequest.objects.of_partner(request.partner).select_related("previous", "tier")
    context = {
        "tier": request.partner.tier,
        "price": offers.price(request.partner.tier),
        "offers": offers.of(request.partner),
        "open": asked.open().first(),
        "requests": listing(request, asked),
        "may_write": request.member.may("partner:write"),
    }
    return render(request, "partners/plan/overview.html", context)


@partner_page("partner:write")
def ask(request: PartnerRequest, tier: str) -> HttpResponse:
    """Ask for another tier, after saying what that means."""
    offer = next((offer for offer in offers.of(request.partner) if offer.tier.slug == tier), None)
    if offer is None:
        raise NotFound()
    form = AskForTierForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        tier_requests.request(partner=request.partner, tier=offer.tier, by=request.actor, **form.cleaned_data)
        messages.success(request, _("Sent. We will mail you our decision."))
        return redirect("partners:plan", slug=request.partner.slug)
    return render(request, "partners/plan/ask.html", {"form": form, "offer": offer})


@partner_page("partner:write")
def withdraw(request: PartnerRequest, public_id: str) -> HttpResponse:
    """Take a request back, after asking."""
    asked = TierRequest.objects.of_partner(request.partner).select_related("previous", "tier").public(public_id).first()
    if asked is None:
        raise NotFound()
    if request.method == "POST":
        tier_requests.withdraw(request=asked, by=request.actor)
        messages.success(request, _("Taken back. Your tier stays as it is."))
        return redirect("partners:plan", slug=request.partner.slug)
    return render(request, "partners/plan/withdraw.html", {"asked": asked})

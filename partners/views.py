"""Pages about a partner: confirming the address, starting another partner, settings."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from core.actors import Actor
from partners import members, partners
from partners.forms import PartnerForm
from partners.models import Partner
from partners.pages import PartnerRequest, partner_page


@require_http_methods(["GET", "POST"])
def verify(request: HttpRequest, token: str) -> HttpResponse:
    """The link of a confirmation mail. It asks first: programs that read mail follow links, and must not confirm by it."""
    try:
        address = members.awaiting(token)
        if request.method == "POST":
            call = request.call  # type: ignore[attr-defined]  # by core.middleware
            members.confirm(token=token, by=Actor("public", address=call.address, request_id=call.id))
            messages.success(request, _("Your address is confirmed. Sign in to go on."))
            return redirect("account_login")
    except members.InvalidConfirmation as problem:
        return render(request, "partners/verify.html", {"problem": problem}, status=problem.status)
    partner = Partner.objects.of_member(address.user).first()
    return render(request, "partners/verify.html", {"address": address, "partner": partner})


@login_required
@require_http_methods(["GET", "POST"])
def create(request: HttpRequest) -> HttpResponse:
    """A further partner for a person who has an account."""
    form = PartnerForm(request.POST or None)
    if form.is_valid():
        call = request.call  # type: ignore[attr-defined]  # by core.middleware
        person = request.user
        by = Actor("public", address=call.address, request_id=call.id)
        partner = partners.create(owner=person, by=by, **form.cleaned_data)  # type: ignore[arg-type]  # the page wants a sign-in
        return redirect("partners:onboarding", slug=partner.slug)
    return render(request, "partners/create.html", {"form": form})


@require_GET
@partner_page("partner:read")
def settings(request: PartnerRequest) -> HttpResponse:
    """Where the partner stands."""
    return render(request, "partners/settings.html", {"partner": request.partner})

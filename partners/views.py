"""Pages about a partner: confirming the address, starting another partner, team, settings, and what is public."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from core.actors import Actor
from core.tables import listing
from partners import members, partners
from partners.forms import PartnerForm, SettingsForm
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


@partner_page("partner:read", post="partner:write")
def settings(request: PartnerRequest) -> HttpResponse:
    """The profile, and where the partner stands."""
    may_write = request.member.may("partner:write")
    form = SettingsForm(request.POST or None, instance=request.partner)
    if request.method == "POST" and form.is_valid():
        request.partner.refresh_from_db()
        partners.update(partner=request.partner, by=request.actor, **form.cleaned_data)
        messages.success(request, _("Saved."))
        return redirect(request.path)
    if not may_write:
        for field in form.fields.values():
            field.disabled = True
    return render(request, "partners/settings.html", {"form": form, "may_write": may_write, "partner": request.partner})


@require_GET
def showcase(request: HttpRequest) -> HttpResponse:
    """Partners that show themselves."""
    found = Partner.objects.public_profiles()
    asked = request.GET.get("q", "").replace("\0", "").strip()
    if asked:
        found = found.filter(name__icontains=asked)
    return render(request, "partners/showcase.html", {"found": listing(request, found, ordering="name"), "asked": asked})


@require_GET
def profile(request: HttpRequest, slug: str) -> HttpResponse:
    """One partner, to everybody."""
    partner = Partner.objects.public_profiles().filter(slug=slug).first()
    if partner is None:
        raise Http404
    return render(request, "partners/profile.html", {"shown": partner})

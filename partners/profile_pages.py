"""The pages on which a partner writes its public profile, and its logo."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from core.problems import ValidationError
from partners import logos, partners, profiles
from partners.forms import LogoForm, ProfileForm, show_problem
from partners.models import Partner
from partners.pages import PartnerRequest, partner_page


@partner_page("partner:read", post="partner:write")
def edit(request: PartnerRequest) -> HttpResponse:
    """What everybody sees of the partner, beside how it will look."""
    form = ProfileForm(request.POST or None, instance=request.partner)
    if request.method == "POST" and form.is_valid():
        request.partner.refresh_from_db()  # a model form has written into it, and the verb compares
        partners.update(partner=request.partner, by=request.actor, **form.facts())
        messages.success(request, _("Saved."))
        return redirect(request.path)
    stored = Partner.objects.select_related("tier").get(pk=request.partner.pk) if form.errors else request.partner
    request.partner = stored  # the page around the form shows what is, not what was typed
    may_write = request.member.may("partner:write")
    if not may_write:
        for field in form.fields.values():
            field.disabled = True
    context = {
        "form": form,
        "logo_form": LogoForm(),
        "may_write": may_write,
        "shown": form.instance,
        **_progress(stored),
    }
    return render(request, "partners/profile/edit.html", context, status=422 if form.errors else 200)


@require_POST
@partner_page("partner:write", operators="always")
def draft(request: PartnerRequest) -> HttpResponse:
    """How what is typed so far will look; nothing of it is kept."""
    form = ProfileForm(request.POST, instance=request.partner)
    form.is_valid()
    return render(
        request, "partners/profile/draft.html", {"shown": form.instance, "wrong": form.wrong(), "changed": form.has_changed()}
    )


@require_POST
@partner_page("partner:write")
def put_logo(request: PartnerRequest) -> HttpResponse:
    """Take a picture for the logo; what is wrong with it is said on the profile."""
    form = LogoForm(request.POST, request.FILES)
    if form.is_valid():
        try:
            logos.put(partner=request.partner, content=form.cleaned_data["file"].read(), by=request.actor)
        except ValidationError as problem:
            show_problem(form, problem)
        else:
            messages.success(request, _("The logo is changed. It shows everywhere at once."))
    for error in form.errors.get("file", ()):
        messages.error(request, str(error))
    return redirect("partners:profile_edit", slug=request.partner.slug)


@partner_page("partner:write")
def remove_logo(request: PartnerRequest) -> HttpResponse:
    """Ask, and on POST take it away."""
    if request.method == "POST":
        logos.remove(partner=request.partner, by=request.actor)
        messages.success(request, _("The logo is gone; your initials stand in its place."))
        return redirect("partners:profile_edit", slug=request.partner.slug)
    return render(request, "partners/profile/remove_logo.html")


def _progress(partner: Partner) -> dict[str, Any]:
    lacking = profiles.lacking(partner)
    return {"lacking": lacking, "most": len(profiles.PARTS), "filled": len(profiles.PARTS) - len(lacking)}

"""The onboarding's pages: one a step, with the way walked so far on each."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from core.problems import NotFound, ValidationError
from core.tables import listing
from partners import documents, onboarding
from partners.forms import ApiSetupForm, BasicInfoForm, BusinessDetailsForm, DocumentForm, show_problem
from partners.models import Document, Partner
from partners.pages import PartnerRequest, partner_page

LEADS = {
    onboarding.BASIC_INFO: _("Who you are, and whom we may ask."),
    onboarding.BUSINESS_DETAILS: _("The company behind it, as it is registered."),
    onboarding.API_SETUP: _("What you will build, and where your program can be reached."),
}


@partner_page("partner:read")
def start(request: PartnerRequest) -> HttpResponse:
    """On to the step that comes next."""
    current = onboarding.progress(request.partner).current or onboarding.ACTIVATION
    return redirect("partners:step", slug=request.partner.slug, name=current)


@partner_page("partner:read", post="partner:write")
def step(request: PartnerRequest, name: str) -> HttpResponse:
    """One step: a form, or for documents and activation what is wanted there."""
    if name not in onboarding.TITLES:
        raise NotFound()
    progress = onboarding.progress(request.partner)
    locked = request.partner.status != Partner.Status.PENDING or progress.status in {"in_review", "rejected"}
    context: dict[str, Any] = {
        "progress": progress,
        "step": next(each for each in progress.steps if each.name == name),
        "number": list(onboarding.TITLES).index(name) + 1,
        "locked": locked,
        "may_write": request.member.may("partner:write"),
        "lead": LEADS.get(name, ""),
    }
    if name in onboarding.FIELDS:
        return _filled_in(request, name, context)
    if name == onboarding.DOCUMENTS:
        return _documents(request, context)
    if name == onboarding.ACTIVATION and request.method == "POST":
        onboarding.submit(partner=request.partner, by=request.actor)
        messages.success(request, _("Submitted. We will mail you our decision."))
        return redirect(request.path)
    context["lacking"] = onboarding.missing(request.partner)
    return render(request, f"partners/steps/{name}.html", context)


def _filled_in(request: PartnerRequest, name: str, context: dict[str, Any]) -> HttpResponse:
    form = _form(request.partner, name, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        request.partner.refresh_from_db()  # a model form has written into it, and the verb compares
        progress = onboarding.save(partner=request.partner, step=name, by=request.actor, **form.cleaned_data)
        messages.success(request, _("Saved."))
        return redirect("partners:step", slug=request.partner.slug, name=progress.current or onboarding.ACTIVATION)
    if context["locked"] or not context["may_write"]:
        for field in form.fields.values():
            field.disabled = True
    return render(request, "partners/steps/form.html", {**context, "form": form})


def _documents(request: PartnerRequest, context: dict[str, Any]) -> HttpResponse:
    """What the tier asks for, what is there, and a form to upload more."""
    form = DocumentForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        try:
            documents.upload(
                partner=request.partner,
                kind=form.cleaned_data["kind"],
                filename=file.name,
                content=file.read(),
                by=request.actor,
            )
        except ValidationError as problem:
            show_problem(form, problem)
        else:
            messages.success(request, _("Uploaded."))
            return redirect(request.path)
    found = listing(request, Document.objects.filter(partner=request.partner))
    wanted = [Document.Kind(kind).label for kind in context["step"].missing]
    context |= {"form": form, "documents": found, "wanted": wanted}
    return render(request, "partners/steps/documents.html", context)


def _form(partner: Partner, name: str, data: Any) -> Any:
    company = partner.company
    contact = {field: getattr(company, field) for field in ("contact_name", "contact_email", "contact_phone")}
    if name == onboarding.BASIC_INFO:
        return BasicInfoForm(data, instance=partner, initial=contact)
    if name == onboarding.BUSINESS_DETAILS:
        return BusinessDetailsForm(data, instance=company)
    return ApiSetupForm(data, instance=partner.api_setup)

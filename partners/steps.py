"""The onboarding's pages: one a step, with the way walked so far on each. What is typed is kept as it is typed."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.problems import Conflict, NotFound
from partners import onboarding, paperwork, webhook_check
from partners.forms import ApiSetupForm, BasicInfoForm, BusinessDetailsForm
from partners.models import Partner
from partners.pages import PartnerRequest, partner_page

LEADS = {
    onboarding.BASIC_INFO: gettext_lazy("Who you are, and whom we may ask."),
    onboarding.BUSINESS_DETAILS: gettext_lazy("The company behind it, as it is registered."),
    onboarding.API_SETUP: gettext_lazy("What you will build, and where your program can be reached."),
    onboarding.DOCUMENTS: gettext_lazy("What shows that the company is what you say."),
    onboarding.ACTIVATION: gettext_lazy("The last step before you are live."),
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
    context = _context(request, name)
    if name in onboarding.FIELDS:
        return _filled_in(request, name, context)
    if name == onboarding.DOCUMENTS:
        return _documents(request, context)
    if request.method == "POST":
        return _submitted(request)
    context["lacking"] = onboarding.missing(request.partner)
    context["decided"] = onboarding.needs_decision(request.partner)
    return render(request, f"partners/steps/{name}.html", context)


def _context(request: PartnerRequest, name: str) -> dict[str, Any]:
    """What every step's page shows."""
    progress = onboarding.progress(request.partner)
    ended = request.partner.status not in {Partner.Status.PENDING, Partner.Status.ACTIVE}
    return {
        "progress": progress,
        "step": next(each for each in progress.steps if each.name == name),
        "number": list(onboarding.TITLES).index(name) + 1,
        "locked": ended or progress.locked,
        "may_write": request.member.may("partner:write"),
        "lead": LEADS[name],
        "setup": request.partner.api_setup,
    }


def _filled_in(request: PartnerRequest, name: str, context: dict[str, Any]) -> HttpResponse:
    form = _form(request.partner, name, request.POST if request.method == "POST" else None)
    if request.method == "POST" and request.htmx:  # type: ignore[attr-defined]  # by django-htmx
        return _kept(request, name, form)
    if request.method == "POST" and "check" in request.POST:
        webhook_check.run(request.partner)
        return redirect(request.path)
    if request.method == "POST" and form.is_valid():
        progress = _save(request, name, form)
        messages.success(request, _("Saved."))
        following = progress.current or onboarding.ACTIVATION
        stays = request.partner.activated_at or (name == onboarding.API_SETUP and not _webhook_answers(request.partner))
        return redirect("partners:step", slug=request.partner.slug, name=name if stays else following)
    if context["locked"] or not context["may_write"]:
        for field in form.fields.values():
            field.disabled = True
    return render(request, "partners/steps/form.html", {**context, "form": form})


def _kept(request: PartnerRequest, name: str, form: "forms.ModelForm[Any]") -> HttpResponse:
    """What was typed so far, kept as far as it can be; the answer is a line about it, and the progress as it is now."""
    form.is_valid()
    failure = ""
    try:
        _save(request, name, form)
    except Conflict as problem:
        failure = problem.said
    typed = {field: errors for field, errors in form.errors.items() if request.POST.get(field)}
    wrong = [(form.fields[field].label, " ".join(map(str, errors))) for field, errors in typed.items() if field in form.fields]
    return render(request, "partners/steps/kept.html", {**_context(request, name), "wrong": wrong, "failure": failure})


def _save(request: PartnerRequest, name: str, form: "forms.ModelForm[Any]") -> onboarding.Progress:
    """Hand what is valid to the verb."""
    request.partner.refresh_from_db()  # a model form has written into it, and the verb compares
    return onboarding.save(partner=request.partner, step=name, by=request.actor, **form.cleaned_data)


def _webhook_answers(partner: Partner) -> bool:
    """Whether there is nothing to say about the webhook address. One that was not tried yet is tried now."""
    setup = partner.api_setup
    if not setup.webhook_url or setup.webhook_reached is not None:
        return True
    return bool(webhook_check.run(partner).webhook_reached)


def _documents(request: PartnerRequest, context: dict[str, Any]) -> HttpResponse:
    """What the tier asks for, what is there, and a form to upload more."""
    paper = paperwork.of(request)
    if paper.uploaded:
        return redirect(request.path)
    return render(request, "partners/steps/documents.html", {**context, **paper.context})


def _submitted(request: PartnerRequest) -> HttpResponse:
    was_live = request.partner.activated_at
    onboarding.submit(partner=request.partner, by=request.actor)
    request.partner.refresh_from_db()
    if request.partner.activated_at and not was_live:
        messages.success(request, _("You are live. Create a live key, and your program can call the API."))
    else:
        messages.success(request, _("Submitted. We will mail you our decision."))
    return redirect(request.path)


def _form(partner: Partner, name: str, data: Any) -> Any:
    company = partner.company
    contact = {field: getattr(company, field) for field in ("contact_name", "contact_email", "contact_phone")}
    if name == onboarding.BASIC_INFO:
        return BasicInfoForm(data, instance=partner, initial=contact)
    if name == onboarding.BUSINESS_DETAILS:
        return BusinessDetailsForm(data, instance=company)
    return ApiSetupForm(data, instance=partner.api_setup)

"""The portal's pages for what a partner sells and what it has installed."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError as FieldError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from core import scopes
from core.models import Environment
from core.problems import NotFound, Problem, ValidationError
from core.tables import listing
from marketplace import installations, integrations
from marketplace.forms import ConsentForm, IntegrationForm, SubmitForm
from marketplace.models import Installation, Integration
from partners.forms import show_problem
from partners.pages import PartnerRequest, partner_page

Status = Integration.Status
EDITABLE = frozenset({Status.DRAFT, Status.APPROVED, Status.PUBLISHED, Status.UNPUBLISHED})


@partner_page("integrations:read")
def integration_list(request: PartnerRequest) -> HttpResponse:
    """Integrations of this environment."""
    found = Integration.objects.for_caller(request.partner, request.environment).select_related("current")
    context = {
        "integrations": listing(request, found, sortable=("name",)),
        "may_write": request.member.may("integrations:write"),
        "slug": request.partner.slug,
    }
    return render(request, "marketplace/integrations.html", context)


@never_cache
@partner_page("integrations:write", operators="never")
def create(request: PartnerRequest) -> HttpResponse:
    """A draft, and its signing secret, shown this once."""
    form = IntegrationForm(request.POST or None)
    if form.is_valid():
        try:
            drafted = integrations.create(
                partner=request.partner, environment=request.environment, by=request.actor, **form.facts()
            )
        except (ValidationError, FieldError) as problem:
            _show(form, problem)
        else:
            return render(request, "marketplace/secret.html", {"drafted": drafted, "slug": request.partner.slug})
    return render(request, "marketplace/create.html", {"form": form, "slug": request.partner.slug})


@partner_page("integrations:read", post="integrations:write")
def detail(request: PartnerRequest, public_id: str) -> HttpResponse:
    """One integration: where it stands, what it says, its versions."""
    integration = _integration(request, public_id)
    may_write = request.member.may("integrations:write")
    form = IntegrationForm.of(integration, request.POST or None) if may_write and integration.status in EDITABLE else None
    if request.method == "POST" and form is not None and form.is_valid():
        try:
            changed = integrations.update(integration=integration, changes=form.facts(), by=request.actor)
        except (ValidationError, FieldError) as problem:
            _show(form, problem)
        else:
            if changed.status != integration.status:
                messages.success(request, _("Saved. It is a draft again: submit it when it is ready."))
            else:
                messages.success(request, _("Saved."))
            return redirect(request.path)
    context = {
        "integration": integration,
        "form": form,
        "submit_form": SubmitForm(),
        "versions": list(integration.versions.all()),
        "may_write": may_write,
        "installed": Installation.objects.filter(integration=integration).present().count(),
        "address": f"/apis/{integration.slug}/",
        "slug": request.partner.slug,
    }
    return render(request, "marketplace/detail.html", context)


@require_POST
@partner_page("integrations:write")
def act(request: PartnerRequest, public_id: str, verb: str) -> HttpResponse:
    """Submit, publish or unpublish."""
    integration = _integration(request, public_id)
    try:
        messages.success(request, _done(request, integration, verb))
    except Problem as problem:
        messages.error(request, problem.said)
    return redirect("marketplace:detail", slug=request.partner.slug, public_id=integration.public_id)


@partner_page("integrations:write")
def delete(request: PartnerRequest, public_id: str) -> HttpResponse:
    """Remove one that was never published, after asking."""
    integration = _integration(request, public_id)
    if request.method == "POST":
        integrations.delete(integration=integration, by=request.actor)
        messages.success(request, _("“%(name)s” is deleted.") % {"name": integration.name})
        return redirect("marketplace:integrations", slug=request.partner.slug)
    return render(request, "marketplace/delete.html", {"integration": integration, "slug": request.partner.slug})


@partner_page("marketplace:read")
def installation_list(request: PartnerRequest) -> HttpResponse:
    """What is installed in this environment."""
    found = Installation.objects.for_caller(request.partner, request.environment).present()
    context = {
        "installations": listing(request, found.select_related("integration__partner", "version")),
        "may_write": request.member.may("marketplace:write"),
        "slug": request.partner.slug,
    }
    return render(request, "marketplace/installations.html", context)


@partner_page("marketplace:write")
def install(request: PartnerRequest, integration: str) -> HttpResponse:
    """What is agreed to, and the yes."""
    visible = Integration.objects.visible_to(request.partner, request.environment)
    found = visible.select_related("current", "partner").filter(slug=integration).first()
    if found is None or found.current is None:
        raise NotFound()
    here = Installation.objects.for_caller(request.partner, request.environment).present().filter(integration=found)
    if present := here.first():
        messages.info(request, _("“%(name)s” is installed already.") % {"name": found.name})
        return redirect("marketplace:installation", slug=request.partner.slug, public_id=present.public_id)
    form = ConsentForm(request.POST or None)
    if form.is_valid():
        installation = installations.install(
            integration=found,
            partner=request.partner,
            environment=request.environment,
            scopes=request.POST.getlist("scopes"),
            number=request.POST.get("version"),
            held=[name for name in scopes.known() if request.member.may(name)],
            by=request.actor,
        )
        messages.success(request, _("“%(name)s” is installed. You can call it now.") % {"name": found.name})
        return redirect("marketplace:installation", slug=request.partner.slug, public_id=installation.public_id)
    context = {
        "integration": found,
        "version": found.current,
        "scopes": described(found.current.scopes),
        "form": form,
        "is_live": request.environment == Environment.LIVE,
        "slug": request.partner.slug,
    }
    return render(request, "marketplace/install.html", context)


@partner_page("marketplace:read")
def installation(request: PartnerRequest, public_id: str) -> HttpResponse:
    """One installation: what was agreed to, and how to call."""
    row = _installation(request, public_id)
    context = {
        "installation": row,
        "scopes": described(row.granted_scopes),
        "may_write": request.member.may("marketplace:write"),
        "slug": request.partner.slug,
    }
    return render(request, "marketplace/installation.html", context)


@partner_page("marketplace:write")
def uninstall(request: PartnerRequest, public_id: str) -> HttpResponse:
    """End the right to call, after asking."""
    row = _installation(request, public_id)
    if request.method == "POST":
        installations.uninstall(installation=row, by=request.actor)
        messages.success(request, _("“%(name)s” is uninstalled. Calls to it are refused.") % {"name": row.integration.name})
        return redirect("marketplace:installations", slug=request.partner.slug)
    return render(request, "marketplace/uninstall.html", {"installation": row, "slug": request.partner.slug})


def described(names: list[str]) -> list[dict[str, Any]]:
    """Scopes with what they mean."""
    found = scopes.find(names)
    return [{"name": name, "description": found[name].description if name in found else ""} for name in names]


def _integration(request: PartnerRequest, public_id: str) -> Integration:
    found = Integration.objects.for_caller(request.partner, request.environment).select_related("current", "partner")
    integration = found.public(public_id).first()
    if integration is None:
        raise NotFound()
    return integration


def _installation(request: PartnerRequest, public_id: str) -> Installation:
    found = Installation.objects.for_caller(request.partner, request.environment)
    row = found.select_related("integration__partner", "version", "partner").public(public_id).first()
    if row is None:
        raise NotFound()
    return row


def _show(form: IntegrationForm, problem: ValidationError | FieldError) -> None:
    """Each error on its field."""
    if isinstance(problem, ValidationError):
        show_problem(form, problem)
        return
    for name, errors in problem.message_dict.items():
        form.add_error(name if name in form.fields else None, errors)


def _done(request: PartnerRequest, integration: Integration, verb: str) -> str:
    """Do it, and say what that means. Raises StaleState, PartnerNotActive."""
    if verb == "submit":
        form = SubmitForm(request.POST)
        if not form.is_valid():
            raise ValidationError(dict(form.errors))
        submitted = integrations.submit(integration=integration, notes=form.cleaned_data["notes"], by=request.actor)
        if submitted.status == Status.APPROVED:
            return _("Approved: test integrations need no review. Publish it to try it.")
        return _("Handed in. You are told as soon as it was reviewed.")
    if verb == "publish":
        integrations.publish(integration=integration, by=request.actor)
        return _("“%(name)s” is published.") % {"name": integration.name}
    integrations.unpublish(integration=integration, by=request.actor)
    return _("“%(name)s” has left the marketplace. Who has installed it keeps it.") % {"name": integration.name}

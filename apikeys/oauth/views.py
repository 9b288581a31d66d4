"""The portal's pages for applications, and for what other partners' applications may do here."""

from datetime import timedelta

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from apikeys.forms import rights_of
from apikeys.oauth import applications, consents
from apikeys.oauth.forms import ApplicationForm, NewApplicationForm, RotateSecretForm
from apikeys.oauth.models import Application, ClientSecret, Consent
from core import scopes
from core.models import Environment
from core.problems import NotFound, ValidationError
from core.states import StaleState
from core.tables import listing
from partners.forms import show_problem
from partners.models import Partner
from partners.pages import PartnerRequest, partner_page

SETTINGS = ("name", "grant_types", "scopes", "redirect_uris", "ip_allowlist", "rate_limit_per_minute")


@require_safe
@partner_page("keys:read")
def application_list(request: PartnerRequest) -> HttpResponse:
    """Applications of this environment."""
    found = Application.objects.for_caller(request.partner, request.environment).select_related("partner")
    context = {
        "applications": listing(request, found, sortable=("name",)),
        "may_create": _may_create(request),
        "partner": request.partner,
    }
    return render(request, "oauth/list.html", context)


@partner_page("keys:write")
def create(request: PartnerRequest) -> HttpResponse:
    """Make an application and show its secret, this once."""
    if not _may_create(request):
        return redirect("oauth:list", slug=request.partner.slug)
    initial = {"grant_types": ["client_credentials"]}
    form = NewApplicationForm(request.POST or None, initial=initial, member=request.member, partner=request.partner)
    if form.is_valid():
        try:
            issued = applications.issue(
                partner=request.partner,
                environment=request.environment,
                by=request.actor,
                rights=rights_of(request.member),
                **form.cleaned_data,
            )
        except ValidationError as problem:
            show_problem(form, problem)
        else:
            return _reveal(request, issued)
    return render(request, "oauth/create.html", {"form": form, "partner": request.partner})


@partner_page("keys:read", post="keys:write")
def detail(request: PartnerRequest, public_id: str) -> HttpResponse:
    """One application: what it may and who uses it; its settings can be changed here."""
    application = _application(request, public_id)
    may_write = request.member.may("keys:write") and application.status != Application.Status.REVOKED
    initial = {name: getattr(application, name) for name in SETTINGS}
    form = ApplicationForm(request.POST or None, initial=initial, member=request.member, partner=request.partner)
    if request.method == "POST" and form.is_valid():
        try:
            applications.update(application=application, by=request.actor, rights=rights_of(request.member), **form.cleaned_data)
        except ValidationError as problem:
            show_problem(form, problem)
        else:
            messages.success(request, _("Saved. It holds from the next call on."))
            return redirect(request.path)
    context = {
        "application": application,
        "secrets": ClientSecret.objects.filter(application=application).usable(),
        "connections": Consent.objects.filter(application=application).active().count(),
        "form": form,
        "may_write": may_write,
        "partner": request.partner,
        "base_url": settings.BASE_URL,
    }
    return render(request, "oauth/detail.html", context)


@partner_page("keys:write")
def rotate_secret(request: PartnerRequest, public_id: str) -> HttpResponse:
    """A new client secret, shown this once; the earlier one works on for the time that is chosen."""
    application = _application(request, public_id)
    form = RotateSecretForm(request.POST or None, longest=application.partner.tier.longest_grace)
    if form.is_valid():
        grace = timedelta(seconds=form.cleaned_data["grace"])
        rights = rights_of(request.member)
        issued = applications.rotate_secret(application=application, grace=grace, by=request.actor, rights=rights)
        return _reveal(request, issued)
    return render(request, "oauth/rotate_secret.html", {"application": application, "form": form, "partner": request.partner})


@partner_page("keys:write")
def revoke_secret(request: PartnerRequest, public_id: str, secret_id: str) -> HttpResponse:
    """End one client secret at once, after asking."""
    application = _application(request, public_id)
    secret = ClientSecret.objects.filter(application=application).usable().public(secret_id).first()
    if secret is None:
        raise NotFound()
    if request.method == "POST":
        secret.application = application
        applications.revoke_secret(secret=secret, by=request.actor)
        messages.success(request, _("The secret %(hint)s works no more.") % {"hint": secret.hint})
        return redirect(application.get_absolute_url())
    context = {"application": application, "secret": secret, "partner": request.partner}
    return render(request, "oauth/revoke_secret.html", context)


@partner_page("keys:write")
def revoke(request: PartnerRequest, public_id: str) -> HttpResponse:
    """End an application for good, after asking."""
    application = _application(request, public_id)
    if request.method == "POST":
        applications.revoke(application=application, by=request.actor)
        messages.success(request, _("Application “%(name)s” ended.") % {"name": application.name})
        return redirect("oauth:list", slug=request.partner.slug)
    return render(request, "oauth/revoke.html", {"application": application, "partner": request.partner})


@require_POST
@partner_page("keys:write")
def switch(request: PartnerRequest, public_id: str, to: str) -> HttpResponse:
    """Off (`disable`) or on again (`enable`)."""
    application = _application(request, public_id)
    try:
        if to == "disable":
            applications.disable(application=application, by=request.actor)
            messages.success(request, _("“%(name)s” is off: its calls are refused.") % {"name": application.name})
        else:
            applications.enable(application=application, by=request.actor)
            messages.success(request, _("“%(name)s” is on again.") % {"name": application.name})
    except StaleState as problem:
        messages.error(request, problem.said)
    return redirect(application.get_absolute_url())


@require_safe
@partner_page("keys:read")
def consent_list(request: PartnerRequest) -> HttpResponse:
    """Applications that may act for this partner, and those that might."""
    found = Consent.objects.for_caller(request.partner, request.environment).select_related("application__partner", "partner")
    context = {"consents": listing(request, found), "partner": request.partner}
    return render(request, "oauth/connected.html", context)


@require_safe
@partner_page("keys:read")
def consent_detail(request: PartnerRequest, public_id: str) -> HttpResponse:
    """One of them: who made it, what it may, and who said yes."""
    consent = _consent(request, public_id)
    context = {
        "consent": consent,
        "scopes": list(scopes.find(consent.scopes).values()),
        "may_write": request.member.may("keys:write") and consent.status == Consent.Status.ACTIVE,
        "partner": request.partner,
    }
    return render(request, "oauth/connection.html", context)


@partner_page("keys:write")
def disconnect(request: PartnerRequest, public_id: str) -> HttpResponse:
    """Take a consent back, after asking."""
    consent = _consent(request, public_id)
    if request.method == "POST":
        consents.revoke(consent=consent, by=request.actor)
        messages.success(request, _("“%(name)s” may act for you no more.") % {"name": consent.application.name})
        return redirect("oauth:connected", slug=request.partner.slug)
    return render(request, "oauth/disconnect.html", {"consent": consent, "partner": request.partner})


def _application(request: PartnerRequest, public_id: str) -> Application:
    found = Application.objects.for_caller(request.partner, request.environment).select_related("partner__tier")
    application: Application | None = found.public(public_id).first()
    if application is None:
        raise NotFound()
    return application


def _consent(request: PartnerRequest, public_id: str) -> Consent:
    found = Consent.objects.for_caller(request.partner, request.environment)
    consent: Consent | None = found.select_related("application__partner", "partner", "member__user").public(public_id).first()
    if consent is None:
        raise NotFound()
    return consent


def _may_create(request: PartnerRequest) -> bool:
    """Whether a new application of this environment would be let through at all."""
    status = request.partner.status
    fit = status == Partner.Status.ACTIVE or (status == Partner.Status.PENDING and request.environment == Environment.TEST)
    return fit and request.member.may("keys:write")


def _reveal(request: PartnerRequest, issued: applications.Issued) -> HttpResponse:
    """The one page that shows a client secret. It is the answer to the POST, so that the secret is kept nowhere on its way."""
    context = {"issued": issued, "application": issued.application, "partner": request.partner, "base_url": settings.BASE_URL}
    response = render(request, "oauth/reveal.html", context)
    response["Cache-Control"] = "no-store"
    return response

"""The portal's pages for keys: list, create, look at and change, rotate, switch off and on, revoke."""

from datetime import timedelta

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from apikeys import keys
from apikeys.forms import KeyForm, NewKeyForm, RotateForm, rights_of
from apikeys.models import Key
from core.models import Environment
from core.problems import NotFound, ValidationError
from core.states import StaleState
from core.tables import listing
from partners.forms import show_problem
from partners.models import Partner
from partners.pages import PartnerRequest, partner_page


@partner_page("keys:read")
def key_list(request: PartnerRequest) -> HttpResponse:
    """Keys of this environment."""
    found = Key.objects.for_caller(request.partner, request.environment).select_related("partner")
    context = {
        "keys": listing(request, found, sortable=("name",)),
        "may_create": _may_create(request),
        "live_needs_approval": request.environment == Environment.LIVE and request.partner.status == Partner.Status.PENDING,
        "partner": request.partner,
    }
    return render(request, "apikeys/list.html", context)


@partner_page("keys:write")
def create(request: PartnerRequest) -> HttpResponse:
    """Make a key and show it, this once."""
    if not _may_create(request):
        return redirect("apikeys:list", slug=request.partner.slug)
    form = NewKeyForm(request.POST or None, member=request.member, partner=request.partner)
    if form.is_valid():
        try:
            issued = keys.issue(
                partner=request.partner,
                environment=request.environment,
                by=request.actor,
                rights=rights_of(request.member),
                **form.settings(),
            )
        except ValidationError as problem:
            show_problem(form, problem)
        else:
            return _reveal(request, issued)
    return render(request, "apikeys/create.html", {"form": form, "partner": request.partner})


@partner_page("keys:read", post="keys:write")
def detail(request: PartnerRequest, public_id: str) -> HttpResponse:
    """One key: what it may and how it fares; its settings can be changed here."""
    key = _key(request, public_id)
    may_write = request.member.may("keys:write") and key.status in {Key.Status.ACTIVE, Key.Status.DISABLED}
    initial = {name: getattr(key, name) for name in ("name", "scopes", "ip_allowlist", "rate_limit_per_minute")}
    form = KeyForm(request.POST or None, initial=initial, member=request.member, partner=request.partner)
    if request.method == "POST" and form.is_valid():
        try:
            keys.update(key=key, by=request.actor, rights=rights_of(request.member), **form.cleaned_data)
        except ValidationError as problem:
            show_problem(form, problem)
        else:
            messages.success(request, _("Saved. It holds from the next call on."))
            return redirect(request.path)
    context = {"key": key, "form": form, "may_write": may_write, "partner": request.partner}
    return render(request, "apikeys/detail.html", context)


@partner_page("keys:write")
def rotate(request: PartnerRequest, public_id: str) -> HttpResponse:
    """A successor, shown this once; the old key works on for the time that is chosen."""
    key = _key(request, public_id)
    form = RotateForm(request.POST or None, longest=key.partner.tier.longest_grace)
    if form.is_valid():
        grace = timedelta(seconds=form.cleaned_data["grace"])
        rights = rights_of(request.member)
        return _reveal(request, keys.rotate(key=key, grace=grace, by=request.actor, rights=rights), old=key)
    return render(request, "apikeys/rotate.html", {"key": key, "form": form, "partner": request.partner})


@partner_page("keys:write")
def revoke(request: PartnerRequest, public_id: str) -> HttpResponse:
    """End a key for good, after asking."""
    key = _key(request, public_id)
    if request.method == "POST":
        keys.revoke(key=key, by=request.actor)
        messages.success(request, _("Key “%(name)s” revoked.") % {"name": key.name})
        return redirect("apikeys:list", slug=request.partner.slug)
    return render(request, "apikeys/revoke.html", {"key": key, "partner": request.partner})


@require_POST
@partner_page("keys:write")
def switch(request: PartnerRequest, public_id: str, to: str) -> HttpResponse:
    """Off (`disable`) or on again (`enable`)."""
    key = _key(request, public_id)
    try:
        if to == "disable":
            keys.disable(key=key, by=request.actor)
            messages.success(request, _("Key “%(name)s” is off: its calls are refused.") % {"name": key.name})
        else:
            keys.enable(key=key, by=request.actor)
            messages.success(request, _("Key “%(name)s” is on again.") % {"name": key.name})
    except StaleState as problem:
        messages.error(request, problem.said)
    return redirect("apikeys:detail", slug=request.partner.slug, public_id=key.public_id)


def _key(request: PartnerRequest, public_id: str) -> Key:
    found = Key.objects.for_caller(request.partner, request.environment).select_related("partner__tier")
    key = found.public(public_id).first()
    if key is None:
        raise NotFound()
    return key


def _may_create(request: PartnerRequest) -> bool:
    """Whether a new key of this environment would be let through at all."""
    status = request.partner.status
    fit = status == Partner.Status.ACTIVE or (status == Partner.Status.PENDING and request.environment == Environment.TEST)
    return fit and request.member.may("keys:write")


def _reveal(request: PartnerRequest, issued: keys.Issued, old: Key | None = None) -> HttpResponse:
    """The one page that shows a key. It is the answer to the POST, so that the key is kept nowhere on its way."""
    context = {"issued": issued, "old": old, "partner": request.partner, "base_url": settings.BASE_URL}
    response = render(request, "apikeys/reveal.html", context)
    response["Cache-Control"] = "no-store"
    return response

"""The portal's pages for keys: list, create, look at, change, rotate, switch off and on, revoke."""

from datetime import timedelta

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from apikeys import addresses, keys
from apikeys.filters import STATES, KeyFilter
from apikeys.forms import KeyForm, NewKeyForm, RotateForm, rights_of
from apikeys.models import Key
from core.models import Environment
from core.problems import NotFound, ValidationError
from core.scopes import grouped
from core.states import StaleState
from core.tables import listing
from partners.forms import show_problem
from partners.models import Partner
from partners.pages import PartnerRequest, partner_page


@partner_page("keys:read")
def key_list(request: PartnerRequest) -> HttpResponse:
    """Keys of this environment, narrowed by the URL."""
    owned = Key.objects.for_caller(request.partner, request.environment).select_related("partner")
    asked = {name: request.GET[name].strip() for name in KeyFilter.base_filters if request.GET.get(name, "").strip()}
    narrowed = KeyFilter(asked, queryset=owned)
    context = {
        "keys": listing(request, narrowed.qs if narrowed.is_valid() else owned, sortable=("name",)),
        "asked": asked,
        "states": STATES,
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
    preset = request.GET.get("preset", "")
    form = NewKeyForm(request.POST or None, member=request.member, partner=request.partner, preset=preset)
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
    return render(request, "apikeys/create.html", {"form": form, "partner": request.partner, "address": request.actor.address})


@partner_page("keys:read")
def detail(request: PartnerRequest, public_id: str) -> HttpResponse:
    """One key: what it may, how it fares, what comes before and after it, and what can be done to it."""
    key = _key(request, public_id)
    context = {
        "key": key,
        "may_write": request.member.may("keys:write"),
        "rights": grouped(key.scopes),
        "predecessor": key.predecessors.order_by("-id").first(),
        "outside": _is_outside(request, key),
        "address": request.actor.address,
        "partner": request.partner,
    }
    return render(request, "apikeys/detail.html", context)


@partner_page("keys:write")
def edit(request: PartnerRequest, public_id: str) -> HttpResponse:
    """Change what a key may, from where, how often and until when."""
    key = _key(request, public_id)
    if not key.is_changeable:
        return redirect(key.get_absolute_url())
    preset = request.GET.get("preset", "")
    form = KeyForm(request.POST or None, member=request.member, partner=request.partner, key=key, preset=preset)
    if form.is_valid():
        try:
            keys.update(key=key, by=request.actor, rights=rights_of(request.member), **form.settings())
        except ValidationError as problem:
            show_problem(form, problem)
        else:
            messages.success(request, _("Saved. It holds from the next call on."))
            if _is_outside(request, key):
                told = _("Your own address, %(address)s, is not among the allowed ones.")
                messages.warning(request, told % {"address": request.actor.address})
            return redirect(key.get_absolute_url())
    context = {"key": key, "form": form, "partner": request.partner, "address": request.actor.address}
    return render(request, "apikeys/edit.html", context)


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
def rotate_secret(request: PartnerRequest, public_id: str) -> HttpResponse:
    """Another second secret, shown this once, after asking."""
    key = _key(request, public_id)
    if request.method == "POST":
        return _reveal(request, keys.rotate_secret(key=key, by=request.actor, rights=rights_of(request.member)))
    return render(request, "apikeys/rotate_secret.html", {"key": key, "partner": request.partner})


@partner_page("keys:write")
def revoke(request: PartnerRequest, public_id: str) -> HttpResponse:
    """End a key for good, after asking."""
    key = _key(request, public_id)
    if request.method == "POST":
        keys.revoke(key=key, by=request.actor)
        messages.success(request, _("Key “%(name)s” revoked.") % {"name": key.name})
        return redirect("apikeys:list", slug=request.partner.slug)
    return render(request, "apikeys/revoke.html", {"key": key, "partner": request.partner})


@partner_page("keys:write")
def disable(request: PartnerRequest, public_id: str) -> HttpResponse:
    """Switch a key off, after asking."""
    key = _key(request, public_id)
    if request.method == "POST":
        try:
            keys.disable(key=key, by=request.actor)
            messages.success(request, _("Key “%(name)s” is off: its calls are refused.") % {"name": key.name})
        except StaleState as problem:
            messages.error(request, problem.said)
        return redirect(key.get_absolute_url())
    return render(request, "apikeys/disable.html", {"key": key, "partner": request.partner})


@partner_page("keys:write")
def enable(request: PartnerRequest, public_id: str) -> HttpResponse:
    """Switch a key on again. That needs no second thought, so a GET leads to the key."""
    key = _key(request, public_id)
    if request.method == "POST":
        try:
            keys.enable(key=key, by=request.actor)
            messages.success(request, _("Key “%(name)s” is on again.") % {"name": key.name})
        except StaleState as problem:
            messages.error(request, problem.said)
    return redirect(key.get_absolute_url())


def _key(request: PartnerRequest, public_id: str) -> Key:
    found = Key.objects.for_caller(request.partner, request.environment).select_related("partner__tier", "successor")
    key = found.public(public_id).first()
    if key is None:
        raise NotFound()
    return key


def _may_create(request: PartnerRequest) -> bool:
    """Whether a new key of this environment would be let through at all."""
    status = request.partner.status
    fit = status == Partner.Status.ACTIVE or (status == Partner.Status.PENDING and request.environment == Environment.TEST)
    return fit and request.member.may("keys:write")


def _is_outside(request: PartnerRequest, key: Key) -> bool:
    """Whether the key would be refused where this person sits."""
    address = request.actor.address
    return address is not None and not addresses.allow(key.ip_allowlist, address)


def _reveal(request: PartnerRequest, issued: keys.Issued, old: Key | None = None) -> HttpResponse:
    """The one page that shows a key. It is the answer to the POST, so that the key is kept nowhere on its way."""
    context = {
        "issued": issued,
        "old": old,
        "partner": request.partner,
        "base_url": settings.BASE_URL,
        "outside": _is_outside(request, issued.key),
        "address": request.actor.address,
        "env_file": _env_file(issued),
    }
    response = render(request, "apikeys/reveal.html", context)
    response["Cache-Control"] = "no-store"
    return response


def _env_file(issued: keys.Issued) -> str:
    """The credential as lines of a `.env` file. A name can't add a line of its own."""
    key = issued.key
    lines = [
        f"# {' '.join(key.name.split())} ({key.environment}), {key.public_id}",
        f"PORTICO_URL={settings.BASE_URL}",
        f"PORTICO_ENVIRONMENT={key.environment}",
        f"PORTICO_KEY={issued.text}" if issued.text else "",
        f"PORTICO_SECRET={issued.secret}" if issued.secret else "",
    ]
    return "\n".join(filter(None, lines))

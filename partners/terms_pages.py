"""The terms of service, to everybody at `/terms`, and to a partner that is asked for its yes."""

from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from partners import terms
from partners.models import Acceptance, Terms
from partners.pages import PartnerRequest, partner_page


@require_GET
def current(request: HttpRequest) -> HttpResponse:
    """The version that holds; before the first takes effect, that one."""
    return _shown(request, Terms.objects.in_effect().first() or Terms.objects.upcoming().first())


@require_GET
def version(request: HttpRequest, version: str) -> HttpResponse:
    """Any version that was published."""
    found = Terms.objects.published().filter(version=version).first()
    if found is None:
        raise Http404
    return _shown(request, found)


@require_http_methods(["GET", "POST"])
@partner_page("partner:read", post="partner:write", asks_first=False, operators="never")
def accept(request: PartnerRequest) -> HttpResponse:
    """What the partner is asked to accept, and what it accepted before. A yes leads back to the page that was wanted."""
    start = reverse("portal:dashboard", kwargs={"slug": request.partner.slug})
    wanted = request.GET.get(REDIRECT_FIELD_NAME, "")
    safe = url_has_allowed_host_and_scheme(wanted, allowed_hosts=None) and wanted.startswith(start)
    if request.method == "POST":
        accepted = terms.accept(
            partner=request.partner, version=request.POST.get("version", ""), by=request.actor, user=request.user
        )
        messages.success(request, _("You accepted version %(version)s of the terms.") % {"version": accepted.terms.version})
        return redirect(wanted if safe else request.path)
    standing = terms.standing(request.partner)
    upcoming = standing.upcoming if standing.upcoming and not standing.upcoming.accepted else None
    context = {
        "asked": standing.wanted or upcoming,
        "standing": standing,
        "may_accept": request.member.may("partner:write"),
        "acceptances": Acceptance.objects.filter(partner=request.partner).select_related("terms", "user").defer("terms__text"),
    }
    return render(request, "partners/terms.html", context)


def _shown(request: HttpRequest, terms: Terms | None) -> HttpResponse:
    context = {"terms": terms, "versions": Terms.objects.published().defer("text"), "current": Terms.objects.in_effect().first()}
    return render(request, "partners/terms_public.html", context)

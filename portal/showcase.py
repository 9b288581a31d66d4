"""Partners as everybody sees them: the list at `/partners`, and a page of each, with what it sells."""

from typing import Any

from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_GET

from core.tables import listing
from marketplace.models import Integration
from partners import countries
from partners.models import Industry, Partner
from partners.pages import PartnerRequest, partner_page

ON_A_PAGE = 24
INTEGRATIONS = 12

# Whoever left or was suspended is gone at once, so nobody on the way keeps a page without asking.
fresh = cache_control(private=True, no_cache=True)


@require_GET
@fresh
def showcase(request: HttpRequest) -> HttpResponse:
    """Partners that show themselves: by words, type, industry and the country they serve, all kept in the URL."""
    names = ("q", "type", "industry", "country")
    asked, type, industry, country = (request.GET.get(name, "").replace("\0", "").strip() for name in names)
    found = Partner.objects.public_profiles().matching(asked)
    if type in Partner.Type.values:
        found = found.filter(type=type)
    if industry in Industry.values:
        found = found.filter(industries__contains=[industry])
    if country in countries.names():
        found = found.filter(countries__contains=[country])
    shown = listing(request, found, ordering="name", limit=ON_A_PAGE)
    context = {
        "found": shown,
        "cards": _with_counts(shown.rows),
        "asked": asked,
        "type": type,
        "industry": industry,
        "country": country,
        "types": Partner.Type.choices,
        "industries": Industry.choices,
        "countries": countries.names().items(),
        "narrowed": bool(asked or type or industry or country),
    }
    return render(request, "portal/showcase.html", context)


@require_GET
@fresh
def profile(request: HttpRequest, slug: str) -> HttpResponse:
    """One partner, to everybody."""
    partner = Partner.objects.public_profiles().filter(slug=slug).first()
    if partner is None:
        raise Http404
    return render(request, "portal/profile.html", _profile(partner))


@require_GET
@partner_page("partner:read")
def preview(request: PartnerRequest) -> HttpResponse:
    """The same page to the partner's own people, also while nobody else sees it."""
    return render(request, "portal/profile.html", {**_profile(request.partner), "preview": True})


def _profile(partner: Partner) -> dict[str, Any]:
    sold = Integration.objects.listed().filter(partner=partner).select_related("category", "current")
    return {"shown": partner, "integrations": sold.order_by("-published_at")[:INTEGRATIONS]}


def _with_counts(rows: Any) -> list[tuple[Partner, int]]:
    """Each with the number of its integrations in the marketplace."""
    listed = Integration.objects.listed().filter(partner__in=rows).order_by()
    counts = dict(listed.values_list("partner").annotate(number=Count("pk")))
    return [(row, counts.get(row.pk, 0)) for row in rows]

"""The marketplace as anybody sees it."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from core.tables import listing
from marketplace.models import Category, Integration, Pricing
from marketplace.views import described
from partners.models import Member, Partner


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """Browse: by words, category and pricing, all kept in the URL."""
    asked, category, pricing = (request.GET.get(name, "").replace("\0", "").strip() for name in ("q", "category", "pricing"))
    found = Integration.objects.listed().matching(asked).select_related("partner", "category", "current")
    if category:
        found = found.filter(category__in=Category.below(category))
    if pricing in Pricing.values:
        found = found.filter(current__pricing=pricing)
    context = {
        "integrations": listing(request, found, sortable=("name", "published_at"), ordering="-published_at", limit=24),
        "categories": Category.objects.all(),
        "pricings": Pricing.choices,
        "asked": asked,
        "category": category,
        "pricing": pricing,
    }
    return render(request, "marketplace/home.html", context)


@require_GET
def integration(request: HttpRequest, integration: str) -> HttpResponse:
    """One integration, and where a member can install it."""
    rows = Integration.objects.listed().select_related("partner", "category", "current")
    found = rows.filter(slug=integration).first()
    if found is None or found.current is None:
        raise Http404
    context = {
        "integration": found,
        "version": found.current,
        "scopes": described(found.current.scopes),
        "versions": found.versions.filter(released_at__isnull=False)[:10],
        "buyers": _buyers(request),
    }
    return render(request, "marketplace/integration.html", context)


def _buyers(request: HttpRequest) -> list[Partner]:
    """The partners for which the visitor may install."""
    if not request.user.is_authenticated:
        return []
    members = Member.objects.filter(user=request.user, partner__deleted_at=None).select_related("partner")
    return [member.partner for member in members if member.may("marketplace:write")]

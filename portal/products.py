"""The operator's own APIs that run elsewhere, as partners find them: what they may call, with which scopes, and how."""

from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from core import markdown
from core.health import Health
from core.models import Environment
from core.problems import NotFound
from core.tables import listing
from core.upstreams import Operation
from partners.models import Partner
from partners.pages import PartnerRequest, partner_page
from products.external.models import Product


@dataclass(frozen=True, slots=True)
class Offer:
    """A product as a partner has it in one environment."""

    product: Product
    partner: Partner
    environment: str

    @property
    def hindrance(self) -> str:
        """What its calls would be refused with: `tier_required`, `no_test_environment` or nothing."""
        least = self.product.least_tier
        if least is not None and self.partner.tier.rank < least.rank:
            return "tier_required"
        has_test = self.environment != Environment.TEST or self.product.test_upstream_url
        return "" if has_test else "no_test_environment"

    @property
    def health(self) -> Health:
        """How its upstream does."""
        return self.product.health_in(self.environment)

    @property
    def operations(self) -> list["Row"]:
        """What can be called."""
        return [Row(operation, self.product.base_url) for operation in self.product.offered]


@dataclass(frozen=True, slots=True)
class Row:
    """An operation in words."""

    operation: Operation
    base_url: str

    @property
    def methods(self) -> str:
        """As one reads them; HEAD goes without saying."""
        named = self.operation.methods - {"HEAD"} if "GET" in self.operation.methods else self.operation.methods
        return ", ".join(sorted(named)) if len(named) < 6 else "*"

    @property
    def path(self) -> str:
        """Below the product's address."""
        return self.operation.path

    @property
    def scopes(self) -> str:
        """All that a key needs."""
        return " ".join(self.operation.scopes)

    @property
    def curl(self) -> str:
        """A call of it."""
        method = next((each for each in ("GET", "POST", "PUT", "PATCH", "DELETE") if each in self.operation.methods), "OPTIONS")
        path = self.operation.path.replace("/{path...}", "/…")
        lines = [f'curl "{self.base_url}{path}"', '  -H "X-API-Key: $PORTICO_KEY"']
        if method != "GET":
            lines[0] = f'curl -X {method} "{self.base_url}{path}"'
        if method in {"POST", "PUT", "PATCH"}:
            lines += ['  -H "Content-Type: application/json"', "  -d '{}'"]
        return " \\\n".join(lines)


@require_GET
@partner_page("partner:read")
def product_list(request: PartnerRequest) -> HttpResponse:
    """Those that are switched on."""
    found = listing(request, Product.objects.enabled().select_related("least_tier"), ordering="name")
    offers = [Offer(product, request.partner, request.environment) for product in found]
    return render(request, "portal/products.html", {"found": found, "offers": offers, "partner": request.partner})


@require_GET
@partner_page("partner:read")
def product_detail(request: PartnerRequest, product: str) -> HttpResponse:
    """One with its scopes and operations."""
    row = Product.objects.enabled().select_related("least_tier").filter(slug=product).first()
    if row is None:
        raise NotFound()
    offer = Offer(row, request.partner, request.environment)
    context = {
        "offer": offer,
        "product": row,
        "description": markdown.render(row.description),
        "partner": request.partner,
        "first": next(iter(offer.operations), None),
    }
    return render(request, "portal/product.html", context)

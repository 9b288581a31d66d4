"""API products for tests."""

from typing import Any

from core.actors import Actor
from products.external import products
from products.external.models import Product

OPERATOR = Actor("operator", label="op@portico.example")

FIELDS: dict[str, Any] = {
    "name": "Orders",
    "upstream_url": "http://127.0.0.1:21599/v1",
    "scopes": "orders:read See orders\norders:write Place orders",
    "operations": "GET /orders/{id} orders:read\nPOST /orders orders:write",
}


def made(**fields: Any) -> products.Made:
    """A product `orders`, switched off."""
    return products.create(slug=fields.pop("slug", "orders"), by=OPERATOR, **FIELDS | fields)


def enabled(**fields: Any) -> Product:
    """One that can be called."""
    product = made(**fields).product
    products.enable(product=product, by=OPERATOR)
    return product

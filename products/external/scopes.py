"""The scopes of API products, for the registry: a product's can be given to keys from its first day on."""

from collections.abc import Iterator
from dataclasses import replace

from core.scopes import Scope
from products.external.models import Product


def offered() -> Iterator[Scope]:
    """Those of every product that was ever switched on, under its name."""
    for product in Product.objects.exclude(enabled_at=None).only("slug", "name", "scopes"):
        yield from (replace(scope, group=product.name) for scope in product.declared)

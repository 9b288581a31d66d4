"""Notes when the gateways have left the upstream of an API product alone for a while, and when it works again."""

from core import watches
from core.actors import SYSTEM
from core.health import Health
from products.external import products
from products.external.event_types import PRODUCT_DOWN, PRODUCT_RESTORED
from products.external.models import Product


def step() -> int:
    """A look at those whose circuit a gateway has opened, and at those that were down."""
    rows = Product.objects.filter(pk__in=watches.opened()) | Product.objects.exclude(down_since=None)
    return sum(look(row) for row in rows)


def look(product: Product) -> bool:
    """Tell what has changed; returns whether something has."""

    def down(found: Health) -> None:
        products.emit(PRODUCT_DOWN, product, SYSTEM, error=found.last_error)

    return watches.look(product, on_down=down, on_restored=lambda: products.emit(PRODUCT_RESTORED, product, SYSTEM))

"""Where calls of API products go; for the gateway, which keeps a route until the product's version changes."""

from collections.abc import Collection

from core.upstreams import Route
from products.external.models import Product


def find(slugs: Collection[str]) -> dict[str, Route]:
    """The routes of products by their slugs; other slugs are left out."""
    rows = Product.objects.filter(slug__in=slugs).order_by().select_related("least_tier") if slugs else ()
    return {row.slug: _route(row) for row in rows}


def _route(row: Product) -> Route:
    return Route(
        id=row.pk.hex,
        owner="",
        slug=row.slug,
        upstream=row.upstream(row.upstream_url, private=True),
        test_upstream=row.upstream(row.test_upstream_url, private=True) if row.test_upstream_url else None,
        has_test=bool(row.test_upstream_url),
        signing_secrets=row.signing_secrets,
        scopes=(),
        operations=tuple(row.offered),
        wants_installation=False,
        wants_rank=row.least_tier.rank if row.least_tier else 0,
        wants_tier=row.least_tier.name if row.least_tier else "",
        headers=tuple((name.lower().encode(), value.encode()) for name, value in row.sent.items()),
        tells_address=True,
        version=row.version,
        live=row.status == Product.Status.ENABLED,
    )

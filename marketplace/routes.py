"""Where calls under `/apis/<slug>/` go; for the gateway, which keeps a route until the integration's version changes."""

from core.models import Environment
from core.upstreams import Route
from marketplace.models import Integration
from partners.models import Partner


def find(slug: str) -> Route | None:
    """The route of an integration that has a published version; None for any other slug.

    An unpublished one, or one whose next version is under review, goes on serving those who have installed it.
    """
    row = Integration.objects.filter(slug=slug, current__isnull=False).select_related("current", "partner").first()
    if row is None or row.current is None:
        return None
    owner_works = row.partner.status == Partner.Status.ACTIVE or row.environment == Environment.TEST
    return Route(
        id=row.pk.hex,
        owner=row.partner_id.hex,
        slug=row.slug,
        upstream=row.upstream(row.current.upstream_url),
        signing_secrets=(str(row.signing_secret),),
        scopes=tuple(row.current.scopes),
        version=row.version,
        live=row.status != Integration.Status.SUSPENDED and owner_works and row.partner.deleted_at is None,
    )

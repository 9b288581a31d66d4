"""Where calls under `/apis/<slug>/` go; for the gateway, which keeps a route until the integration's version changes."""

import msgspec

from core.models import Environment
from marketplace.models import Integration
from partners.models import Partner


class Route(msgspec.Struct, frozen=True):
    """One integration as the gateway needs it. Ids are UUIDs as 32 hex digits."""

    integration_id: str
    owner_partner: str
    slug: str
    environment: str
    upstream_url: str
    signing_secret: str
    scopes: tuple[str, ...]
    """What a credential that calls must carry."""
    version: int
    """Of `core.versions`: a route of another version is stale."""
    live: bool
    """Whether calls are let through now. False while an operator has suspended the integration or its partner isn't active."""


def find(slug: str) -> Route | None:
    """The route of an integration that has a published version; None for any other slug.

    An unpublished one, or one whose next version is under review, goes on serving those who have installed it.
    """
    row = Integration.objects.filter(slug=slug, current__isnull=False).select_related("current", "partner").first()
    if row is None or row.current is None:
        return None
    owner_works = row.partner.status == Partner.Status.ACTIVE or row.environment == Environment.TEST
    return Route(
        integration_id=row.pk.hex,
        owner_partner=row.partner_id.hex,
        slug=row.slug,
        environment=row.environment,
        upstream_url=row.current.upstream_url,
        signing_secret=str(row.signing_secret),
        scopes=tuple(row.current.scopes),
        version=row.version,
        live=row.status != Integration.Status.SUSPENDED and owner_works and row.partner.deleted_at is None,
    )

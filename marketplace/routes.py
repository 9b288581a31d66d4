"""Where calls under `/apis/<slug>/` go; for the gateway, which keeps a route until the integration's version changes."""

from collections.abc import Collection

from core.models import Environment
from core.upstreams import Route
from marketplace.models import Integration, Version
from partners.models import Partner


def find(slugs: Collection[str]) -> dict[str, Route]:
    """The routes of integrations that have a published version, by their slugs; other slugs are left out.

    An unpublished one, or one whose next version is under review, goes on serving those who have installed it.
    """
    rows = Integration.objects.filter(slug__in=slugs, current__isnull=False).order_by().select_related("current", "partner")
    return {row.slug: _route(row, row.current) for row in rows if row.current is not None}


def _route(row: Integration, version: Version) -> Route:
    owner_works = row.partner.status == Partner.Status.ACTIVE or row.environment == Environment.TEST
    return Route(
        id=row.pk.hex,
        owner=row.partner_id.hex,
        slug=row.slug,
        upstream=row.upstream(version.upstream_url),
        signing_secrets=(str(row.signing_secret),),
        scopes=tuple(version.scopes),
        version=row.version,
        live=row.status != Integration.Status.SUSPENDED and owner_works and row.partner.deleted_at is None,
    )

"""The ladder of tiers. Operators edit it; a new database starts with the usual four rungs."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from core import versions
from partners.models import Partner, Tier

LADDER: tuple[dict[str, Any], ...] = (
    {
        "slug": "developer",
        "name": "Developer",
        "rank": 10,
        "price_minor": 0,
        "monthly_quota": 1_000,
        "over_quota": Tier.OverQuota.STOP,
        "calls_at_once": 100,
        "commission_rate": Decimal(0),
        "marketplace_fee": Decimal("0.15"),
        "servers": Tier.Servers.STANDARD,
        "support": Tier.Support.COMMUNITY,
    },
    {
        "slug": "basic",
        "name": "Basic",
        "rank": 20,
        "price_minor": 29_00,
        "monthly_quota": 10_000,
        "over_quota": Tier.OverQuota.CHARGE,
        "calls_at_once": 200,
        "commission_rate": Decimal("0.05"),
        "marketplace_fee": Decimal("0.15"),
        "servers": Tier.Servers.STANDARD,
        "support": Tier.Support.COMMUNITY,
    },
    {
        "slug": "professional",
        "name": "Professional",
        "rank": 30,
        "price_minor": 99_00,
        "monthly_quota": 50_000,
        "over_quota": Tier.OverQuota.CHARGE,
        "key_rate": 5_000,
        "partner_rate": 20_000,
        "calls_at_once": 500,
        "commission_rate": Decimal("0.10"),
        "marketplace_fee": Decimal("0.10"),
        "servers": Tier.Servers.ALL,
        "support": Tier.Support.EMAIL,
        "needs_application": True,
    },
    {
        "slug": "enterprise",
        "name": "Enterprise",
        "rank": 40,
        "price_minor": None,
        "monthly_quota": None,
        "over_quota": Tier.OverQuota.CHARGE,
        "key_rate": 60_000,
        "partner_rate": 600_000,
        "calls_at_once": 2_000,
        "commission_rate": Decimal("0.15"),
        "marketplace_fee": Decimal("0.05"),
        "servers": Tier.Servers.CUSTOM,
        "support": Tier.Support.MANAGER,
        "needs_contract": True,
    },
)


def seed() -> None:
    """Write the usual ladder into a database that has no tier at all; anything else is the operator's."""
    if not Tier.objects.exists():
        Tier.objects.bulk_create([Tier(**rung) for rung in LADDER], ignore_conflicts=True)


def after_migrate(**facts: Any) -> None:
    """`seed`, as the receiver of `post_migrate`."""
    seed()


def entry() -> Tier:
    """The tier that newcomers get: the lowest rung."""
    return Tier.objects.order_by("rank")[0]


def held(*, partner: Partner, start: datetime, end: datetime) -> list[tuple[datetime, Tier]]:
    """The tiers that a partner had in [start, end), each with the instant from which it held; the first from `start`."""
    left = partner.tier_changes.filter(changed_at__gt=start).select_related("previous").order_by("changed_at")
    since, terms = start, []
    for change in left:
        terms.append((since, change.previous))
        since = change.changed_at
    terms.append((since, partner.tier))
    return [term for term in terms if term[0] < end]


@transaction.atomic
def changed(tier: Tier) -> None:
    """Let the gateways reload every partner of a tier whose limits were edited."""
    for partner in Partner.objects.filter(tier=tier).iterator():
        versions.bump(partner)

"""What the marketplace does when it reads of others' facts."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from core import versions
from core.models import Event
from marketplace.models import Integration

# A partner's suspension stops its integrations, its activation starts them: routes that gateways keep are stale then.
PARTNER_CHANGES = frozenset(
    {"partner.activated", "partner.suspended", "partner.reactivated", "partner.closed", "partner.deleted", "partner.restored"}
)


def follow_partners(events: Sequence[Event], payloads: Mapping[UUID, dict[str, Any]]) -> None:
    """Give the integrations of partners whose state changed a new version, so that `routes.find` is asked again."""
    partners = {event.partner_id for event in events if event.partner_id and event.type in PARTNER_CHANGES}
    if partners:
        for integration in Integration.objects.filter(partner_id__in=partners, current__isnull=False).order_by("id"):
            versions.bump(integration)

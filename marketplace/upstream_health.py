"""Tells the partner of an integration when its upstream is left alone for a while, and when it works again."""

from core import events, watches
from core.health import Health
from marketplace.event_types import UPSTREAM_DOWN, UPSTREAM_RESTORED
from marketplace.models import Integration


def step() -> int:
    """A look at those whose circuit a gateway has opened, and at those that were down."""
    rows = Integration.objects.filter(pk__in=watches.opened()) | Integration.objects.exclude(down_since=None)
    return sum(look(row) for row in rows)


def look(integration: Integration) -> bool:
    """Tell what has changed; returns whether something has."""

    def down(found: Health) -> None:
        _emit(UPSTREAM_DOWN, integration, error=found.last_error)

    return watches.look(integration, on_down=down, on_restored=lambda: _emit(UPSTREAM_RESTORED, integration))


def _emit(type: events.EventType, integration: Integration, **more: str) -> None:
    data = {"integration_id": integration.public_id, "slug": integration.slug, "name": integration.name, **more}
    events.emit(type=type, partner=integration.partner_id, environment=integration.environment, subject=integration, data=data)

"""Tells the partner of an integration when its upstream is left alone for a while, and when it works again."""

from contextlib import suppress
from datetime import timedelta
from uuid import UUID

import redis
from django.db import transaction

from core import clock, events, health
from core.states import StaleState, swap
from marketplace.event_types import UPSTREAM_DOWN, UPSTREAM_RESTORED
from marketplace.models import Integration

PATIENCE = timedelta(minutes=1)
"""A circuit that is open for so long is worth telling."""
IDLE = 10.0


def step() -> int:
    """A look at those whose circuit a gateway has opened, and at those that were down."""
    try:
        opened = {name.decode() if isinstance(name, bytes) else name for name in health.client().smembers(health.OPEN)}
    except redis.RedisError:
        return 0
    of_integrations = {UUID(name) for name in opened if ":" not in name}
    told = 0
    for row in Integration.objects.filter(pk__in=of_integrations) | Integration.objects.exclude(down_since=None):
        told += look(row)
        opened.discard(row.pk.hex)
    return told


def look(integration: Integration) -> bool:
    """Tell what has changed; returns whether something has."""
    now, found = clock.now(), health.of(integration.pk)
    is_open = found.open_since is not None
    with suppress(StaleState):
        if integration.down_since is None and found.open_since is not None and found.open_since <= now - PATIENCE:
            with transaction.atomic():
                swap(integration, where={"down_since": None}, down_since=found.open_since)
                _emit(UPSTREAM_DOWN, integration, error=found.last_error)
            return True
        down = integration.down_since
        if down is not None and not is_open and found.last_success_at is not None and found.last_success_at > down:
            with transaction.atomic():
                swap(integration, where={"down_since": down}, down_since=None)
                _emit(UPSTREAM_RESTORED, integration)
            return True
    if not is_open:
        with suppress(redis.RedisError):
            health.client().srem(health.OPEN, integration.pk.hex)
    return False


def _emit(type: events.EventType, integration: Integration, **more: str) -> None:
    data = {"integration_id": integration.public_id, "slug": integration.slug, "name": integration.name, **more}
    events.emit(type=type, partner=integration.partner_id, environment=integration.environment, subject=integration, data=data)

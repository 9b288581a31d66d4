"""What a partner may read of the event log: what webhooks could tell it, whether or not it has an endpoint."""

from uuid import UUID

from django.db.models import Q

from core.events import TYPES
from core.models import Event, EventQuerySet
from webhooks import patterns


def events_of(partner: UUID | None, environment: str) -> EventQuerySet:
    """A partner's events, and those that concern every partner, without the internal ones."""
    internal = [name for name, kind in TYPES.items() if kind.internal]
    platform = [name for name in TYPES if not patterns.is_published(name)]
    for_all = Q(partner_id__isnull=True, environment=environment) & ~Q(type__in=platform)
    found: EventQuerySet = Event.objects.filter(Q(partner_id=partner, environment=environment) | for_all)
    return found.exclude(type__in=internal)

"""The reader of events that makes deliveries: one row for each endpoint that wants the event, in the sealing transaction."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db.models import Q

from core import clock, wake
from core.models import Event
from webhooks import patterns
from webhooks.event_types import WEBHOOK_TEST
from webhooks.models import Delivery, Endpoint

WAKES = "deliveries"


def fan_out(events: Sequence[Event], payloads: Mapping[UUID, dict[str, Any]]) -> None:
    """Write the deliveries of sealed events; for one that has been here before, nothing new."""
    sent = [event for event in events if goes_out(event)]
    if not sent:
        return
    endpoints = _endpoints_for(sent)
    now = clock.now()
    deliveries = [
        Delivery(
            partner_id=endpoint.partner_id,
            environment=endpoint.environment,
            endpoint=endpoint,
            event=event,
            event_type=event.type,
            status=Delivery.Status.PENDING if endpoint.status == Endpoint.Status.ACTIVE else Delivery.Status.HELD,
            due_at=now,
        )
        for event in sent
        for endpoint in _wanting(event, endpoints)
    ]
    if deliveries:
        Delivery.objects.bulk_create(deliveries, ignore_conflicts=True, batch_size=2_000)
        wake.on_commit(WAKES)


def goes_out(event: Event) -> bool:
    """Whether anybody may be told: not of internal types, nor of tests, whose one delivery was made with them."""
    if patterns.is_internal(event.type) or event.type == WEBHOOK_TEST.name:
        return False
    if event.subject.startswith(f"{Endpoint.id_prefix}_"):
        return event.type.startswith(patterns.ABOUT_WEBHOOKS)
    return event.partner_id is not None or patterns.is_published(event.type)


Key = tuple[UUID | None, str]


def _endpoints_for(events: Sequence[Event]) -> Mapping[Key, list[Endpoint]]:
    """Endpoints by partner and environment; under no partner, those of all."""
    wanted = Q(partner_id__in={event.partner_id for event in events if event.partner_id})
    for environment in {event.environment for event in events if event.partner_id is None}:
        wanted |= Q(environment=environment)
    found: dict[Key, list[Endpoint]] = defaultdict(list)
    fields = ("partner_id", "environment", "event_types", "status")  # secrets stay where they are
    for endpoint in Endpoint.objects.present().filter(wanted).only(*fields):
        found[endpoint.partner_id, endpoint.environment].append(endpoint)
        found[None, endpoint.environment].append(endpoint)
    return found


def _wanting(event: Event, endpoints: Mapping[Key, list[Endpoint]]) -> Iterator[Endpoint]:
    for endpoint in endpoints.get((event.partner_id, event.environment), ()):
        about_itself = event.subject == endpoint.public_id
        if not about_itself and any(patterns.matches(pattern, event.type) for pattern in endpoint.event_types):
            yield endpoint

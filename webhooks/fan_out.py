"""The reader of events that makes deliveries: one row for each endpoint that wants the event, in the sealing transaction."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db.models import Q

from core import clock, wake
from core.models import Event
from webhooks import lanes, patterns, payload_filters
from webhooks.event_types import WEBHOOK_TEST
from webhooks.models import Delivery, Endpoint

WAKES = "deliveries"


def fan_out(events: Sequence[Event], payloads: Mapping[UUID, dict[str, Any]]) -> None:
    """Write the deliveries of sealed events; for one that has been here before, nothing new."""
    sent = [event for event in events if goes_out(event)]
    if not sent:
        return
    endpoints = _endpoints_for(sent)
    chosen = [(event, endpoint) for event in sent for endpoint in _wanting(event, payloads.get(event.pk, {}), endpoints)]
    active = _active([endpoint for _event, endpoint in chosen])
    now = clock.now()
    deliveries = [
        Delivery(
            partner_id=endpoint.partner_id,
            environment=endpoint.environment,
            endpoint=endpoint,
            event=event,
            event_type=event.type,
            status=Delivery.Status.PENDING if endpoint.pk in active else Delivery.Status.HELD,
            due_at=now,
            **({"lane": lanes.of(event), "place": event.number} if endpoint.fifo else {}),
        )
        for event, endpoint in chosen
    ]
    if deliveries:
        Delivery.objects.bulk_create(deliveries, ignore_conflicts=True, batch_size=2_000)
        wake.on_commit(WAKES)


def count(event: Event, data: Mapping[str, Any]) -> int:
    """How many endpoints would be told of an event with this data now."""
    return sum(1 for _endpoint in _wanting(event, data, _endpoints_for([event]))) if goes_out(event) else 0


def goes_out(event: Event) -> bool:
    """Whether anybody may be told: not of internal types, nor of tests, whose one delivery was made with them."""
    if patterns.is_internal(event.type) or event.type == WEBHOOK_TEST.name:
        return False
    return event.partner_id is not None or patterns.is_published(event.type)


def _active(chosen: Sequence[Endpoint]) -> set[UUID]:
    """Those that are on. The others are locked and read again: one that is switched on at this moment releases what is held,
    and would not see what is written as held after it. (One that is switched off meanwhile is the claim's to see.)"""
    active = {endpoint.pk for endpoint in chosen if endpoint.status == Endpoint.Status.ACTIVE}
    off = {endpoint.pk for endpoint in chosen} - active
    if off:
        locked = Endpoint.objects.filter(pk__in=off).order_by("pk").select_for_update(no_key=True)
        active |= {pk for pk, status in locked.values_list("pk", "status") if status == Endpoint.Status.ACTIVE}
    return active


Key = tuple[UUID | None, str]


def _endpoints_for(events: Sequence[Event]) -> Mapping[Key, list[Endpoint]]:
    """Endpoints by partner and environment; under no partner, those of all."""
    wanted = Q(partner_id__in={event.partner_id for event in events if event.partner_id})
    for environment in {event.environment for event in events if event.partner_id is None}:
        wanted |= Q(environment=environment)
    found: dict[Key, list[Endpoint]] = defaultdict(list)
    fields = ("partner_id", "environment", "event_types", "filter", "status", "fifo")  # secrets stay where they are
    for endpoint in Endpoint.objects.present().filter(wanted).only(*fields):
        found[endpoint.partner_id, endpoint.environment].append(endpoint)
        found[None, endpoint.environment].append(endpoint)
    return found


def wants(endpoint: Endpoint, event: Event, data: Mapping[str, Any]) -> bool:
    """Whether an endpoint is to be told of an event with this data, if it is one of those who may be."""
    named = any(patterns.matches(pattern, event.type) for pattern in endpoint.event_types)
    return named and payload_filters.matches(endpoint.filter, data) and event.subject != endpoint.public_id


def _wanting(event: Event, data: Mapping[str, Any], endpoints: Mapping[Key, list[Endpoint]]) -> Iterator[Endpoint]:
    found = endpoints.get((event.partner_id, event.environment), ())
    return (endpoint for endpoint in found if wants(endpoint, event, data))

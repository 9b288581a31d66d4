"""The relay: takes new events into their partner's hash chain and shows them to the readers, in one transaction.

A chain is gapless and each link hashes the one before, the event's facts and the digest of its payload, so that altering,
deleting or reordering any past row shows (`core.audit`). Relays may run in any number: the head's row lock lets only one
extend a chain at a time, and rows already taken are no longer unsealed when the lock is got.
"""

import hashlib
from uuid import UUID

from django.db import connection, transaction

from core.events import READERS, canonical
from core.models import Event, Head, Payload

NOBODY = UUID(int=0)
BATCH = 500


@transaction.atomic
def seal(batch: int = BATCH) -> int:
    """Seal up to `batch` events; returns how many. Owners whose chain another relay is extending are left to it."""
    waiting = list(Event.objects.unsealed().order_by("id").values_list("partner_id", flat=True)[:batch])
    owners = {owner or NOBODY for owner in waiting}
    if not owners:
        return 0
    Head.objects.bulk_create([Head(owner=owner) for owner in sorted(owners)], ignore_conflicts=True)
    heads = {
        head.owner: head for head in Head.objects.select_for_update(skip_locked=True).filter(owner__in=owners).order_by("owner")
    }
    if not heads:
        return 0
    events = _unsealed_of(list(heads), batch)
    for event in events:
        _extend(heads[event.partner_id or NOBODY], event)
    _write(events)
    Head.objects.bulk_update(heads.values(), ["number", "hash"])
    payloads = {payload.pk: payload.data for payload in Payload.objects.filter(pk__in=[event.pk for event in events])}
    for reader in READERS:
        reader(events, payloads)
    return len(events)


def link(event: Event, *, number: int, previous: bytes) -> bytes:
    """The hash of an event at its place in the chain."""
    facts = {
        "id": str(event.pk),
        "number": number,
        "partner": str(event.partner_id or NOBODY),
        "environment": event.environment,
        "type": event.type,
        "subject": event.subject,
        "actor": [event.actor_kind, str(event.actor_id or NOBODY), event.actor_label],
        "address": event.address or "",
        "request": str(event.request_id or NOBODY),
        "at": event.created_at.isoformat(),
        "payload": bytes(event.payload_digest).hex(),
    }
    return hashlib.sha256(previous + canonical(facts)).digest()


def _unsealed_of(owners: list[UUID], batch: int) -> list[Event]:
    found = Event.objects.unsealed().filter(partner_id__in=[owner for owner in owners if owner != NOBODY])
    if NOBODY in owners:
        found = found | Event.objects.unsealed().filter(partner_id__isnull=True)
    return list(found.order_by("id")[:batch])


def _extend(head: Head, event: Event) -> None:
    event.number = head.number + 1
    event.previous_hash = bytes(head.hash)
    event.hash = link(event, number=event.number, previous=event.previous_hash)
    head.number, head.hash = event.number, event.hash


def _write(events: list[Event]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE core_event SET number = v.number, previous_hash = v.previous, hash = v.hash"
            " FROM unnest(%s::uuid[], %s::bigint[], %s::bytea[], %s::bytea[]) AS v(id, number, previous, hash)"
            " WHERE core_event.id = v.id",
            [
                [event.pk for event in events],
                [event.number for event in events],
                [event.previous_hash for event in events],
                [event.hash for event in events],
            ],
        )

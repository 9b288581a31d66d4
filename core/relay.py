"""The relay: takes new events into their partner's hash chain and shows them to the readers, in one transaction.

A chain is gapless and each link hashes the one before, the event's facts and the digest of its payload, so that altering,
deleting or reordering any past row shows (`core.audit`). Relays may run in any number: the head's row lock lets only one
extend a chain at a time, and rows already taken are no longer unsealed when the lock is got.

A reader that raises stops neither the chains nor the other readers: the batch is shown to it again event by event, and
those it still can't take are kept as `MissedEvent` and shown to it again later.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from django.db import InterfaceError, OperationalError, connection, transaction

from core import clock, faults
from core.events import READERS, Reader, canonical
from core.models import Event, Head, MissedEvent, Payload
from core.streams import repeating

log = structlog.get_logger(__name__)

NOBODY = UUID(int=0)
BATCH = 500
# The pause before a missed event is shown again: a minute, doubled each time, at most a day.
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(days=1)

Payloads = Mapping[UUID, dict[str, Any]]


def relay() -> int:
    """One step of the relay's loop: what is new, then what was missed. Returns how many events were worked on."""
    sealed = seal()
    faults.point("relay.committed")
    return sealed + show_missed()


@transaction.atomic
def seal(batch: int = BATCH) -> int:
    """Seal up to `batch` events; returns how many. Owners whose chain another relay is extending are left to it."""
    waiting = list(Event.objects.unsealed().order_by("id").values_list("partner_id", flat=True)[:batch])
    if not waiting:
        return 0
    heads = _locked_heads({owner or NOBODY for owner in waiting})
    events = _unsealed_of(list(heads), batch) if heads else []
    if not events:
        return 0
    faults.point("relay.taken")
    for event in events:
        _extend(heads[event.partner_id or NOBODY], event)
    _write_links(events)
    _write_heads([heads[owner] for owner in {event.partner_id or NOBODY for event in events}])
    faults.point("relay.linked")
    payloads = _payloads(events)
    for reader in READERS:
        _show(reader, events, payloads)
    faults.point("relay.shown")
    return len(events)


@transaction.atomic
def show_missed(batch: int = BATCH) -> int:
    """Show events that a reader could not take to it again; returns how many it took this time."""
    due = MissedEvent.objects.filter(due_at__lte=clock.now()).order_by("due_at")
    missed = list(due.select_related("event").select_for_update(skip_locked=True, of=("self",))[:batch])
    if not missed:
        return 0
    readers = {name_of(reader): reader for reader in READERS}
    payloads = _payloads([row.event for row in missed])
    taken = 0
    for row in missed:
        reader = readers.get(row.reader)
        error = _tried(reader, [row.event], payloads) if reader else None
        if error is None:
            row.delete()
            taken += 1
        else:
            row.attempts, row.error = row.attempts + 1, _brief(error)
            row.due_at = clock.now() + min(FIRST_PAUSE * 2 ** min(row.attempts, 12), LONGEST_PAUSE)
            row.save(update_fields=["attempts", "error", "due_at"])
    return taken


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
        # Left out where it is 1, as of all events that were sealed before types had versions.
        **({"version": event.type_version} if event.type_version != 1 else {}),
    }
    return hashlib.sha256(previous + canonical(facts)).digest()


def name_of(reader: Reader) -> str:
    """A reader's lasting name: where it is defined."""
    return f"{reader.__module__}.{reader.__qualname__}"


def _locked_heads(owners: set[UUID]) -> dict[UUID, Head]:
    known = set(Head.objects.filter(owner__in=owners).values_list("owner", flat=True))
    Head.objects.bulk_create([Head(owner=owner) for owner in sorted(owners - known)], ignore_conflicts=True)
    free = Head.objects.select_for_update(skip_locked=True).filter(owner__in=owners).order_by("owner")
    return {head.owner: head for head in free}


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


def _write_links(events: list[Event]) -> None:
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


def _write_heads(heads: list[Head]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE core_head SET number = v.number, hash = v.hash"
            " FROM unnest(%s::uuid[], %s::bigint[], %s::bytea[]) AS v(owner, number, hash) WHERE core_head.owner = v.owner",
            [[head.owner for head in heads], [head.number for head in heads], [head.hash for head in heads]],
        )


def _payloads(events: Iterable[Event]) -> Payloads:
    return {payload.pk: payload.data for payload in Payload.objects.filter(pk__in=[event.pk for event in events])}


def _show(reader: Reader, events: Sequence[Event], payloads: Payloads) -> None:
    if _tried(reader, events, payloads) is None:
        return
    for event in events:
        error = _tried(reader, [event], payloads)
        if error is None:
            continue
        log.error("event_missed", reader=name_of(reader), event_id=event.public_id, error=_brief(error), exc_info=error)
        MissedEvent.objects.get_or_create(
            reader=name_of(reader), event=event, defaults={"error": _brief(error), "due_at": clock.now() + FIRST_PAUSE}
        )


def _tried(reader: Reader, events: Sequence[Event], payloads: Payloads) -> Exception | None:
    """What the reader raised, its rows undone; a lost database is nobody's fault and ends the step."""
    try:
        with transaction.atomic():
            reader(events, payloads)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        return error
    return None


def _brief(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:500]


STREAM = repeating("relay", relay, idle=1.0)

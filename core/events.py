"""Events: immutable facts. A verb emits them inside its transaction; readers get them sealed, in order, from the relay."""

import hashlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.utils.functional import Promise

from core import schemas, wake
from core.actors import SYSTEM, Actor
from core.models import Entity, Environment, Event, Payload, User

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class EventType:
    """A kind of fact: its name, a sentence for the catalogue, the JSON Schema (draft 2020-12) and an example of `data`.

    `version` counts the schema's changes that a receiver has to know of; each event keeps the one it was written under.
    `internal` ones stay in the audit log and are never sent to a webhook. `published` ones are facts of the operator's own
    systems: its back end may publish them, and without a partner they concern every one; `retired` ones no longer.
    """

    name: str
    description: str | Promise
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "object"})
    example: Mapping[str, Any] = field(default_factory=dict)
    internal: bool = False
    published: bool = False
    version: int = 1
    retired: bool = False


class UnknownEventType(LookupError):
    """A verb emitted a type that no `event_types.py` registered."""


class UnstorablePayload(ValueError):
    """A payload holds what JSON in PostgreSQL can't: NaN, a NUL, half a surrogate pair, a name that is no text."""


class MisfittingPayload(ValueError):
    """A verb emitted data that doesn't fit its type's schema."""


TYPES: dict[str, EventType] = {}

# Called by the relay in the transaction that seals: a reader may only write rows, and takes an event it has had before
# without harm (one that raised is shown again later, alone).
Reader = Callable[[Sequence[Event], Mapping[UUID, dict[str, Any]]], None]
READERS: list[Reader] = []


def register(*types: EventType) -> None:
    """Put types into the catalogue; from each app's `event_types.py`, when the app is ready."""
    TYPES.update({kind.name: kind for kind in types})


def subscribe(reader: Reader) -> None:
    """Let `reader` see every sealed event once, in the sealing transaction; from an app's `ready`."""
    if reader not in READERS:
        READERS.append(reader)


def emit(
    *,
    type: EventType,
    partner: Any = None,
    environment: str = Environment.LIVE,
    subject: Entity | User | str = "",
    actor: Actor = SYSTEM,
    data: Mapping[str, Any] | None = None,
) -> Event:
    """Write a fact down in the running transaction; `partner` is a Partner, its UUID, or None for the platform's own.

    Raises UnknownEventType for a type that isn't registered (operators' own aren't), RuntimeError outside a transaction.
    """
    if type.name not in TYPES and not type.published:
        raise UnknownEventType(type.name)
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("events are emitted inside the transaction that makes them true")
    payload = normal(data or {})
    if not type.published:  # what operators publish was judged, and refused if need be, before
        _judge(type, payload)
    event = Event(
        partner_id=getattr(partner, "pk", partner),
        environment=environment,
        type=type.name,
        type_version=type.version,
        subject=subject if isinstance(subject, str) else subject.public_id,
        actor_kind=actor.kind,
        actor_id=actor.id,
        actor_label=actor.label,
        address=actor.address,
        request_id=actor.request_id,
        payload_digest=digest(payload),
    )
    Payload.objects.create(pk=event.pk, data=payload)
    event.save(force_insert=True)
    wake.on_commit("relay")
    return event


def _judge(type: EventType, payload: dict[str, Any]) -> None:
    """Raise MisfittingPayload in tests. Elsewhere the fact is true all the same and its verb goes on: the log is told where
    the payload and its schema part, though not what stands there."""
    places = [f"{found.pointer or '/'}: {found.keyword}" for found in schemas.misfits(type.schema, payload)]
    if places and settings.STRICT_EVENTS:
        raise MisfittingPayload(f"{type.name}: {', '.join(places)}")
    if places:
        log.error("event_misfits_schema", type=type.name, version=type.version, places=places)


def erase_payloads(*, partner: Any) -> int:
    """Erase what the partner's events said so far, for good; returns of how many. That they happened, when, and by whom stays,
    and so does their chain: it is made of digests."""
    told = Event.objects.filter(partner_id=getattr(partner, "pk", partner)).values("pk")
    erased, _rows = Payload.objects.filter(pk__in=told).delete()
    return erased


def digest(payload: Mapping[str, Any]) -> bytes:
    """SHA-256 over a payload in normal form, in canonical JSON (sorted names, no blanks, UTF-8)."""
    return hashlib.sha256(canonical(payload)).digest()


def canonical(value: Any) -> bytes:
    """One spelling for each JSON value in normal form."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def normal(value: Any) -> Any:
    """The value as PostgreSQL's jsonb gives it back, so that its digest is the same before and after.

    jsonb keeps numbers as decimals: `1e22` comes back as a whole number, `-0.0` as 0. So, as in RFC 8785, a float without a
    fraction is a whole number; any other keeps its shortest decimal form both ways. Raises UnstorablePayload.
    """
    match value:
        case None | bool() | int():
            return value
        case str():
            return _storable(str(value))
        case Promise():
            return _storable(str(value))
        case float():
            if not math.isfinite(value):
                raise UnstorablePayload(f"{value} is not JSON")
            return int(value) if value.is_integer() else value
        case Mapping():
            return {_name(name): normal(inner) for name, inner in value.items()}
        case list() | tuple():
            return [normal(inner) for inner in value]
    raise UnstorablePayload(f"{type(value).__name__} is not JSON")


def _name(name: Any) -> str:
    if not isinstance(name, str):
        raise UnstorablePayload(f"the name {name!r} is no text")
    return _storable(name)


def _storable(text: str) -> str:
    if "\x00" in text or (not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text)):
        raise UnstorablePayload("a text has a NUL character or half a surrogate pair")
    return text

"""Bodies of failed test calls: from the gateways' stream into their table, while the partner wants them.

The stream holds what secrets were taken out of before. It is short, and what is lost of it is missed by nobody.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
import structlog

from core.models import Event
from partners.event_types import PARTNER_UPDATED
from partners.models import Partner
from usage.ingest import client
from usage.models import Bodies
from usage.records import Id

log = structlog.get_logger(__name__)

STREAM = "usage:bodies"
KEPT_IN_STREAM = 500
"""Entries that the stream holds at most, while nobody reads it."""
_ENTRIES = 32


class BodiesRecord(msgspec.Struct, array_like=True, frozen=True):
    """The masked bodies of one call."""

    call: Id
    partner: Id
    request: str
    request_cut: bool
    response: str
    response_cut: bool


_decoder = msgspec.msgpack.Decoder(list[BodiesRecord])


def pack(records: list[BodiesRecord]) -> bytes:
    """A batch as MessagePack."""
    return msgspec.msgpack.encode(records)


def step() -> int:
    """Take the next entries of the stream; returns how many there were."""
    entries: list[Any] = client().xrange(STREAM, count=_ENTRIES)
    if not entries:
        return 0
    records: list[BodiesRecord] = []
    for name, fields in entries:
        try:
            records += _decoder.decode(fields.get(b"b", b""))
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            log.error("bodies_unreadable", entry=name.decode(), error=str(error))
    write(records)
    client().xdel(STREAM, *(name for name, _fields in entries))
    return len(entries)


def write(records: list[BodiesRecord]) -> None:
    """Store them, once each, for partners that want it."""
    wanted = Partner.objects.filter(pk__in={_uuid(record.partner) for record in records}, keeps_test_bodies=True)
    partners = set(wanted.values_list("pk", flat=True))
    rows = [
        Bodies(
            id=_uuid(record.call),
            partner_id=_uuid(record.partner),
            request=_text(record.request),
            request_cut=record.request_cut,
            response=_text(record.response),
            response_cut=record.response_cut,
        )
        for record in records
        if _uuid(record.partner) in partners
    ]
    Bodies.objects.bulk_create(rows, ignore_conflicts=True)


def follow_partners(events: Sequence[Event], payloads: Mapping[UUID, dict[str, Any]]) -> None:
    """A partner that wants no more of them has none from then on."""
    for event in events:
        changes = payloads.get(event.pk, {}).get("changes", {}) if event.type == PARTNER_UPDATED.name else {}
        if event.partner_id and changes.get("keeps_test_bodies", [True, True])[1] is False:
            Bodies.objects.filter(partner_id=event.partner_id).delete()


def _text(value: str) -> str:
    return value.replace("\x00", "�")


def _uuid(value: bytes) -> UUID:
    return UUID(bytes=value)

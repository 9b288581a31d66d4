"""Proof that the event log is whole: recomputes every chain, and compares it with heads that were exported and signed."""

import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings

from core import clock
from core.events import canonical, digest
from core.models import Event, Head, Payload
from core.relay import NOBODY, link

PAGE = 2_000


@dataclass(frozen=True, slots=True)
class Break:
    """The first place where a chain is broken: whose, which row, and what is wrong with it."""

    owner: UUID
    number: int
    event: str
    reason: str


@dataclass(frozen=True, slots=True)
class Report:
    """What was looked at, and the first break of each chain that has one."""

    chains: int
    events: int
    breaks: list[Break]

    @property
    def intact(self) -> bool:
        return not self.breaks


def verify(owner: UUID | None = None) -> Report:
    """Recompute the chain of one owner, or of all. Reads only."""
    heads = Head.objects.filter(owner=owner) if owner else Head.objects.all()
    exported = exported_heads()
    counted, breaks = 0, []
    chains = list(heads.order_by("owner"))
    for head in chains:
        seen, fault = _verify_chain(head, exported.get(head.owner))
        counted += seen
        if fault:
            breaks.append(fault)
    lost = exported.keys() - {head.owner for head in chains} if owner is None else set()
    breaks += [
        Break(gone, exported[gone]["number"], "", "the whole chain is gone, but its head was exported") for gone in sorted(lost)
    ]
    return Report(len(chains), counted, breaks)


def export_heads() -> Path:
    """Append every chain's head, signed, to the export file; a tail cut off later shows against it. Returns the file."""
    file = Path(settings.AUDIT_EXPORT)
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a") as out:
        for head in Head.objects.order_by("owner").iterator():
            line = {
                "owner": str(head.owner),
                "number": head.number,
                "hash": bytes(head.hash).hex(),
                "at": clock.now().isoformat(),
            }
            out.write(json.dumps({**line, "signature": _signature(line)}) + "\n")
    return file


def exported_heads() -> dict[UUID, dict[str, Any]]:
    """The furthest exported head of each chain. Lines whose signature is wrong are not believed."""
    file = Path(settings.AUDIT_EXPORT)
    furthest: dict[UUID, dict[str, Any]] = {}
    if not file.is_file():
        return furthest
    for text in file.read_text().splitlines():
        line = json.loads(text)
        if not hmac.compare_digest(line.pop("signature", ""), _signature(line)):
            continue
        owner = UUID(line["owner"])
        if line["number"] >= furthest.get(owner, {"number": -1})["number"]:
            furthest[owner] = line
    return furthest


def _verify_chain(head: Head, exported: dict[str, Any] | None) -> tuple[int, Break | None]:
    number, previous = 0, b""
    for event in _chain(head.owner):
        name = event.public_id
        if event.number != number + 1:
            return number, Break(
                head.owner, number + 1, name, f"number {number + 1} is missing; the next row is number {event.number}"
            )
        if bytes(event.previous_hash or b"") != previous or bytes(event.hash or b"") != link(
            event, number=event.number, previous=previous
        ):
            return number, Break(head.owner, event.number, name, "the row was altered: its hash does not fit its facts")
        number, previous = event.number, bytes(event.hash or b"")
        if exported and exported["number"] == number and exported["hash"] != previous.hex():
            return number, Break(head.owner, number, name, "the chain was rewritten: its hash differs from the exported head")
    if number != head.number or previous != bytes(head.hash):
        return number, Break(head.owner, number + 1, "", f"rows after number {number} are gone; the head is at {head.number}")
    if exported and exported["number"] > number:
        return number, Break(
            head.owner, number + 1, "", f"rows after number {number} are gone; the exported head is at {exported['number']}"
        )
    return number, None


def _chain(owner: UUID) -> Iterator[Event]:
    last = 0
    whose = {"partner_id__isnull": True} if owner == NOBODY else {"partner_id": owner}
    mine = Event.objects.filter(**whose, number__isnull=False).order_by("number")
    while page := list(mine.filter(number__gt=last)[:PAGE]):
        payloads = {row.pk: row.data for row in Payload.objects.filter(pk__in=[event.pk for event in page])}
        for event in page:
            if event.pk in payloads and digest(payloads[event.pk]) != bytes(event.payload_digest):
                event.payload_digest = b"altered"
            yield event
        last = page[-1].number or last + PAGE


def _signature(line: dict[str, Any]) -> str:
    return hmac.new(settings.HASH_KEY.encode(), canonical(line), hashlib.sha256).hexdigest()

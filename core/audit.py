"""Proof that the event log is whole: recomputes every chain, and compares it with heads that were exported and signed.

Memory is bounded by a page of events, whatever the length of the chains.
"""

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Exists, OuterRef

from core import clock
from core.events import canonical, digest
from core.models import Event, Head, Payload
from core.relay import NOBODY, link

PAGE = 1_000

# Number → hash (hex) of the heads of one chain that were exported.
Exported = Mapping[int, str]


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


class Broken(Exception):
    """A chain is broken here. Raised and caught within this module."""

    def __init__(self, number: int, event: str, reason: str) -> None:
        self.number, self.event, self.reason = number, event, reason
        super().__init__(reason)


def verify(owner: UUID | None = None) -> Report:
    """Recompute the chain of one owner, or of all. Reads only, and may run while events come in."""
    heads = Head.objects.filter(owner=owner) if owner else Head.objects.all()
    exported = exported_heads()
    chains, counted, breaks = 0, 0, []
    known = set()
    for head in heads.order_by("owner").iterator(chunk_size=PAGE):
        known.add(head.owner)
        chains += 1
        try:
            counted += _verify_chain(head, exported.get(head.owner, {}))
        except Broken as broken:
            counted += max(broken.number - 1, 0)
            breaks.append(Break(head.owner, broken.number, broken.event, broken.reason))
    for gone in sorted(_owners_without_head(owner) - known):
        breaks.append(Break(gone, 1, "", "the chain's head is gone, its rows are not"))
        known.add(gone)
    wanted = exported.keys() if owner is None else exported.keys() & {owner}
    lost = "the whole chain is gone, but its head was exported"
    breaks += [Break(gone, max(exported[gone]), "", lost) for gone in sorted(wanted - known)]
    return Report(chains, counted, breaks)


def export_heads() -> Path:
    """Append the heads that moved since the last export, signed, to the export file; a tail that is cut off later, and a
    chain that is rewritten, show against it. Returns the file."""
    file = Path(settings.AUDIT_EXPORT)
    file.parent.mkdir(parents=True, exist_ok=True)
    exported = exported_heads()
    at = clock.now().isoformat()
    with file.open("a", encoding="utf-8") as out:
        if out.tell() and not file.read_bytes().endswith(b"\n"):
            out.write("\n")  # an export was cut off in its last line
        for head in Head.objects.filter(number__gt=0).order_by("owner").iterator(chunk_size=PAGE):
            if head.number in exported.get(head.owner, {}):
                continue
            line = {"owner": str(head.owner), "number": head.number, "hash": bytes(head.hash).hex(), "at": at}
            out.write(json.dumps({**line, "signature": _signature(line)}) + "\n")
    return file


def exported_heads() -> dict[UUID, dict[int, str]]:
    """The exported heads of each chain. Lines that are unreadable or wrongly signed are not believed."""
    file = Path(settings.AUDIT_EXPORT)
    found: dict[UUID, dict[int, str]] = {}
    if not file.is_file():
        return found
    with file.open(encoding="utf-8", errors="replace") as lines:
        for text in lines:
            try:
                line = json.loads(text)
                signature = str(line.pop("signature"))
                genuine = hmac.compare_digest(signature.encode(), _signature(line).encode())
            except (ValueError, KeyError, AttributeError, TypeError):
                continue
            if genuine:
                found.setdefault(UUID(line["owner"]), {})[line["number"]] = line["hash"]
    return found


def _verify_chain(head: Head, exported: Exported) -> int:
    """How many events were right up to the head. Raises Broken at the first that isn't."""
    number, previous = 0, b""
    for event, payload in _chain(head):
        at = number + 1
        if event.number != at:
            raise Broken(at, event.public_id, f"number {at} is missing; the next row is number {event.number}")
        if payload is not None and digest(payload) != bytes(event.payload_digest):
            raise Broken(at, event.public_id, "the payload was altered: it does not fit its digest")
        if bytes(event.previous_hash or b"") != previous:
            raise Broken(at, event.public_id, "the row was altered: it does not continue the one before")
        if bytes(event.hash or b"") != link(event, number=at, previous=previous):
            raise Broken(at, event.public_id, "the row was altered: its hash does not fit its facts")
        number, previous = at, bytes(event.hash or b"")
        if exported.get(number, previous.hex()) != previous.hex():
            raise Broken(number, event.public_id, "the chain was rewritten: its hash differs from the exported head")
    if number != head.number or previous != bytes(head.hash):
        raise Broken(number + 1, "", f"rows after number {number} are gone or the head was altered; it is at {head.number}")
    if exported and max(exported) > number:
        raise Broken(number + 1, "", f"rows after number {number} are gone; the exported head is at {max(exported)}")
    beyond = _rows(head.owner).filter(number__gt=Head.objects.filter(owner=head.owner).values("number")[:1]).first()
    if beyond is not None:  # compared with the head as it is in that very statement: the chain may grow meanwhile
        raise Broken(beyond.number or 0, beyond.public_id, "the row stands beyond the head: the relay did not put it there")
    return number


def _chain(head: Head) -> Iterator[tuple[Event, dict[str, Any] | None]]:
    """The events up to the head with their payloads (None once erased), in order."""
    last = 0
    mine = _rows(head.owner).filter(number__lte=head.number).order_by("number")
    while page := list(mine.filter(number__gt=last)[:PAGE]):
        payloads = {row.pk: row.data for row in Payload.objects.filter(pk__in=[event.pk for event in page])}
        for event in page:
            yield event, payloads.get(event.pk)
        last = page[-1].number or head.number


def _rows(owner: UUID) -> Any:
    whose = {"partner_id__isnull": True} if owner == NOBODY else {"partner_id": owner}
    return Event.objects.filter(**whose, number__isnull=False)


def _owners_without_head(owner: UUID | None) -> set[UUID]:
    if owner is not None:
        return {owner} if _rows(owner).exists() and not Head.objects.filter(owner=owner).exists() else set()
    rows = Event.objects.filter(number__isnull=False).filter(~Exists(Head.objects.filter(owner=OuterRef("partner_id"))))
    found = set(rows.exclude(partner_id=None).values_list("partner_id", flat=True).distinct())
    nobody = _rows(NOBODY).exists() and not Head.objects.filter(owner=NOBODY).exists()
    return {pk for pk in found if pk} | ({NOBODY} if nobody else set())


def _signature(line: dict[str, Any]) -> str:
    return hmac.new(settings.HASH_KEY.encode(), canonical(line), hashlib.sha256).hexdigest()

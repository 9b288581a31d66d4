"""Documents that show who a partner is: taken in by what they contain, kept privately, scanned, decided by operators."""

import contextlib
import hashlib
import unicodedata
from datetime import timedelta
from pathlib import PurePosixPath

import structlog
from django.core.files.base import ContentFile
from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core import clock, events, wake
from core.actors import SYSTEM, Actor
from core.models import User
from core.problems import BodyTooLarge, Conflict
from core.states import StaleState, swap
from partners import event_types as types
from partners import inspection, orphans, scanner
from partners.models import Document, Partner

log = structlog.get_logger(__name__)

LARGEST = 20 * 1024 * 1024
# Documents that a partner may have; beyond, it is no paperwork.
MOST = 50

State = Document.State
UNDECIDED = (State.SCANNING, State.WAITING)

SCANS = "scans"
LEASE = timedelta(minutes=2)
BATCH = 5
# How long an unreachable scanner is left alone: longer after each attempt, up to the last for ever.
PAUSES = tuple(timedelta(seconds=seconds) for seconds in (10, 30, 60, 300, 900))


class TooMany(Conflict):
    """A partner's documents take up room that is the operator's."""

    detail = gettext_lazy(
        "There are {most} documents already, which is the most. Take back one that nobody has decided about yet."
    )


def upload(*, partner: Partner, kind: str, filename: str, content: bytes, by: Actor) -> Document:
    """Keep a PDF, PNG or JPEG of at most 20 MiB, written anew; a scanner, if there is one, sees it before anybody else.

    Raises ValidationError for anything else, BodyTooLarge, TooMany.
    """
    if len(content) > LARGEST:
        raise BodyTooLarge(limit=LARGEST)
    clean = inspection.clean(content)  # takes its time, so outside the transaction
    if len(clean.content) > LARGEST:
        raise inspection.refused("too_hard")
    with transaction.atomic():
        Partner.objects.select_for_update(of=("self",)).get(pk=partner.pk)  # one after the other, so that each counts the others
        if Document.objects.filter(partner=partner).count() >= MOST:
            raise TooMany(most=MOST)
        document = Document(
            partner=partner,
            kind=kind,
            filename=_readable(filename),
            content_type=clean.content_type,
            size=len(clean.content),
            pages=clean.pages,
            sha256=hashlib.sha256(clean.content).digest(),
            state=State.SCANNING if scanner.configured() else State.WAITING,
            scan_due_at=clock.now() if scanner.configured() else None,
        )
        document.file.save("", ContentFile(clean.content), save=False)
        try:
            document.save(force_insert=True)
            _emit(types.DOCUMENT_UPLOADED, document, by)
        except BaseException:
            document.file.storage.delete(str(document.file.name))
            raise
        wake.on_commit(SCANS)
    return document


def sweep() -> int:
    """Delete files that no document names. Returns how many."""
    return orphans.sweep(
        "documents", named=lambda names: set(Document.objects.filter(file__in=names).values_list("file", flat=True))
    )


@transaction.atomic
def remove(*, document: Document, by: Actor) -> None:
    """Take back a document that nobody has decided about yet. Raises StaleState otherwise."""
    swap(document, where={"state__in": UNDECIDED}, scan_attempts=F("scan_attempts"))
    _emit(types.DOCUMENT_REMOVED, document, by)
    _delete_file(document)
    document.delete()


def accept(*, document: Document, by: Actor, operator: User | None = None) -> None:
    """It shows what it should. Raises StaleState if it was decided before, or not scanned yet."""
    _decide(document, State.ACCEPTED, types.DOCUMENT_ACCEPTED, by, operator, "")


def reject(*, document: Document, reason: str, by: Actor, operator: User | None = None) -> None:
    """It doesn't, and the partner reads why. Raises StaleState if it was decided before, or not scanned yet."""
    _decide(document, State.REJECTED, types.DOCUMENT_REJECTED, by, operator, reason)


def read(document: Document) -> bytes:
    """The content, once it was scanned. Raises StaleState before, and for an infected one."""
    if not document.can_be_opened:
        raise StaleState()
    with document.file.open("rb") as file:
        return bytes(file.read())


def scan_due() -> int:
    """Show the scanner what waits for it; returns how many it gave a verdict on. An unreachable one is asked again later."""
    seen = 0
    for document in _take():
        try:
            with document.file.open("rb") as file:
                found = scanner.scan(file.read())
        except scanner.Unavailable as error:
            pause = PAUSES[min(document.scan_attempts, len(PAUSES)) - 1]
            log.error("scanner_unavailable", document=document.public_id, attempt=document.scan_attempts, reason=str(error))
            Document.objects.filter(pk=document.pk, state=State.SCANNING).update(scan_due_at=clock.now() + pause)
            continue
        with contextlib.suppress(StaleState):  # it was taken back meanwhile
            _judge(document, found)
            seen += 1
    return seen


@transaction.atomic
def _take() -> list[Document]:
    due = list(Document.objects.to_scan().select_for_update(skip_locked=True).order_by("scan_due_at")[:BATCH])
    mine = Document.objects.filter(pk__in=[document.pk for document in due])
    mine.update(scan_due_at=clock.now() + LEASE, scan_attempts=F("scan_attempts") + 1)
    return list(mine)


@transaction.atomic
def _judge(document: Document, found: str | None) -> None:
    where = {"state": State.SCANNING}
    if found is None:
        swap(document, where=where, state=State.WAITING)
        return
    reason = _("The virus scanner found {name}.").format(name=found[:100])
    swap(document, where=where, state=State.INFECTED, reason=reason, decided_at=clock.now())
    _emit(types.DOCUMENT_INFECTED, document, SYSTEM, reason=reason)
    _delete_file(document)


@transaction.atomic
def _decide(
    document: Document, state: Document.State, type: events.EventType, by: Actor, operator: User | None, reason: str
) -> None:
    swap(
        document,
        where={"state": State.WAITING},
        state=state,
        reason=reason,
        decided_at=clock.now(),
        decided_by=operator,
    )
    _emit(type, document, by, reason=reason)


def _delete_file(document: Document) -> None:
    """Once the running transaction has committed."""
    stored, name = document.file.storage, str(document.file.name)
    transaction.on_commit(lambda: stored.delete(name))


def _emit(type: events.EventType, document: Document, by: Actor, **more: str) -> None:
    data = {"id": document.public_id, "kind": str(document.kind), "state": str(document.state), **more}
    events.emit(type=type, partner=document.partner_id, subject=document, actor=by, data=data)


def _readable(filename: str) -> str:
    """The name for people to read: the last part of a path, without what can't be seen or turns the reading direction."""
    last = PurePosixPath(filename.replace("\\", "/")).name
    shown = "".join(letter for letter in last if not unicodedata.category(letter).startswith(("C", "Zl", "Zp")))
    return shown.strip().lstrip(".")[-120:] or "document"

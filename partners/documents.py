"""Documents that show who a partner is: taken in by what they contain, kept privately, decided by operators."""

import hashlib
import unicodedata
from pathlib import PurePosixPath

from django.core.files.base import ContentFile
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from core import clock, events
from core.actors import Actor
from core.models import User
from core.problems import BodyTooLarge, Conflict, ValidationError
from core.states import swap
from partners import event_types as types
from partners.models import Document, Partner

LARGEST = 20 * 1024 * 1024

# Documents that a partner may have; beyond, it is no paperwork.
MOST = 50

# What a file is, by its first bytes: ISO 32000-1 §7.5.2, PNG (ISO/IEC 15948) §5.2, JPEG (ITU-T T.81) B.1.1.3.
SIGNATURES = {b"%PDF-": "application/pdf", b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}


class TooMany(Conflict):
    """A partner's documents take up room that is the operator's."""

    detail = _("There are {most} documents already, which is the most. Take back one that nobody has decided about yet.")


@transaction.atomic
def upload(*, partner: Partner, kind: str, filename: str, content: bytes, by: Actor) -> Document:
    """Keep a PDF, PNG or JPEG of at most 20 MiB. Raises ValidationError for anything else, BodyTooLarge beyond that, TooMany."""
    if len(content) > LARGEST:
        raise BodyTooLarge(limit=LARGEST)
    content_type = next((name for start, name in SIGNATURES.items() if content.startswith(start)), None)
    if content_type is None:
        raise ValidationError({"file": [_("This is no PDF, PNG or JPEG file.")]})
    Partner.objects.select_for_update().get(pk=partner.pk)  # one after the other, so that each counts the others
    if Document.objects.filter(partner=partner).count() >= MOST:
        raise TooMany(most=MOST)
    document = Document(
        partner=partner,
        kind=kind,
        filename=_readable(filename),
        content_type=content_type,
        size=len(content),
        sha256=hashlib.sha256(content).digest(),
    )
    document.file.save("", ContentFile(content), save=False)
    document.save(force_insert=True)
    _emit(types.DOCUMENT_UPLOADED, document, by)
    return document


@transaction.atomic
def remove(*, document: Document, by: Actor) -> None:
    """Take back a document that nobody has decided about yet. Raises StaleState otherwise."""
    swap(document, where={"state": Document.State.WAITING}, state=Document.State.WAITING)
    _emit(types.DOCUMENT_REMOVED, document, by)
    stored, name = document.file.storage, str(document.file.name)
    document.delete()
    transaction.on_commit(lambda: stored.delete(name))


def accept(*, document: Document, by: Actor, operator: User | None = None) -> None:
    """It shows what it should. Raises StaleState if it was decided before."""
    _decide(document, Document.State.ACCEPTED, types.DOCUMENT_ACCEPTED, by, operator, "")


def reject(*, document: Document, reason: str, by: Actor, operator: User | None = None) -> None:
    """It doesn't, and the partner reads why. Raises StaleState if it was decided before."""
    _decide(document, Document.State.REJECTED, types.DOCUMENT_REJECTED, by, operator, reason)


@transaction.atomic
def _decide(
    document: Document, state: Document.State, type: events.EventType, by: Actor, operator: User | None, reason: str
) -> None:
    swap(
        document,
        where={"state": Document.State.WAITING},
        state=state,
        reason=reason,
        decided_at=clock.now(),
        decided_by=operator,
    )
    _emit(type, document, by, reason=reason)


def _emit(type: events.EventType, document: Document, by: Actor, **more: str) -> None:
    data = {"id": document.public_id, "kind": str(document.kind), "state": str(document.state), **more}
    events.emit(type=type, partner=document.partner_id, subject=document, actor=by, data=data)


def _readable(filename: str) -> str:
    """The name for people to read: the last part of a path, without what can't be seen."""
    last = PurePosixPath(filename.replace("\\", "/")).name
    shown = "".join(letter for letter in last if not unicodedata.category(letter).startswith("C"))
    return shown[-120:] or "document"

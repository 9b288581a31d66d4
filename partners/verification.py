"""Whether a partner's documents show what it says of itself. Publishing and payouts want that on every tier."""

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from core import clock, events
from core.actors import Actor
from core.problems import Forbidden
from core.states import swap
from partners import event_types as types
from partners.models import Document, DocumentKind, Partner, Tier

# What the documents are held against. Filling in what was empty is no change of these.
FACTS = frozenset({"legal_name", "registration_number", "tax_id", "street", "city", "postal_code", "country"})

State = Document.State
SHOWN = frozenset({State.SCANNING, State.WAITING, State.ACCEPTED})


class NotVerified(Forbidden):
    """Something that only partners may whose documents were verified."""

    code = "verification_required"
    title = _("Verified documents needed")
    detail = _("This needs verified documents. Upload them under Verification in the portal and submit them for review.")


def require(partner: Partner) -> None:
    """Raises NotVerified unless the partner's documents are verified now."""
    if partner.verified_at is None:
        raise NotVerified()


def to_go_live(tier: Tier) -> list[DocumentKind]:
    """The kinds of documents without which a tier lets nobody go live."""
    wanted = list(tier.document_kinds) if tier.needs_documents else []
    return [DocumentKind(kind) for kind in [*wanted, *([DocumentKind.CONTRACT] if tier.needs_contract else [])]]


def lacking(partner: Partner, kinds: list[DocumentKind], *, accepted: bool = False) -> list[DocumentKind]:
    """Those of `kinds` of which there is no document yet; with `accepted`, no accepted one."""
    if not kinds:
        return []
    good = {State.ACCEPTED} if accepted else SHOWN
    present = set(Document.objects.filter(partner=partner, state__in=good).values_list("kind", flat=True))
    return [kind for kind in kinds if kind not in present]


def wanted(partner: Partner) -> list[DocumentKind]:
    """The kinds of documents that verify the partner."""
    return [DocumentKind(kind) for kind in partner.tier.document_kinds]


def confirm(partner: Partner) -> None:
    """Note that the documents are verified, if each that is wanted was accepted; in the running transaction."""
    if not lacking(partner, wanted(partner), accepted=True):
        swap(partner, where={}, verified_at=clock.now())


@transaction.atomic
def expire(*, partner: Partner, fields: list[str], by: Actor) -> None:
    """The facts that were verified changed: what was accepted for them is outdated. Nothing happens to an unverified one."""
    if partner.verified_at is None:
        return
    swap(partner, where={}, verified_at=None)
    accepted = Document.objects.filter(partner=partner, state=State.ACCEPTED, kind__in=wanted(partner))
    accepted.update(state=State.OUTDATED, decided_at=clock.now())
    data = {**types.facts(partner), "fields": fields}
    events.emit(type=types.PARTNER_VERIFICATION_EXPIRED, partner=partner, subject=partner, actor=by, data=data)

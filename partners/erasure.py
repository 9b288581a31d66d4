"""Erasure of the personal data of a closed partner, for good.

What goes: its people, and their accounts where they belong to no other partner and are no operators; invitations, mail,
documents with their files, contacts, profile, what its events said, and what Django's console noted of these. What stays: the
events' rows, hashes and chain (`core.events`), who agreed to which terms, and records of money; where an app says by
`keep_company` that there are any, also the facts of the company that the law wants on them. Apps that hold more of a partner
erase it by `register`, in the same transaction.
"""

from collections.abc import Callable
from functools import partial

from django.contrib.admin.models import LogEntry
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from core import clock, events
from core.actors import Actor
from core.models import User
from core.problems import Conflict
from core.states import swap
from partners import event_types as types
from partners import logos, partners
from partners.models import (
    ApiSetup,
    Company,
    Document,
    Impersonation,
    Invitation,
    Member,
    Note,
    Notice,
    Partner,
    Review,
    TierRequest,
)

CONTACT = ("contact_name", "contact_email", "contact_phone")
COMPANY = ("legal_name", "registration_number", "tax_id", "street", "city", "postal_code", "country", "industry", "size")
SETUP = ("use_case", "webhook_url", "oauth_callback_url", "webhook_finding")

ERASERS: list[Callable[[Partner], None]] = []
KEEPERS: list[Callable[[Partner], bool]] = []


class NotDue(Conflict):
    """It isn't closed, or not for long enough."""

    detail = _("Personal data is erased once a partner is closed, and the time is over in which it can be restored.")


def register(eraser: Callable[[Partner], None]) -> None:
    """Have what an app holds of a partner erased with it; from the app's `ready`."""
    if eraser not in ERASERS:
        ERASERS.append(eraser)


def keep_company(wanted: Callable[[Partner], bool]) -> None:
    """Have the company's facts kept for partners of whom `wanted` is true; from the app's `ready`."""
    if wanted not in KEEPERS:
        KEEPERS.append(wanted)


@transaction.atomic
def erase(*, partner: Partner, by: Actor) -> None:
    """Erase what the module's text says. Raises NotDue, StaleState if it was erased before or restored meanwhile."""
    due_at = partners.erasable_at(partner)
    if due_at is None or due_at > clock.now():
        raise NotDue()
    now = clock.now()
    swap(
        partner,
        where={"status": Partner.Status.CLOSED, "erased_at": None},
        erased_at=now,
        deleted_at=partner.deleted_at or now,
        status_reason="",
        website="",
        summary="",
        description="",
        industries=[],
        countries=[],
        public_email="",
        links={},
        logo="",
        listed=False,
    )
    logos.drop(partner)
    _erase_company(partner)
    _erase_documents(partner)
    _erase_people(partner)
    for eraser in ERASERS:
        eraser(partner)
    events.erase_payloads(partner=partner)
    events.emit(type=types.PARTNER_ERASED, partner=partner, subject=partner, actor=by, data={"id": partner.public_id})


def _erase_company(partner: Partner) -> None:
    """What it said of itself. Its name stays where invoices need one; otherwise the partner has its id for a name."""
    keeps = any(wanted(partner) for wanted in KEEPERS)
    Company.objects.filter(partner=partner).update(**dict.fromkeys(CONTACT if keeps else (*CONTACT, *COMPANY), ""))
    ApiSetup.objects.filter(partner=partner).update(
        **dict.fromkeys(SETUP, ""),
        expected_monthly_calls=None,
        webhook_secret=None,
        webhook_checked_at=None,
        webhook_reached=None,
    )
    if not keeps:
        swap(partner, where={}, name=partner.public_id, slug=partner.public_id.replace("_", "-"))


def _erase_documents(partner: Partner) -> None:
    files = [(document.file.storage, str(document.file.name)) for document in Document.objects.filter(partner=partner)]
    Document.objects.filter(partner=partner).delete()
    Review.objects.filter(partner=partner).update(reason="")
    TierRequest.objects.filter(partner=partner).update(note="", reason="")
    for storage, name in files:
        transaction.on_commit(partial(storage.delete, name))


def _erase_people(partner: Partner) -> None:
    """The team, and the accounts of those who have no other place here."""
    people = list(Member.objects.filter(partner=partner).values_list("user", flat=True))
    _forget_in_console(partner)
    Notice.objects.filter(partner=partner).delete()
    Note.objects.filter(partner=partner).delete()
    Impersonation.objects.filter(partner=partner).delete()
    Invitation.objects.filter(partner=partner).delete()
    Member.objects.filter(partner=partner).delete()
    User.objects.filter(pk__in=people, memberships=None, is_staff=False).delete()


def _forget_in_console(partner: Partner) -> None:
    """What Django notes of rows that operators edited: their names, and which fields."""
    edited = [partner.pk]
    for model in (Member, Invitation, Document, Review, TierRequest):
        edited += model.objects.filter(partner=partner).values_list("pk", flat=True)
    edited += Member.objects.filter(partner=partner).values_list("user", flat=True)
    LogEntry.objects.filter(object_id__in=[str(pk) for pk in edited]).update(object_repr="", change_message="")

"""The operators' reviews: a partner submits, somebody decides with a reason; as many rounds as it takes, each kept."""

from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from core import clock, events
from core.actors import Actor
from core.models import User
from core.problems import Conflict
from core.states import StaleState, swap
from partners import event_types as types
from partners import onboarding, partners, verification
from partners.models import Partner, Review

Status = Partner.Status
Decision = Review.Decision

# What an operator looks at before approving; what was ticked is kept with the decision.
CHECKLIST: dict[str, Promise] = {
    "company": _("The legal name and number are those of the registration."),
    "address": _("The address is the company's."),
    "contact": _("The contact person can be reached and speaks for the company."),
    "use_case": _("We want this use of our API."),
    "documents": _("Every document is readable, current and whole."),
}


class NotReady(Conflict):
    """The partner's tier asks for more than it has brought so far."""

    detail = _("This partner can't be approved yet. Missing: {missing}.")


@transaction.atomic
def approve(
    *, partner: Partner, by: Actor, operator: User | None = None, reason: str = "", checklist: Iterable[str] = ()
) -> None:
    """Decide well: the partner goes live if it isn't, and is verified if the documents for it were accepted.

    A partner that was never reviewed may be approved without having asked. Raises NotReady where something is missing,
    StaleState where nothing waits for a decision.
    """
    review = _waiting(partner)
    if review is None and Review.objects.filter(partner=partner).exists():
        raise StaleState()
    unasked = review is None and partner.activated_at is not None
    missing = [] if unasked else onboarding.missing(partner, accepted=True)
    if missing:
        raise NotReady(missing=", ".join(str(each) for each in missing))
    review = review or Review.objects.create(partner=partner)
    _decide(review, Decision.APPROVED, operator, reason, checklist=list(checklist))
    verification.confirm(partner)
    events.emit(type=types.PARTNER_VERIFIED, partner=partner, subject=partner, actor=by, data=types.facts(partner))
    if partner.status == Status.PENDING:
        partners.activate(partner=partner, by=by)


@transaction.atomic
def request_changes(*, partner: Partner, reason: str, by: Actor, operator: User | None = None) -> None:
    """Not yet: the partner reads what to change, and submits again. Raises StaleState if no review is waiting."""
    _refuse(partner, Decision.CHANGES_REQUESTED, types.PARTNER_CHANGES_REQUESTED, reason, by, operator)


@transaction.atomic
def reject(*, partner: Partner, reason: str, by: Actor, operator: User | None = None, final: bool = False) -> None:
    """No: the partner reads why. It may submit again, unless this is `final`. Raises StaleState if no review is waiting."""
    _refuse(partner, Decision.REJECTED, types.PARTNER_REJECTED, reason, by, operator, final=final)


def _refuse(
    partner: Partner,
    decision: Decision,
    event: events.EventType,
    reason: str,
    by: Actor,
    operator: User | None,
    **facts: Any,
) -> None:
    review = _waiting(partner)
    if review is None:
        raise StaleState()
    _decide(review, decision, operator, reason, **facts)
    data = {**types.facts(partner), "reason": reason}
    events.emit(type=event, partner=partner, subject=partner, actor=by, data=data)


def _waiting(partner: Partner) -> Review | None:
    """The round that waits; none is decided for partners that are suspended or closed."""
    if partner.status not in {Status.PENDING, Status.ACTIVE}:
        raise StaleState()
    return Review.objects.filter(partner=partner, decision=Decision.WAITING).first()


def _decide(review: Review, decision: Decision, operator: User | None, reason: str, **facts: Any) -> None:
    where = {"decision": Decision.WAITING}
    swap(review, where=where, decision=decision, reason=reason, decided_at=clock.now(), decided_by=operator, **facts)

"""A partner asks for another tier, and operators decide.

The way up takes effect when it is approved. The way down waits for the end of the month, which is what tiers are charged by, so
that nobody loses what the month's price has paid for; `apply_due` does it then. Who isn't live pays for no month, and moves at
once.
"""

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from core import clock, events
from core.actors import SYSTEM, Actor
from core.models import User
from core.problems import Conflict
from core.states import StaleState, swap, transition
from partners import event_types as types
from partners import offers, partners
from partners.models import Partner, Tier, TierRequest

Status = TierRequest.Status
BATCH = 200


class OneAtATime(Conflict):
    """A partner has asked already, and nothing came of it yet."""

    detail = _("You have asked for another tier already. Wait for what comes of it, or withdraw that request first.")


class SameTier(Conflict):
    detail = _("You are on this tier already.")


class NotLive(Conflict):
    detail = _("While it is suspended or closed, a partner can't change its tier.")


class StillMissing(Conflict):
    """The tier asks for more than the partner has brought so far."""

    detail = _("The partner can't move to this tier yet. Missing: {missing}.")


@transaction.atomic
def request(*, partner: Partner, tier: Tier, note: str = "", by: Actor) -> TierRequest:
    """Ask for another tier. Raises SameTier, NotLive, OneAtATime."""
    if tier == partner.tier:
        raise SameTier()
    if partner.status not in {Partner.Status.PENDING, Partner.Status.ACTIVE}:
        raise NotLive()
    try:
        with transaction.atomic():
            made = TierRequest.objects.create(partner=partner, previous=partner.tier, tier=tier, note=note)
    except IntegrityError as error:
        raise OneAtATime() from error
    _emit(types.TIER_REQUESTED, made, by)
    return made


@transaction.atomic
def withdraw(*, request: TierRequest, by: Actor) -> None:
    """Take it back, also after its approval, until it takes effect. Raises StaleState then."""
    transition(request, Status.WITHDRAWN)
    _emit(types.TIER_REQUEST_WITHDRAWN, request, by)


@transaction.atomic
def approve(*, request: TierRequest, reason: str = "", by: Actor, operator: User | None = None) -> None:
    """Grant it: the way up at once, the way down at the month's end.

    Raises StillMissing where something is missing that the tier asks for, StaleState if it was decided or the partner's tier is
    another by now.
    """
    partner = Partner.objects.select_for_update(of=["self"]).select_related("tier").get(pk=request.partner_id)
    if partner.tier_id != request.previous_id:
        raise StaleState()
    missing = offers.missing(partner, request.tier)
    if missing:
        raise StillMissing(missing=", ".join(str(each) for each in missing))
    at_once = request.is_upgrade or partner.status == Partner.Status.PENDING
    effective_at = clock.now() if at_once else _end_of_month(clock.now())
    decision = {"decided_at": clock.now(), "decided_by": operator, "reason": reason, "effective_at": effective_at}
    transition(request, Status.APPROVED, **decision)
    _emit(types.TIER_REQUEST_APPROVED, request, by)
    if at_once:
        _apply(request, partner, by)


@transaction.atomic
def decline(*, request: TierRequest, reason: str, by: Actor, operator: User | None = None) -> None:
    """Refuse it; the partner reads why. Raises StaleState if it was decided or withdrawn."""
    transition(request, Status.DECLINED, reason=reason, decided_at=clock.now(), decided_by=operator)
    _emit(types.TIER_REQUEST_DECLINED, request, by)


def apply_due() -> int:
    """Let the approved changes take effect whose time has come; returns how many. Those of partners that are closed wait.
    Whatever was asked for before the partner moved otherwise lapses."""
    for pk in TierRequest.objects.overtaken().values_list("pk", flat=True)[:BATCH]:
        _lapse_one(pk)
    due = TierRequest.objects.due().exclude(partner__status=Partner.Status.CLOSED).order_by("effective_at")
    return sum(_apply_one(pk) for pk in due.values_list("pk", flat=True)[:BATCH])


@transaction.atomic
def _apply_one(pk: Any) -> bool:
    """Whether it took effect: by one worker, once."""
    request = TierRequest.objects.due().select_for_update(skip_locked=True, of=["self"]).filter(pk=pk).first()
    if request is None:
        return False
    partner = Partner.objects.select_for_update(of=["self"]).select_related("tier").get(pk=request.partner_id)
    if partner.tier_id != request.previous_id:
        return False  # it moved just now, and the request lapses the next time
    _apply(request, partner, SYSTEM)
    return True


@transaction.atomic
def _lapse_one(pk: Any) -> None:
    request = TierRequest.objects.overtaken().select_for_update(skip_locked=True, of=["self"]).filter(pk=pk).first()
    if request is not None:
        transition(request, Status.WITHDRAWN, reason=str(_("The tier was changed otherwise meanwhile.")))
        _emit(types.TIER_REQUEST_WITHDRAWN, request, SYSTEM)


def _apply(request: TierRequest, partner: Partner, by: Actor) -> None:
    swap(request, where={"status": Status.APPROVED}, status=Status.APPLIED)
    partners.change_tier(partner=partner, tier=request.tier, by=by, at=request.effective_at)


def _end_of_month(at: datetime) -> datetime:
    """The first instant of the next month."""
    year, month = divmod(at.year * 12 + at.month, 12)
    return at.replace(year=year, month=month + 1, day=1, hour=0, minute=0, second=0, microsecond=0)


def _emit(type: events.EventType, request: TierRequest, by: Actor) -> None:
    events.emit(type=type, partner=request.partner_id, subject=request, actor=by, data=types.tier_request_facts(request))

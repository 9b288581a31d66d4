"""The life of a partner: it registers, goes live, is suspended and reactivated, is closed and perhaps restored."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError as Unsuitable
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.crypto import get_random_string
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from core import clock, events, versions
from core.actors import Actor
from core.models import User
from core.problems import Conflict, ValidationError
from core.states import swap, transition
from partners import event_types as types
from partners import members, notices, terms, tiers
from partners.event_types import facts
from partners.models import ApiSetup, Company, Partner, Tier, TierChange
from partners.permissions import Role

Status = Partner.Status

# Words that stand where slugs stand in addresses.
RESERVED = frozenset({"new", "all", "admin", "api"})


class Erased(Conflict):
    """What it was made of is gone."""

    detail = _("The personal data of this partner was erased, so it can't be restored.")


def register(*, email: str, password: str, company_name: str, type: str, by: Actor) -> Partner | None:
    """A newcomer signs up: person, pending partner, membership as owner, and a mail to confirm the address.

    None if the address is known; then a mail tells its owner so. Callers answer the same in both cases. Raises
    ValidationError for a password that can be guessed.
    """
    email = email.strip().lower()
    try:
        validate_password(password, User(email=email))
    except Unsuitable as error:
        raise ValidationError({"password": error.messages}) from error
    hashed = make_password(password)  # in both cases, so that the time taken tells nothing
    try:
        with transaction.atomic():
            user = User.objects.create(email=email, password=hashed)
            partner = create(name=company_name, type=type, owner=user, by=by)
            members.expect_confirmation(user=user)
            return partner
    except IntegrityError:
        known = User.objects.filter(email=email).first()
        if known is None:
            raise
        # at most one such mail an hour: registering again and again must not flood a mailbox
        notices.tell(kind="address_known", user=known, cause=f"{known.public_id} {clock.now():%Y-%m-%dT%H}")
        return None


@transaction.atomic
def create(
    *, name: str, type: str = Partner.Type.TECHNOLOGY, by: Actor, owner: User | None = None, active: bool = False, **profile: Any
) -> Partner:
    """A new partner on the lowest tier, with an owner, unless an operator makes it. It is pending, or at once active and
    verified: who makes it so vouches for it."""
    state = {"status": Status.ACTIVE, "activated_at": clock.now(), "verified_at": clock.now()} if active else {}
    partner = _insert(name=name.strip(), type=type, tier=tiers.entry(), **state, **profile)
    Company.objects.create(partner=partner)
    ApiSetup.objects.create(partner=partner)
    events.emit(type=types.PARTNER_CREATED, partner=partner, subject=partner, actor=by, data=facts(partner))
    if owner is not None:
        members.add(partner=partner, user=owner, role=Role.OWNER, by=by)
        terms.accept_by_joining(partner=partner, user=owner, by=by)
    if active:
        events.emit(type=types.PARTNER_ACTIVATED, partner=partner, subject=partner, actor=by, data=facts(partner))
    versions.bump(partner)
    return partner


@transaction.atomic
def update(*, partner: Partner, by: Actor, **changes: Any) -> Partner:
    """Change the profile; what stays the same is no change and no event."""
    before = {name: getattr(partner, name) for name in changes}
    changes = {name: value for name, value in changes.items() if before[name] != value}
    if changes:
        swap(partner, where={}, **changes)
        if "keeps_test_bodies" in changes:
            versions.bump(partner)  # the gateway reads it
        data = {"id": partner.public_id, "changes": {name: [before[name], value] for name, value in changes.items()}}
        events.emit(type=types.PARTNER_UPDATED, partner=partner, subject=partner, actor=by, data=data)
    return partner


@transaction.atomic
def activate(*, partner: Partner, by: Actor) -> None:
    """Take a pending partner live. Raises StaleState if it isn't pending."""
    swap(partner, where={"status": Status.PENDING}, status=Status.ACTIVE, status_reason="", activated_at=clock.now())
    _emit(types.PARTNER_ACTIVATED, partner, by)


@transaction.atomic
def suspend(*, partner: Partner, reason: str, by: Actor) -> None:
    """Refuse the partner's calls from the next one on. Raises StaleState unless it is active."""
    swap(partner, where={"status": Status.ACTIVE}, status=Status.SUSPENDED, status_reason=reason)
    _emit(types.PARTNER_SUSPENDED, partner, by, reason=reason)


@transaction.atomic
def reactivate(*, partner: Partner, reason: str = "", by: Actor) -> None:
    """Let a suspended partner's calls through again. Raises StaleState unless it is suspended."""
    swap(partner, where={"status": Status.SUSPENDED}, status=Status.ACTIVE, status_reason="")
    _emit(types.PARTNER_REACTIVATED, partner, by, reason=reason)


@transaction.atomic
def close(*, partner: Partner, reason: str = "", by: Actor) -> None:
    """End the partnership: its credentials stop working. Its personal data may be erased after a time (`partners.erasure`).

    Raises StaleState if it is closed.
    """
    transition(partner, Status.CLOSED, restores_to=F("status"), status_reason=reason, closed_at=clock.now())
    erasable = erasable_at(partner)
    _emit(types.PARTNER_CLOSED, partner, by, reason=reason, erasable_on=erasable.date().isoformat() if erasable else "")


@transaction.atomic
def delete(*, partner: Partner, reason: str = "", by: Actor) -> None:
    """Close it if it isn't, and take it out of every list; `restore` undoes it. Raises StaleState if it is deleted."""
    if partner.status != Status.CLOSED:
        close(partner=partner, reason=reason, by=by)
    swap(partner, where={"status": Status.CLOSED, "deleted_at": None}, deleted_at=clock.now())
    _emit(types.PARTNER_DELETED, partner, by)


@transaction.atomic
def restore(*, partner: Partner, reason: str = "", by: Actor) -> None:
    """Bring a closed or deleted partner back to the state it had before. Raises StaleState if it isn't closed, Erased."""
    if partner.erased_at:
        raise Erased()
    swap(
        partner,
        where={"status": Status.CLOSED, "erased_at": None},
        status=F("restores_to"),
        restores_to="",
        closed_at=None,
        deleted_at=None,
        status_reason="",
    )
    partner.refresh_from_db()
    _emit(types.PARTNER_RESTORED, partner, by, reason=reason)


def erasable_at(partner: Partner) -> datetime | None:
    """From when on a closed partner's personal data may be erased; until then it can be restored. None if it isn't closed."""
    return partner.closed_at and partner.closed_at + timedelta(days=settings.ERASURE_WAIT_DAYS)


@transaction.atomic
def change_tier(*, partner: Partner, tier: Tier, by: Actor, at: datetime | None = None) -> None:
    """Move to another tier; its limits hold from the next call on, its prices from `at` (now).

    Raises StaleState if it has moved meanwhile.
    """
    previous = partner.tier
    if previous == tier:
        return
    swap(partner, where={"tier": previous}, tier=tier)
    TierChange.objects.create(partner=partner, previous=previous, changed_at=at or clock.now())
    data = {"id": partner.public_id, "tier": tier.slug, "previous": previous.slug}
    events.emit(type=types.PARTNER_TIER_CHANGED, partner=partner, subject=partner, actor=by, data=data)
    versions.bump(partner)


def _emit(type: events.EventType, partner: Partner, by: Actor, **more: Any) -> None:
    events.emit(type=type, partner=partner, subject=partner, actor=by, data={**facts(partner), **more})
    versions.bump(partner)


def _insert(*, name: str, **fields: Any) -> Partner:
    """The row under a slug made from the name: `acme`, or `acme-x7k2` where that is taken."""
    base = slugify(name)[:50].strip("-") or "partner"
    slug = base if base not in RESERVED else f"{base}-{_suffix()}"
    while True:
        try:
            with transaction.atomic():
                return Partner.objects.create(name=name, slug=slug, **fields)
        except IntegrityError:
            if not Partner.objects.filter(slug=slug).exists():
                raise
        slug = f"{base}-{_suffix()}"


def _suffix() -> str:
    return get_random_string(4, "abcdefghjkmnpqrstuvwxyz23456789")

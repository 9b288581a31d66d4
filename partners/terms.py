"""The terms of service: operators publish versions, partners accept them, and are asked again when a new one is in effect."""

from dataclasses import dataclass
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from core import clock, events
from core.actors import Actor
from core.models import User
from core.problems import Conflict
from core.states import swap
from partners import event_types as types
from partners import notices
from partners.models import Acceptance, Partner, Terms
from partners.permissions import MANAGERS


class TooEarly(Conflict):
    """Versions follow each other in time, and none holds for days that have passed."""

    detail = _("These terms can take effect on {earliest} at the earliest: today, and after the version before.")


class NotAsked(Conflict):
    """Only what holds or will hold can be accepted."""

    detail = _("Version {version} can't be accepted. Version {current} is the one that holds.")


@dataclass(frozen=True, slots=True)
class Standing:
    """How a partner stands: the version that holds and the next one, each with `accepted`; None where there is none."""

    current: Terms | None
    upcoming: Terms | None

    @property
    def wanted(self) -> Terms | None:
        """What must be accepted now."""
        return self.current if self.current and not self.current.accepted else None


def standing(partner: Partner) -> Standing:
    """How the partner stands today."""
    found = Terms.objects.with_acceptance_of(partner)
    return Standing(found.in_effect().first(), found.upcoming().first())


def wanted(partner: Partner) -> Terms | None:
    """The version that holds, if the partner hasn't accepted it. One query; the text is not read."""
    found = Terms.objects.with_acceptance_of(partner).in_effect().defer("text").first()
    return found if found and not found.accepted else None


@transaction.atomic
def publish(*, terms: Terms, by: Actor) -> None:
    """Let everybody read it, and tell owners and admins. Raises TooEarly, or StaleState if it is published already."""
    today = clock.now().date()
    last = Terms.objects.select_for_update().published().first()
    earliest = max(today, last.effective_on + timedelta(days=1)) if last else today
    if terms.effective_on < earliest:
        raise TooEarly(earliest=earliest.isoformat())
    swap(terms, where={"published_at": None, "effective_on": terms.effective_on}, published_at=clock.now())
    events.emit(type=types.TERMS_PUBLISHED, subject=terms, actor=by, data=types.terms_facts(terms))
    people = User.objects.filter(
        memberships__role__in=MANAGERS,
        memberships__partner__deleted_at=None,
        memberships__partner__status__in=[Partner.Status.PENDING, Partner.Status.ACTIVE, Partner.Status.SUSPENDED],
    )
    notices.tell_all(
        kind="terms_published",
        users=people.distinct(),
        cause=terms.public_id,
        version=terms.version,
        date=terms.effective_on.isoformat(),
        summary=terms.summary,
    )


@transaction.atomic
def accept(*, partner: Partner, version: str, by: Actor, user: User | None = None) -> Acceptance:
    """The partner accepts the version that holds, or the next one ahead of time. A second yes gives back the first.

    Raises NotAsked for any other version.
    """
    now = standing(partner)
    terms = next((each for each in (now.current, now.upcoming) if each and each.version == version), None)
    if terms is None:
        raise NotAsked(version=version, current=now.current.version if now.current else "–")
    try:
        with transaction.atomic():
            acceptance = Acceptance.objects.create(
                partner=partner,
                terms=terms,
                user=user,
                actor_kind=by.kind,
                actor_id=by.id,
                actor_label=by.label,
                address=by.address,
            )
    except IntegrityError:
        return Acceptance.objects.get(partner=partner, terms=terms)
    data = {"id": partner.public_id, "version": terms.version}
    events.emit(type=types.PARTNER_TERMS_ACCEPTED, partner=partner, subject=partner, actor=by, data=data)
    return acceptance


def accept_by_joining(*, partner: Partner, user: User, by: Actor) -> None:
    """Signing up says, beside its button, that it accepts the terms that hold; without any there is nothing to accept."""
    current = Terms.objects.in_effect().defer("text").first()
    if current is not None:
        accept(partner=partner, version=current.version, by=by, user=user)

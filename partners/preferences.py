"""Which notices a member wants, and by which channels."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from core import events
from core.actors import Actor
from core.problems import ValidationError
from partners.event_types import MEMBER_NOTIFICATIONS_CHANGED, member_facts
from partners.models import Channel, Member, Preference
from partners.notices import KINDS, Kind

Wishes = Mapping[str, Mapping[str, bool]]


@dataclass(frozen=True, slots=True)
class Choice:
    """A kind of notice that concerns a member: what it tells of, whether each channel is taken, and which can't be left out."""

    kind: str
    title: str | Promise
    channels: Mapping[str, bool]
    locked: frozenset[str]


def of(member: Member) -> list[Choice]:
    """What the member may choose, in the order in which kinds were registered."""
    chosen = Preference.objects.chosen_by([member])
    return [
        Choice(
            kind.name,
            kind.about,
            {way.value: way in kind.ways(member, chosen) for way in Channel},
            _locked(kind),
        )
        for kind in _offered(member).values()
    ]


@transaction.atomic
def change(*, member: Member, by: Actor, digest_frequency: str = "", kinds: Wishes | None = None) -> None:
    """Take these wishes over; what isn't named stays. Raises ValidationError, also for leaving out a security notice."""
    wishes = kinds or {}
    _require_possible(member, wishes)
    before = _as_told(member)
    for name, channels in wishes.items():
        for way, wanted in channels.items():
            _choose(member, KINDS[name], Channel(way), wanted)
    if digest_frequency:
        member.digest_frequency = digest_frequency
        member.save(update_fields=["digest_frequency"])
    after = _as_told(member)
    changes = {name: [before[name], value] for name, value in after.items() if before[name] != value}
    if changes:
        facts = {**member_facts(member), "changes": changes}
        events.emit(type=MEMBER_NOTIFICATIONS_CHANGED, partner=member.partner_id, subject=member, actor=by, data=facts)


def _choose(member: Member, kind: Kind, way: Channel, wanted: bool) -> None:
    if wanted == (way in kind.channels):
        Preference.objects.filter(member=member, kind=kind.name, channel=way).delete()
    else:
        Preference.objects.update_or_create(member=member, kind=kind.name, channel=way, defaults={"wanted": wanted})


def _as_told(member: Member) -> dict[str, Any]:
    choices = {f"{choice.kind}.{way}": wanted for choice in of(member) for way, wanted in choice.channels.items()}
    stored = Member.objects.values_list("digest_frequency", flat=True).get(pk=member.pk)
    return {**choices, "digest_frequency": stored}


def _offered(member: Member) -> dict[str, Kind]:
    return {kind.name: kind for kind in KINDS.values() if kind.event and member.role in kind.roles}


def _locked(kind: Kind) -> frozenset[str]:
    return frozenset(way.value for way in kind.channels) if kind.security else frozenset()


def _require_possible(member: Member, wishes: Wishes) -> None:
    offered = _offered(member)
    errors: dict[str, Any] = {}
    for name, channels in wishes.items():
        if name not in offered:
            errors[name] = [_("There is no such kind of notification for this member.")]
            continue
        for way, wanted in channels.items():
            if way not in Channel.values:
                errors.setdefault(name, {})[way] = [_("There is no such channel. Known: portal, mail, digest.")]
            elif not wanted and way in _locked(offered[name]):
                errors.setdefault(name, {})[way] = [_("Security notices can't be switched off.")]
    if errors:
        raise ValidationError({"kinds": errors})

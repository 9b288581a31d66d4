"""A partner's logo: made anew from its pixels in two sizes, kept under random names, served under the hash of them."""

import hashlib
from functools import partial

from django.core.files.base import ContentFile
from django.db import transaction
from django.db.models import Q

from core import events
from core.actors import Actor
from core.problems import BodyTooLarge
from partners import event_types as types
from partners import inspection, orphans, partners
from partners.models import Logo, Partner

LARGEST = 4 * 1024 * 1024


def put(*, partner: Partner, content: bytes, by: Actor) -> Partner:
    """Take a PNG, JPEG or WebP of at most 4 MiB for the logo, in place of the one before; the same one again changes nothing.

    Raises ValidationError for anything else, BodyTooLarge.
    """
    if len(content) > LARGEST:
        raise BodyTooLarge(limit=LARGEST)
    small, large = inspection.squares(content)  # takes its time, so outside the transaction
    name = hashlib.sha256(small + large).hexdigest()
    with transaction.atomic():
        _lock(partner)
        if partner.logo == name:
            return partner
        drop(partner)
        logo = Logo(partner=partner, name=name)
        logo.small.save("", ContentFile(small), save=False)
        logo.large.save("", ContentFile(large), save=False)
        logo.save(force_insert=True)
        return partners.update(partner=partner, by=by, logo=name)


@transaction.atomic
def remove(*, partner: Partner, by: Actor) -> Partner:
    """Take the logo away; initials stand in its place."""
    _lock(partner)
    drop(partner)
    return partners.update(partner=partner, by=by, logo="")


@transaction.atomic
def take_down(*, partner: Partner, reason: str, by: Actor) -> Partner:
    """An operator takes the logo away, and the team reads why."""
    data = {**types.facts(partner), "reason": reason}
    events.emit(type=types.PARTNER_LOGO_TAKEN_DOWN, partner=partner, subject=partner, actor=by, data=data)
    return remove(partner=partner, by=by)


def sweep() -> int:
    """Delete pictures that no row names. Returns how many."""
    return orphans.sweep("logos", named=_named)


def _named(names: list[str]) -> set[str]:
    rows = Logo.objects.filter(Q(small__in=names) | Q(large__in=names)).values_list("small", "large")
    return {name for row in rows for name in row}


def drop(partner: Partner) -> None:
    """Delete its pictures, in the running transaction; their files go once it has committed."""
    for logo in Logo.objects.filter(partner=partner):
        for file in (logo.small, logo.large):
            transaction.on_commit(partial(file.storage.delete, str(file.name)))
        logo.delete()


def _lock(partner: Partner) -> None:
    """One change after the other, each from what the one before has left."""
    partner.logo = Partner.objects.select_for_update(of=("self",)).get(pk=partner.pk).logo

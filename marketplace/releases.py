"""Versions of integrations: what was reviewed, released, and what is new in it."""

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from core import clock, events
from core.actors import Actor
from core.problems import Conflict, NotFound, ValidationError
from core.states import StaleState
from marketplace.event_types import VERSION_RELEASED
from marketplace.models import Integration, Version

FIRST = "1.0.0"


class AlreadyProposed(Conflict):
    detail = _("Version {number} is not released yet. Submit and publish it first.")


def propose(integration: Integration, *, number: str = "", notes: str = "") -> Version:
    """The version that a review is about, with what consumers will agree to, as it is now; inside the submitting transaction.

    Raises ValidationError for a number that isn't later than the others.
    """
    version = integration.versions.filter(released_at=None).first() or Version(integration=integration)
    if number or not version.number:
        version.number = _require_later(integration, number or _next(integration))
    version.notes = notes or version.notes
    _copy_terms(integration, version)
    version.full_clean(exclude=["integration"], validate_constraints=False)
    version.save()
    return version


@transaction.atomic
def add(*, integration: Integration, number: str, notes: str, by: Actor) -> Version:
    """A new version with its release notes. Of a reviewed integration it is released at once, on the terms of the present one;
    of a draft it waits for review. Raises AlreadyProposed, StaleState, ValidationError, NotFound if it was deleted meanwhile.
    """
    row = Integration.objects.select_for_update(of=("self",)).select_related("current").filter(pk=integration.pk).first()
    if row is None:
        raise NotFound()
    if waiting := row.versions.filter(released_at=None).first():
        raise AlreadyProposed(number=waiting.number)
    version = Version(integration=row, number=_require_later(row, number), notes=notes)
    reviewed = row.status in {Integration.Status.PUBLISHED, Integration.Status.UNPUBLISHED}
    if not reviewed and row.status != Integration.Status.DRAFT:
        raise StaleState()
    _copy_terms(row.current if reviewed and row.current else row, version)  # an owner's copy may hold what nobody reviewed
    version.released_at = clock.now() if reviewed else None
    version.full_clean(exclude=["integration"], validate_constraints=False)
    version.save(force_insert=True)
    if reviewed:
        Integration.objects.filter(pk=row.pk).update(current=version)
        data = {
            "integration_id": row.public_id,
            "slug": row.slug,
            "name": row.name,
            "status": str(row.status),
            "version": version.number,
        }
        events.emit(type=VERSION_RELEASED, partner=row.partner_id, environment=row.environment, subject=row, actor=by, data=data)
    return version


def _copy_terms(source: Integration | Version, version: Version) -> None:
    for name in ("upstream_url", "scopes", "pricing", "price", "currency"):
        setattr(version, name, getattr(source, name))


def _require_later(integration: Integration, number: str) -> str:
    latest = max((_parts(version.number) for version in integration.versions.all()), default=())
    if _parts(number) <= latest:
        text = ".".join(str(part) for part in latest)
        raise ValidationError({"number": [str(_("Give a number later than {latest}.")).format(latest=text)]})
    return number


def _next(integration: Integration) -> str:
    latest = max((_parts(version.number) for version in integration.versions.all()), default=None)
    return f"{latest[0]}.{latest[1] + 1}.0" if latest else FIRST


def _parts(number: str) -> tuple[int, ...]:
    """The numbers of a version, for comparing; () for what isn't one, which the field's validator refuses by name."""
    parts = number.split(".")
    return tuple(int(part) for part in parts) if all(part.isascii() and part.isdigit() for part in parts) else ()

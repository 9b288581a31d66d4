"""The life of an integration: drafted by its partner, reviewed by an operator, published, withdrawn, stopped."""

import secrets
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from core import addresses, clock, events, slugs, versions
from core import scopes as registry
from core.actors import Actor
from core.models import Environment
from core.money import MoneyError, places
from core.problems import Conflict, NotFound, PartnerNotActive, ValidationError
from core.states import StaleState, swap, transition
from marketplace.event_types import (
    CHANGES_REQUESTED,
    INTEGRATION_APPROVED,
    INTEGRATION_CREATED,
    INTEGRATION_DELETED,
    INTEGRATION_PUBLISHED,
    INTEGRATION_REINSTATED,
    INTEGRATION_REJECTED,
    INTEGRATION_SUBMITTED,
    INTEGRATION_SUSPENDED,
    INTEGRATION_UNPUBLISHED,
    INTEGRATION_UPDATED,
)
from marketplace.models import Integration, Version
from marketplace.releases import propose
from partners import verification
from partners.models import Partner

Status = Integration.Status

TEXTS = frozenset({"name", "summary", "description", "category"})
REVIEWED = frozenset({"slug", "upstream_url", "scopes", "pricing", "price", "currency"})
# Where the reviewed fields may be changed; doing so asks for a new review.
# How the gateway treats the upstream: may change at any time, and holds from the next call on.
TUNING = Integration.TUNING
OPEN = frozenset({Status.DRAFT, Status.APPROVED, Status.UNPUBLISHED})

SECRET_PREFIX = "whsec_"  # noqa: S105  (not a secret: how Standard Webhooks spells them)


class NotEditable(Conflict):
    detail = _("What consumers agree to can't be changed while it is {status}. Unpublish it first, or wait for the review.")


class InUse(Conflict):
    detail = _("An integration that was published once can't be deleted. Unpublish it instead.")


@dataclass(frozen=True, slots=True)
class Drafted:
    """A new integration and, this once, the secret with which the gateway signs what it sends to the upstream."""

    integration: Integration
    signing_secret: str


@transaction.atomic
def create(*, partner: Partner, environment: str, by: Actor, **fields: Any) -> Drafted:
    """A draft with the fields of TEXTS, REVIEWED and TUNING. Raises ValidationError."""
    secret = SECRET_PREFIX + b64encode(secrets.token_bytes(32)).decode()
    integration = Integration(partner=partner, environment=environment, signing_secret=secret, **fields)
    _require_sound(integration)
    with slugs.claiming():
        integration.save(force_insert=True)
    _emit(INTEGRATION_CREATED, integration, by)
    return Drafted(integration, secret)


@transaction.atomic
def update(*, integration: Integration, changes: Mapping[str, Any], by: Actor) -> Integration:
    """Change a draft; of a published one only its texts and how its upstream is treated. Changing what was reviewed makes it
    a draft again, while those who have installed it go on being served by the reviewed version.

    Raises NotEditable, ValidationError.
    """
    row = _locked(integration)
    changed = {name: value for name, value in changes.items() if getattr(row, name) != value}
    touches_terms = bool(changed.keys() & REVIEWED)
    if row.status in {Status.IN_REVIEW, Status.REJECTED, Status.SUSPENDED} or (touches_terms and row.status not in OPEN):
        raise NotEditable(status=row.get_status_display())
    if "slug" in changed and row.current_id:
        raise ValidationError({"slug": [str(_("It is in its consumers' programs now and can't be changed any more."))]})
    for name, value in changed.items():
        setattr(row, name, value)
    _require_sound(row)
    with slugs.claiming():
        row.save(update_fields=list(changed))
    if touches_terms and row.status != Status.DRAFT:
        transition(row, Status.DRAFT)
    if changed.keys() & TUNING and row.current_id:
        versions.bump(row)
    if changed:
        _emit(INTEGRATION_UPDATED, row, by)
    return row


@transaction.atomic
def delete(*, integration: Integration, by: Actor) -> None:
    """Remove one that was never published. Raises InUse."""
    row = _locked(integration)
    if row.current_id:
        raise InUse()
    _emit(INTEGRATION_DELETED, row, by)
    row.delete()


@transaction.atomic
def submit(*, integration: Integration, by: Actor, number: str = "", notes: str = "") -> Integration:
    """Hand a draft in for review, as version `number` (the next minor one if empty). In the test environment, where nobody
    but its partner can see it, it is approved at once. Raises StaleState, ValidationError."""
    row = _locked(integration)
    transition(row, Status.IN_REVIEW, submitted_at=clock.now(), status_reason="")
    propose(row, number=number, notes=notes)
    _emit(INTEGRATION_SUBMITTED, row, by)
    if row.environment == Environment.TEST:
        approve(integration=row, by=by)
    return row


@transaction.atomic
def approve(*, integration: Integration, by: Actor) -> None:
    """An operator's yes: its partner can publish it. Raises StaleState."""
    transition(integration, Status.APPROVED, status_reason="")
    _emit(INTEGRATION_APPROVED, integration, by)


@transaction.atomic
def request_changes(*, integration: Integration, reason: str, by: Actor) -> None:
    """An operator's not yet, with what is missing: back to its partner as a draft. Raises StaleState."""
    swap(integration, where={"status": Status.IN_REVIEW}, status=Status.DRAFT, status_reason=reason)
    _emit(CHANGES_REQUESTED, integration, by, reason=reason)


@transaction.atomic
def reject(*, integration: Integration, reason: str, by: Actor) -> None:
    """An operator's no, for good. Raises StaleState."""
    transition(integration, Status.REJECTED, status_reason=reason)
    _emit(INTEGRATION_REJECTED, integration, by, reason=reason)


@transaction.atomic
def publish(*, integration: Integration, by: Actor) -> Integration:
    """Put an approved or withdrawn one into the marketplace. Raises StaleState, PartnerNotActive, NotVerified."""
    row = _locked(integration)
    if row.environment == Environment.LIVE and row.partner.status != Partner.Status.ACTIVE:
        raise PartnerNotActive()
    if row.environment == Environment.LIVE:
        verification.require(row.partner)
    version = row.versions.filter(released_at=None).first() if row.status == Status.APPROVED else row.current
    if version is None:
        raise StaleState()
    if version.released_at is None:
        swap(version, where={"released_at": None}, released_at=clock.now())
    transition(row, Status.PUBLISHED, current=version, published_at=row.published_at or clock.now())
    versions.bump(row)
    _emit(INTEGRATION_PUBLISHED, row, by)
    return row


@transaction.atomic
def unpublish(*, integration: Integration, by: Actor) -> None:
    """Take it out of the marketplace. Those who have installed it keep it. Raises StaleState."""
    swap(integration, where={"status": Status.PUBLISHED}, status=Status.UNPUBLISHED)
    _emit(INTEGRATION_UNPUBLISHED, integration, by)


@transaction.atomic
def suspend(*, integration: Integration, reason: str, by: Actor) -> None:
    """An operator's stop: calls to it are refused from the next one on. Raises StaleState."""
    transition(integration, Status.SUSPENDED, status_reason=reason)
    versions.bump(integration)
    _emit(INTEGRATION_SUSPENDED, integration, by, reason=reason)


@transaction.atomic
def reinstate(*, integration: Integration, by: Actor) -> None:
    """Lift a suspension: whoever has installed it can call it again; its partner decides about publishing.

    Raises StaleState.
    """
    target = Status.UNPUBLISHED if integration.current_id else Status.DRAFT
    swap(integration, where={"status": Status.SUSPENDED}, status=target, status_reason="")
    versions.bump(integration)
    _emit(INTEGRATION_REINSTATED, integration, by)


def _locked(integration: Integration) -> Integration:
    """The row as it is now. Raises NotFound if it was deleted meanwhile."""
    rows = Integration.objects.select_for_update(of=("self",)).select_related("partner", "current")
    found: Integration | None = rows.filter(pk=integration.pk).first()
    if found is None:
        raise NotFound()
    return found


def _require_sound(integration: Integration) -> None:
    """Raises ValidationError unless fields, scopes, price and upstream can be accepted."""
    integration.full_clean(exclude=["partner", "current", "signing_secret"])
    errors: dict[str, list[str]] = {}
    if unknown := registry.unknown(integration.scopes) + [name for name in integration.scopes if name == "*"]:
        errors["scopes"] = [str(_("Unknown: {names}.")).format(names=", ".join(unknown))]
    try:
        places(integration.currency)
    except MoneyError:
        errors["currency"] = [str(_("Give an ISO 4217 code, such as USD."))]
    if refusal := _refusal(integration):
        errors["upstream_url"] = [refusal]
    if errors:
        raise ValidationError(errors)


def _refusal(integration: Integration) -> str:
    """Why the gateway would not send calls to the upstream; "" if it would."""
    try:
        addresses.check_url(integration.upstream_url, require_tls=integration.environment == Environment.LIVE)
    except addresses.Refused as refused:
        return refused.reason
    theirs, ours = urlsplit(integration.upstream_url), urlsplit(settings.BASE_URL)
    if (theirs.hostname, theirs.port) == (ours.hostname, ours.port):
        return str(_("This is the platform's own address. Give the address of your API."))
    return ""


def _emit(type: events.EventType, integration: Integration, by: Actor, **more: str) -> None:
    version = Version.objects.get(pk=integration.current_id) if integration.current_id else None
    data = {
        "integration_id": integration.public_id,
        "slug": integration.slug,
        "name": integration.name,
        "status": str(integration.status),
        **({"version": version.number} if version else {}),
        **more,
    }
    events.emit(
        type=type, partner=integration.partner_id, environment=integration.environment, subject=integration, actor=by, data=data
    )

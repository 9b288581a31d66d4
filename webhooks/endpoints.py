"""What can happen to an endpoint."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _
from yarl import URL

from core import addresses, clock, events, wake
from core.actors import SYSTEM, Actor
from core.models import Environment
from core.problems import Conflict, ValidationError
from core.states import swap, transition
from partners.models import Partner
from webhooks import catalogue, circuits, deliveries, inspectors, lanes, own_headers, pace, patterns, payload_filters, signing
from webhooks.event_types import (
    WEBHOOK_CREATED,
    WEBHOOK_DISABLED,
    WEBHOOK_ENABLED,
    WEBHOOK_OVERLAP_ENDED,
    WEBHOOK_PAUSED,
    WEBHOOK_REMOVED,
    WEBHOOK_SECRET_ROTATED,
    WEBHOOK_SECRET_SHOWN,
    WEBHOOK_TEST,
    WEBHOOK_UPDATED,
)
from webhooks.fan_out import WAKES
from webhooks.models import FASTEST, MOST_AT_ONCE, Delivery, Endpoint, Halt

# How long the old secret still signs after a rotation, beside the new one.
OVERLAP = timedelta(hours=24)
NOTHING_BEFORE: dict[str, Any] = {"previous_secret": None, "previous_public_key": "", "previous_secret_until": None}
MOST_PATTERNS = 100
LIMITS = {
    "rate_per_second": (FASTEST, _("Choose 1 to {most} deliveries a second, or leave it out for no limit.")),
    "concurrency": (MOST_AT_ONCE, _("Choose 1 to {most} posts at once, or leave it out for the platform's own limit.")),
}
MOST_ENDPOINTS = 50


class PausedByOperator(Conflict):
    detail = _("The operator has paused your webhooks: {reason} They go on once the operator lets them.")


class NoOverlap(Conflict):
    detail = _("No signature of before is being sent.")


class NoSharedSecret(Conflict):
    detail = _("This endpoint signs by a private key, which nobody is shown. Verify with its public key.")


class TooManyEndpoints(Conflict):
    detail = _("A partner may have {most} endpoints in each environment. Remove one that isn't needed.")


@dataclass(frozen=True, slots=True)
class Created:
    """An endpoint and, this once, its signing secret; None where it signs by a private key, which nobody is shown."""

    endpoint: Endpoint
    secret: str | None


@transaction.atomic
def create(
    *,
    partner: Any,
    environment: str,
    url: str,
    event_types: Iterable[str],
    by: Actor,
    description: str = "",
    signature: str = Endpoint.Signature.HMAC,
    **options: Any,
) -> Created:
    """Add an endpoint, active at once unless an operator has paused all of the partner's.

    `options` are those of `update`. Raises ValidationError for an address, a pattern or an option that can't be,
    TooManyEndpoints.
    """
    halt = halt_of(partner.pk)
    if Endpoint.objects.for_caller(partner, environment).present().count() >= MOST_ENDPOINTS:
        raise TooManyEndpoints(most=MOST_ENDPOINTS)
    secret = _new_key(signature)
    endpoint = Endpoint.objects.create(
        partner=partner,
        environment=environment,
        url=checked_url(url, partner, environment),
        event_types=checked_patterns(event_types),
        description=description,
        signature=signature,
        secret=secret,
        public_key=signing.public_key(secret),
        **_checked_options(options, kept={}),
        **({"halt": halt, "status": Endpoint.Status.PAUSED, "status_reason": halt.reason[:300]} if halt else {}),
    )
    _tell(WEBHOOK_CREATED, endpoint, by, event_types=endpoint.event_types)
    return Created(endpoint, _shown(endpoint))


@transaction.atomic
def update(*, endpoint: Endpoint, by: Actor, **changes: Any) -> None:
    """Change `url`, `event_types`, `description`, or the options: `filter`, `headers`, `rate_per_second` and `concurrency` (None
    for no limit of its own) and `fifo` (one by one for each subject). What is open follows. Raises ValidationError, StaleState
    for a removed one.

    Values of headers that are masked stay as they are, but not for a server elsewhere: who may change the address may not
    thereby read them.
    """
    kept, was_fifo, had_rate = own_headers.of(endpoint), endpoint.fifo, endpoint.rate_per_second
    if changes.get("url") == endpoint.url:
        del changes["url"]  # it may be refused today: an inspector that is closed, an address that moved inside
    if "url" in changes:
        changes["url"] = checked_url(changes["url"], endpoint.partner_id, endpoint.environment)
        if kept and URL(changes["url"]).origin() != URL(endpoint.url).origin():
            changes.setdefault("headers", own_headers.shown(endpoint))
            kept = {}
    changes |= _checked_options(changes, kept=kept)
    if "event_types" in changes:
        changes["event_types"] = checked_patterns(changes["event_types"])
    if changes:
        swap(endpoint, where={"status__in": [*Endpoint.TRANSITIONS]}, **changes)
        if endpoint.fifo != was_fifo:
            (lanes.open if endpoint.fifo else lanes.close)(endpoint.pk)
        if endpoint.rate_per_second != had_rate:
            pace.begin_anew(endpoint.pk)
        if "url" in changes:
            circuits.reset(endpoint)
        _tell(WEBHOOK_UPDATED, endpoint, by, changed=sorted(changes))


@transaction.atomic
def pause(*, endpoint: Endpoint, by: Actor) -> None:
    """Hold what would be sent, until `enable`. Raises StaleState unless it is active."""
    swap(endpoint, where={"status": Endpoint.Status.ACTIVE}, status=Endpoint.Status.PAUSED, status_reason="")
    settle(endpoint)
    _tell(WEBHOOK_PAUSED, endpoint, by)


@transaction.atomic
def enable(*, endpoint: Endpoint, by: Actor, send_held: bool = True) -> int:
    """Go on sending; what was held goes out oldest first, or is dropped. Returns how many.

    Raises StaleState if active, PausedByOperator while an operator has paused all of the partner's.
    """
    halt = halt_of(endpoint.partner_id)
    if halt is not None:
        raise PausedByOperator(reason=halt.reason)
    transition(endpoint, Endpoint.Status.ACTIVE, status_reason="")
    count = deliveries.release(endpoint) if send_held else deliveries.drop_held(endpoint)
    circuits.reset(endpoint)
    _tell(WEBHOOK_ENABLED, endpoint, by, send_held=send_held, held=count)
    return count


@transaction.atomic
def disable(*, endpoint: Endpoint, reason: str, by: Actor = SYSTEM) -> None:
    """Switch it off because it can't go on; what would be sent is held. Raises StaleState if it is off already."""
    transition(endpoint, Endpoint.Status.DISABLED, status_reason=reason[:300])
    settle(endpoint)
    _tell(WEBHOOK_DISABLED, endpoint, by, reason=reason)


@transaction.atomic
def remove(*, endpoint: Endpoint, by: Actor) -> None:
    """Take it away; open deliveries are cancelled, the log stays. Raises StaleState if it is gone."""
    transition(endpoint, Endpoint.Status.REMOVED, **NOTHING_BEFORE)
    settle(endpoint)
    _tell(WEBHOOK_REMOVED, endpoint, by)


@transaction.atomic
def rotate_secret(*, endpoint: Endpoint, by: Actor, overlap: timedelta = OVERLAP, signature: str | None = None) -> str | None:
    """A new signing key, of another kind if `signature` says so; for the time of `overlap` the old one signs too.

    Returns a shared secret this once, None for a private key. Raises StaleState.
    """
    current = Endpoint.objects.select_for_update(no_key=True).get(pk=endpoint.pk)  # who rotates at the same time comes after
    kind = signature or current.signature
    secret, kept = _new_key(kind), overlap > timedelta(0)
    swap(
        endpoint,
        where={"status__in": [*Endpoint.TRANSITIONS]},
        signature=kind,
        secret=secret,
        public_key=signing.public_key(secret),
        previous_secret=current.secret if kept else None,
        previous_public_key=current.public_key if kept else "",
        previous_secret_until=clock.now() + overlap if kept else None,
    )
    _tell(WEBHOOK_SECRET_ROTATED, endpoint, by, signature=kind, overlap_seconds=int(overlap.total_seconds()))
    return _shown(endpoint)


@transaction.atomic
def end_overlap(*, endpoint: Endpoint, by: Actor) -> None:
    """Stop signing by the secret or key of before. Raises NoOverlap."""
    if endpoint.overlaps_until is None:
        raise NoOverlap()
    swap(endpoint, where={"previous_secret__isnull": False}, **NOTHING_BEFORE)
    _tell(WEBHOOK_OVERLAP_ENDED, endpoint, by)


@transaction.atomic
def reveal_secret(*, endpoint: Endpoint, by: Actor) -> str:
    """The shared secret once more, for a person who has shown again who it is; that it was shown is written down.

    Raises NoSharedSecret where a private key signs.
    """
    if endpoint.signature != Endpoint.Signature.HMAC:
        raise NoSharedSecret()
    _tell(WEBHOOK_SECRET_SHOWN, endpoint, by)
    return str(endpoint.secret)


@transaction.atomic
def send_test(*, endpoint: Endpoint, by: Actor, event_type: str = "webhook.test", data: dict[str, Any] | None = None) -> Delivery:
    """Send this endpoint, and no other, what an event of any type would bring; `data` is the type's example unless given.

    What is written down is that a test was sent, whatever its type: nobody may put facts into the log that are none.
    Raises ValidationError for a type that isn't in the catalogue or data that doesn't fit it.
    """
    kind = catalogue.sendable(event_type, pointer="/event_type")
    payload = dict(kind.example) if data is None else data
    catalogue.require_valid(kind, payload)
    catalogue.require_storable(payload)
    event = events.emit(
        type=WEBHOOK_TEST,
        partner=endpoint.partner_id,
        environment=endpoint.environment,
        subject=endpoint,
        actor=by,
        data=payload,
    )
    wake.on_commit(WAKES)
    return deliveries.open_one(endpoint=endpoint, event=event, event_type=kind.name)


def halt_of(partner: UUID) -> Halt | None:
    """The operator's pause of all of a partner's webhooks. None begins or ends until the transaction ends."""
    Partner.objects.select_for_update(no_key=True).values_list("pk").get(pk=partner)
    return Halt.objects.filter(partner=partner).first()


def settle(endpoint: Endpoint) -> None:
    """Bring its open deliveries into line with its status: held while it is off, cancelled once it is removed."""
    if endpoint.status == Endpoint.Status.REMOVED:
        deliveries.cancel_open(endpoint)
    elif endpoint.status != Endpoint.Status.ACTIVE:
        deliveries.hold(endpoint)


def checked_url(url: str, partner: Any, environment: str) -> str:
    """The URL, if the platform would send there, or an open inspector of the partner's. Raises ValidationError; live endpoints
    must have https."""
    token = inspectors.token_of(url)
    try:
        if token and inspectors.is_of(partner, environment, token):
            return url
        if token:
            raise addresses.Refused(str(_("This is no address of an inspector of yours that is open in this environment.")))
        addresses.check_url(url, require_tls=environment == Environment.LIVE)
    except addresses.Refused as refusal:
        raise ValidationError([{"pointer": "/url", "code": "refused_url", "detail": refusal.reason}]) from refusal
    return url


def checked_patterns(given: Iterable[str]) -> list[str]:
    """The patterns without repetitions. Raises ValidationError for none, too many, or one that can match nothing."""
    found = list(dict.fromkeys(given))
    if not found or len(found) > MOST_PATTERNS:
        detail = _("Name 1 to {most} event types, families like course.*, or * for all.")
        raise ValidationError({"event_types": [str(detail).format(most=MOST_PATTERNS)]})
    names = catalogue.names()
    for place, pattern in enumerate(found):
        if not patterns.well_formed(pattern) or not any(patterns.matches(pattern, name) for name in names):
            detail = _("{pattern} is no event type of the catalogue and no family of them.")
            error = {
                "pointer": f"/event_types/{place}",
                "code": "unknown_event_type",
                "detail": str(detail).format(pattern=pattern),
            }
            raise ValidationError([error])
    return found


def _checked_options(given: Mapping[str, Any], *, kept: Mapping[str, str]) -> dict[str, Any]:
    """The options among what is given, as they are stored. Raises ValidationError."""
    checked = dict(given)
    if "filter" in given:
        checked["filter"] = payload_filters.checked(given["filter"])
    if "headers" in given:
        checked["headers"] = own_headers.checked(given["headers"], kept=kept)
    for name, (most, advice) in LIMITS.items():
        if given.get(name) is not None and not 1 <= given[name] <= most:
            detail = str(advice).format(most=f"{most:,}")
            raise ValidationError([{"pointer": f"/{name}", "code": "out_of_bounds", "detail": detail}])
    return checked


def _new_key(signature: str) -> str:
    return signing.new_private_key() if signature == Endpoint.Signature.ED25519 else signing.new_secret()


def _shown(endpoint: Endpoint) -> str | None:
    return None if endpoint.signature == Endpoint.Signature.ED25519 else endpoint.secret


def _tell(kind: events.EventType, endpoint: Endpoint, by: Actor, **more: Any) -> None:
    events.emit(
        type=kind,
        partner=endpoint.partner_id,
        environment=endpoint.environment,
        subject=endpoint,
        actor=by,
        data={"endpoint_id": endpoint.public_id, "url": endpoint.url, **more},
    )

"""The life of a key: issued, perhaps changed, disabled, enabled or rotated, in the end revoked.

The text of a key is in the answer of `issue` and `rotate` and nowhere else; what is kept is a keyed hash (`core.crypto`).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from apikeys import addresses, expiries
from apikeys import event_types as types
from apikeys.models import Key
from core import clock, crypto, events, operators, problems, scopes, versions
from core.actors import Actor
from core.models import Environment, OperatorToken
from core.states import swap, transition
from partners.models import Partner

PREFIXES = {Environment.LIVE: "pk_live_", Environment.TEST: "pk_test_"}
SECRET_PREFIX = "ps_"  # noqa: S105  (what secrets start with)

UNSAFE = (Key.Status.ACTIVE, Key.Status.DISABLED, Key.Status.SUSPENDED)
"""States in which a key works, or may again."""

# Rights that keep a newcomer's key harmless: it can see who it is, and nothing else, until somebody gives it more.
LEAST = ("partner:read",)

LONGEST_LIFE = timedelta(days=36_525)


class GraceTooLong(problems.ValidationError):
    """A rotated key may live on for as long as its partner's tier says."""

    def __init__(self, longest: timedelta) -> None:
        detail = str(_("At most {seconds} seconds on this tier.")).format(seconds=int(longest.total_seconds()))
        super().__init__({"grace_seconds": [detail]})


class ScopeNotHeld(problems.Forbidden):
    """Nobody can give a key a right that they lack."""

    detail = _("You can't give or renew rights that you don't have yourself: {scopes}.")


@dataclass(frozen=True, slots=True)
class Issued:
    """A key and, this once, its text; `secret` is its second half where it was asked for."""

    key: Key
    text: str
    secret: str | None


@dataclass(frozen=True, slots=True)
class Rights:
    """What the maker of a key may hand on: a caller's scopes, a member's permissions, or (`EVERY`) everything."""

    held: Collection[str]

    def require(self, wanted: Collection[str]) -> None:
        """Raises ScopeNotHeld that names what is lacking."""
        lacking = sorted(set(wanted) - set(self.held)) if "*" not in self.held else []
        if lacking:
            raise ScopeNotHeld(scopes=", ".join(lacking))


EVERY = Rights(("*",))


class LiveKeysNeedLive(problems.Forbidden):
    """A test key is guarded less well than what a live one opens."""

    detail = _(
        "A test key makes test keys, and the first live key once the partner is live. This partner had a live key: use one, "
        "or the portal."
    )


def require_reach(*, partner: Partner, held: str, wanted: str) -> None:
    """Whether a key of one environment may make keys of another. The first live key may be made by a test key, so that a
    program needs no portal to go live: until there is one, nothing live is there to be reached. Raises LiveKeysNeedLive."""
    beyond = held == Environment.TEST and wanted == Environment.LIVE
    if beyond and Key.objects.filter(partner=partner, environment=Environment.LIVE).exists():
        raise LiveKeysNeedLive()


@transaction.atomic
def issue(
    *,
    partner: Partner,
    environment: str,
    name: str,
    scopes: Sequence[str] = LEAST,
    by: Actor,
    rights: Rights = EVERY,
    expires_at: datetime | None = None,
    ip_allowlist: Sequence[str] = (),
    rate_limit_per_minute: int | None = None,
    require_secret: bool = False,
) -> Issued:
    """Make a key. Raises ValidationError for what is no scope, address, limit or time; ScopeNotHeld beyond `rights`;
    PartnerNotActive for a live key of a partner that isn't live yet, and for any key of a closed or suspended one."""
    require_partner(partner, environment)
    settings = _checked(
        partner, scopes=scopes, ip_allowlist=ip_allowlist, rate_limit_per_minute=rate_limit_per_minute, expires_at=expires_at
    )
    rights.require(settings["scopes"])
    issued = _create(partner=partner, environment=environment, name=name, by=by, require_secret=require_secret, **settings)
    events.emit(
        type=types.KEY_ISSUED,
        partner=partner,
        environment=environment,
        subject=issued.key,
        actor=by,
        data=types.facts(issued.key),
    )
    return issued


@transaction.atomic
def update(*, key: Key, by: Actor, rights: Rights = EVERY, **changes: Any) -> Key:
    """Change name, scopes, ip_allowlist, rate_limit_per_minute or expires_at; it holds from the next call on.

    Raises as `issue` does, and StaleState once the key is revoked.
    """
    _lock(key)
    checked = _checked(key.partner, **{name: value for name, value in changes.items() if name != "name"})
    checked |= {"name": changes["name"]} if "name" in changes else {}
    rights.require(set(checked.get("scopes", ())) - set(key.scopes))
    before = {name: getattr(key, name) for name in checked}
    checked = {name: value for name, value in checked.items() if before[name] != value}
    if not checked:
        return key
    if "expires_at" in checked and key.successor_id and not _is_sooner(checked["expires_at"], key.expires_at):
        raise expiries.EndsSooner()
    swap(key, where={"status__in": UNSAFE}, **checked)
    if "expires_at" in checked:
        expiries.know(key)
    data = {**types.facts(key), "changes": {name: [_plain(before[name]), _plain(value)] for name, value in checked.items()}}
    _emit(types.KEY_UPDATED, key, by, data)
    return key


@transaction.atomic
def withdraw(*, key: Key, gone: Collection[str], by: Actor) -> None:
    """Take scopes from a key that nobody declares any more. Raises StaleState once it is revoked."""
    _lock(key)
    before, left = key.scopes, [name for name in key.scopes if name not in gone]
    swap(key, where={"status__in": UNSAFE}, scopes=left)
    _emit(types.KEY_UPDATED, key, by, {**types.facts(key), "changes": {"scopes": [before, left]}})


@transaction.atomic
def rotate(*, key: Key, grace: timedelta, by: Actor, rights: Rights = EVERY) -> Issued:
    """Issue a successor with the same rights; the old key works on for `grace`, never past its own expiry.

    The successor of a key with an expiry lives as long as the old one was meant to. Raises StaleState if the key is no
    longer active or has a successor, GraceTooLong beyond the tier's limit, ScopeNotHeld if the key may more than `rights`.
    """
    _lock(key)
    if grace > key.partner.tier.longest_grace:
        raise GraceTooLong(key.partner.tier.longest_grace)
    require_partner(key.partner, key.environment)
    rights.require(key.scopes)
    now = clock.now()
    ends_at = min(filter(None, [now + grace, key.expires_at]))
    successor = _create(
        partner=key.partner,
        environment=key.environment,
        name=key.name,
        by=by,
        require_secret=key.secret_digest is not None,
        scopes=key.scopes,
        ip_allowlist=key.ip_allowlist,
        rate_limit_per_minute=key.rate_limit_per_minute,
        expires_at=now + (key.expires_at - key.created_at) if key.expires_at else None,
    )
    swap(key, where={"status": Key.Status.ACTIVE, "successor": None}, expires_at=ends_at, successor=successor.key)
    expiries.know(key)
    data = {**types.facts(key), "successor": successor.key.public_id, "expires_at": ends_at.isoformat()}
    _emit(types.KEY_ROTATED, key, by, data)
    return successor


@transaction.atomic
def rotate_secret(*, key: Key, by: Actor, rights: Rights = EVERY) -> Issued:
    """Give a key another secret, or a first one; the one before stops at once. The key itself stays, and its text is not shown.

    Whoever wants no gap rotates the key. Raises StaleState if it is no longer active, ScopeNotHeld if it may more than `rights`.
    """
    _lock(key)
    rights.require(key.scopes)
    secret = crypto.generate(SECRET_PREFIX)
    swap(key, where={"status": Key.Status.ACTIVE}, secret_digest=crypto.digest(secret))
    _emit(types.KEY_SECRET_ROTATED, key, by, types.facts(key))
    return Issued(key, "", secret)


@transaction.atomic
def revoke(*, key: Key, by: Actor, reason: str = "") -> None:
    """End a key for good, from the next call on. Raises StaleState if it was revoked before."""
    transition(key, Key.Status.REVOKED)
    _emit(types.KEY_REVOKED, key, by, {**types.facts(key), "reason": reason})


@transaction.atomic
def disable(*, key: Key, by: Actor) -> None:
    """Switch a key off until `enable`. Raises StaleState unless it is active."""
    transition(key, Key.Status.DISABLED)
    _emit(types.KEY_DISABLED, key, by, types.facts(key))


@transaction.atomic
def enable(*, key: Key, by: Actor) -> None:
    """Switch a disabled key on again. Raises StaleState for any other: a leaked one stays off."""
    swap(key, where={"status": Key.Status.DISABLED}, status=Key.Status.ACTIVE)
    _emit(types.KEY_ENABLED, key, by, types.facts(key))


@transaction.atomic
def suspend(*, key: Key, reason: str, incident: str, by: Actor) -> None:
    """Refuse the calls of a key that is used in a harmful way, until `resume`; `reason` is what its callers are told, `incident`
    the id of what happened (`abuse.incidents`). Raises StaleState unless it is active."""
    swap(key, where={"status": Key.Status.ACTIVE}, status=Key.Status.SUSPENDED, status_reason=reason)
    _emit(types.KEY_SUSPENDED, key, by, {**types.facts(key), "reason": reason, "incident": incident})


@transaction.atomic
def resume(*, key: Key, by: Actor) -> None:
    """Let the calls of a suspended key through again. Raises StaleState for any other."""
    swap(key, where={"status": Key.Status.SUSPENDED}, status=Key.Status.ACTIVE, status_reason="")
    _emit(types.KEY_RESUMED, key, by, types.facts(key))


@transaction.atomic
def explain(*, key: Key, reason: str) -> None:
    """Tell the callers of a suspended key something else. Raises StaleState if it is no longer suspended."""
    swap(key, where={"status": Key.Status.SUSPENDED}, status_reason=reason)
    versions.bump(key)


@transaction.atomic
def report_leak(*, text: str, found_at: str = "", by: Actor) -> None:
    """Somebody found this credential in the open: a real one stops at once and its owner is told. Anything else is ignored,
    and the caller can't tell the difference."""
    found = crypto.digest(text)
    token = OperatorToken.objects.filter(digest=found, revoked_at=None).first()
    if token is not None:
        operators.revoke(token=token, by=by)
    key = Key.objects.select_for_update().filter(digest=found, status__in=UNSAFE).first()
    if key is not None:
        leak(key=key, found_at=found_at, by=by)


@transaction.atomic
def leak(*, key: Key, found_at: str = "", by: Actor) -> None:
    """Stop a key that got out, for good, and tell its owner. Raises StaleState for one that doesn't work anyway."""
    transition(key, Key.Status.LEAKED)
    _emit(types.KEY_LEAKED, key, by, {**types.facts(key), "found_at": found_at})


def _lock(key: Key) -> None:
    """The row as it is now, until the transaction ends: rights are judged by what the key has, not by what it had."""
    key.refresh_from_db(from_queryset=Key.objects.select_for_update(of=("self",)).select_related("partner__tier"))


def _create(*, partner: Partner, environment: str, name: str, by: Actor, require_secret: bool, **settings: Any) -> Issued:
    prefix = PREFIXES[Environment(environment)]
    text = crypto.generate(prefix)
    secret = crypto.generate(SECRET_PREFIX) if require_secret else None
    key = Key.objects.create(
        partner=partner,
        environment=environment,
        name=name,
        digest=crypto.digest(text),
        hint=crypto.hint(text, prefix),
        secret_digest=crypto.digest(secret) if secret else None,
        created_by=by.label,
        **settings,
    )
    expiries.know(key)
    versions.bump(key)
    return Issued(key, text, secret)


def _is_sooner(end: datetime | None, before: datetime | None) -> bool:
    return end is not None and before is not None and end <= before


def _checked(partner: Partner, **settings: Any) -> dict[str, Any]:
    """The settings in the one spelling in which they are kept; raises ValidationError that names every mistake."""
    errors: dict[str, Any] = {}
    if "scopes" in settings:
        settings["scopes"] = sorted(set(settings["scopes"]))
        if unknown := scopes.unknown(settings["scopes"]):
            errors["scopes"] = [str(_("Unknown scopes: {names}.")).format(names=", ".join(unknown))]
    if "ip_allowlist" in settings:
        settings["ip_allowlist"], mistakes = addresses.parse(settings["ip_allowlist"])
        errors |= {"ip_allowlist": mistakes} if mistakes else {}
    limit = settings.get("rate_limit_per_minute")
    if limit is not None and not 1 <= limit <= partner.tier.key_rate:
        errors["rate_limit_per_minute"] = [str(_("From 1 to {most} on this tier.")).format(most=partner.tier.key_rate)]
    expires_at = settings.get("expires_at")
    if expires_at is not None and expires_at <= clock.now():
        errors["expires_at"] = [str(_("This time is past."))]
    if expires_at is not None and expires_at > clock.now() + LONGEST_LIFE:
        errors["expires_at"] = [str(_("This is more than a hundred years away. Leave it empty for a key that doesn't expire."))]
    if errors:
        raise problems.ValidationError(errors)
    return settings


def require_partner(partner: Partner, environment: str) -> None:
    """Whether the partner can have credentials of this environment. Raises PartnerSuspended, PartnerNotActive."""
    if partner.status == Partner.Status.SUSPENDED:
        raise problems.PartnerSuspended()
    usable = {Partner.Status.ACTIVE} if environment == Environment.LIVE else {Partner.Status.ACTIVE, Partner.Status.PENDING}
    if partner.status not in usable:
        raise problems.PartnerNotActive()


def _emit(type: events.EventType, key: Key, by: Actor, data: dict[str, Any]) -> None:
    events.emit(type=type, partner=key.partner_id, environment=key.environment, subject=key, actor=by, data=data)
    versions.bump(key)


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value

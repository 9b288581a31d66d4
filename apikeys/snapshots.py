"""What the gateway keeps of a credential: everything it needs to decide a call, read in one query."""

from collections.abc import Collection
from datetime import datetime
from functools import cached_property, lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any, Literal
from uuid import UUID

import msgspec

from apikeys.models import Application, Key, rate_within
from apikeys.oauth import tokens
from core import ids, operators
from core.models import Environment, OperatorToken
from partners.models import Partner

_PREFIXES = {"key": Key.id_prefix, "application": Application.id_prefix, "operator": OperatorToken.id_prefix}


class Grant(msgspec.Struct, frozen=True, dict=True):
    """One credential as it stood when it was read. Ids are UUIDs as 32 hex digits; an operator's has no partner."""

    kind: Literal["key", "application", "operator"]
    credential: str
    """Of the key, the operator's token, or the application that an access token was given to."""
    version: int
    label: str
    scopes: frozenset[str]
    status: str
    """Status of the key (`active`, `disabled`, `suspended`, `leaked`, `revoked`); an access token is active or revoked."""
    expires_at: datetime | None
    reason: str = ""
    """Why it is suspended, in words for its callers."""
    secret_digest: bytes | None = None
    allowlist: tuple[IPv4Network | IPv6Network, ...] = ()
    environment: str = "live"
    partner: str = ""
    partner_version: int = 0
    partner_status: str = ""
    rate: int = 1_000
    """Calls a minute of this credential."""
    partner_rate: int = 0
    """Calls a minute of all of the partner's keys of this environment."""
    calls_at_once: int | None = None
    """Calls of the partner in this environment that may be under way together; None for no limit."""
    quota: int | None = None
    """Calls a month; None for no limit."""
    over_quota: str = "stop"
    tier_rank: int = 0
    """Place of the partner's tier on the ladder."""
    keeps_bodies: bool = False
    """Whether the bodies of its failed calls go to the call log."""
    further: tuple[tuple[str, int], ...] = ()
    """What else ends it when it changes, with its version: the consent, and the maker of the application."""
    installed: frozenset[str] = frozenset()
    """Slugs of the integrations that the partner has installed in this environment; the gateway adds them."""

    @cached_property
    def is_unconditional(self) -> bool:
        """Whether it holds at any time, from any address, without a second secret, for a partner in good standing."""
        return (
            self.status == "active"
            and self.partner_status in {"", "active"}
            and self.expires_at is None
            and self.secret_digest is None
            and not self.allowlist
        )

    @cached_property
    def caller(self) -> tuple[bytes | None, str, bytes]:
        """Partner, environment and credential as records of calls name them: UUIDs of 16 bytes."""
        return (bytes.fromhex(self.partner) if self.partner else None), self.environment, bytes.fromhex(self.credential)

    @cached_property
    def partner_id(self) -> str:
        """The partner's public id; "" of an operator's token."""
        return ids.encode(Partner.id_prefix, UUID(self.partner)) if self.partner else ""

    @cached_property
    def credential_id(self) -> str:
        """The public id of the key, the application or the operator's token."""
        return ids.encode(_PREFIXES[self.kind], UUID(self.credential))

    @cached_property
    def rate_key(self) -> str:
        """What its own limit is counted under: of an application, for each partner that it acts for."""
        return f"{self.credential}:{self.partner}" if self.kind == "application" else self.credential

    @cached_property
    def wire_lines(self) -> bytes:
        """Who calls, as header lines for a proxy that trusts us."""
        told = f"x-key-id: {self.credential_id}\r\nx-scopes: {' '.join(sorted(self.scopes))}\r\n"
        return (told + (f"x-partner-id: {self.partner_id}\r\n" if self.partner else "")).encode()

    def has_scope(self, scope: str) -> bool:
        """Whether the credential carries the scope, or all of them (`*`)."""
        return scope in self.scopes or "*" in self.scopes


@lru_cache(maxsize=10_000)
def shared(names: frozenset[str]) -> frozenset[str]:
    """The set that others have who have the same: most keys of an installation have one of a few."""
    return names


_COLUMNS = (
    "digest", "id", "version", "hint", "scopes", "status", "status_reason", "expires_at", "secret_digest", "ip_allowlist",
    "environment", "rate_limit_per_minute", "partner_id", "partner__version", "partner__status", "partner__keeps_test_bodies",
    "partner__tier__key_rate", "partner__tier__partner_rate", "partner__tier__calls_at_once", "partner__tier__monthly_quota",
    "partner__tier__over_quota", "partner__tier__rank",
)  # fmt: skip


def find_keys(digests: Collection[bytes]) -> dict[bytes, Grant]:
    """The keys of these keyed hashes with their partners and tiers, whatever their state."""
    rows = Key.objects.filter(digest__in=digests).order_by().values(*_COLUMNS)
    return {bytes(row["digest"]): _of_key(row) for row in rows}


def _of_key(row: dict[str, Any]) -> Grant:
    return Grant(
        kind="key",
        credential=row["id"].hex,
        version=row["version"],
        label=row["hint"],
        scopes=shared(frozenset(row["scopes"])),
        status=row["status"],
        reason=row["status_reason"],
        expires_at=row["expires_at"],
        secret_digest=None if row["secret_digest"] is None else bytes(row["secret_digest"]),
        allowlist=tuple(ip_network(entry, strict=False) for entry in row["ip_allowlist"]),
        environment=row["environment"],
        partner=row["partner_id"].hex,
        partner_version=row["partner__version"],
        partner_status=row["partner__status"],
        rate=rate_within(row["rate_limit_per_minute"], row["partner__tier__key_rate"]),
        partner_rate=row["partner__tier__partner_rate"],
        calls_at_once=row["partner__tier__calls_at_once"],
        quota=row["partner__tier__monthly_quota"],
        over_quota=row["partner__tier__over_quota"],
        tier_rank=row["partner__tier__rank"],
        keeps_bodies=row["environment"] == Environment.TEST and row["partner__keeps_test_bodies"],
    )


def find_token(digest: bytes) -> Grant | None:
    """The access token of this keyed hash with its application and the partner that it is for; None if there is none."""
    token = tokens.find_access(digest)
    if token is None:
        return None
    application, partner = token.application, tokens.acts_for(token)
    further = []
    if token.authorization is not None:
        consent = token.authorization.consent
        further.append((consent.pk.hex, consent.version))
    if application.partner_id != partner.pk:
        further.append((application.partner_id.hex, application.partner.version))
    return Grant(
        kind="application",
        credential=application.pk.hex,
        version=application.version,
        label=application.name,
        scopes=frozenset(tokens.effective(token)),
        status="revoked" if tokens.has_ended(token) else "active",
        expires_at=token.expires_at,
        allowlist=tuple(ip_network(entry, strict=False) for entry in application.ip_allowlist),
        environment=application.environment,
        partner=partner.pk.hex,
        partner_version=partner.version,
        partner_status=partner.status,
        rate=rate_within(application.rate_limit_per_minute, partner.tier.key_rate),
        partner_rate=partner.tier.partner_rate,
        quota=partner.tier.monthly_quota,
        over_quota=partner.tier.over_quota,
        tier_rank=partner.tier.rank,
        calls_at_once=partner.tier.calls_at_once,
        keeps_bodies=application.environment == Environment.TEST and partner.keeps_test_bodies,
        further=tuple(further),
    )


def find_operator(digest: bytes) -> Grant | None:
    """The operator's token of this keyed hash; None if there is none."""
    token = OperatorToken.objects.select_related("user").filter(digest=digest).first()
    if token is None:
        return None
    is_operator = token.user.is_active and token.user.is_staff
    return Grant(
        kind="operator",
        credential=token.pk.hex,
        version=token.version,
        label=f"{token.user.email} ({token.name})",
        scopes=operators.effective(token),
        status="active" if is_operator and token.revoked_at is None else "revoked",
        expires_at=token.expires_at,
    )

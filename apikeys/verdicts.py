"""Whether a key or an access token would be let through, for back ends that don't sit behind the gateway."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from apikeys import addresses, rates
from apikeys.keys import PREFIXES
from apikeys.models import AccessToken, Key
from apikeys.oauth import tokens
from core import blocks, clock, crypto, ids, problems
from core.models import Environment
from partners.models import Partner


@dataclass(frozen=True, slots=True)
class Verdict:
    """`problem` is the refusal, None for a key that is let through; `key` is the row if the key is known at all; `remaining` are
    the calls that it has left in this minute, None where it was refused before they were looked at. An access token stands in
    `token` instead."""

    problem: problems.Problem | None
    key: Key | None
    remaining: int | None = None
    token: AccessToken | None = None

    @property
    def code(self) -> str:
        return self.problem.code if self.problem else "valid"

    @property
    def credential_id(self) -> str | None:
        """The public id of the key, or of the token's application."""
        row = self.token.application if self.token else self.key
        return row.public_id if row else None

    @property
    def partner_id(self) -> str | None:
        """The public id of the partner that it acts for."""
        if self.token:
            return tokens.acts_for(self.token).public_id
        return ids.encode(Partner.id_prefix, self.key.partner_id) if self.key else None

    @property
    def scopes(self) -> list[str]:
        """What it may."""
        if self.token:
            return tokens.effective(self.token)
        return list(self.key.scopes) if self.key else []


def verify(
    *, text: str, secret: str | None = None, scope: str | None = None, address: str | None = None, cost: int = 0
) -> Verdict:
    """Judge a key in the order of the gateway: blocked address, key, partner, allowed address, scope, and the rates of key and
    partner, from which `cost` calls are taken if all before allow it. The quota is of the calls that the gateway carries."""
    if text.startswith(tokens.JWT_PREFIX):
        return _verify_token(text=text, scope=scope, address=address, cost=cost)
    key = None
    if any(crypto.well_formed(text, prefix) for prefix in PREFIXES.values()):
        key = Key.objects.select_related("partner__tier").filter(digest=crypto.digest(text)).first()
    if key is None:
        return Verdict(problems.InvalidKey(), None)
    try:
        if address is not None:
            blocks.require_unblocked(address)
        _require_key(key, secret)
        _require_partner(key.partner, key.environment)
        _require_address(key.ip_allowlist, address)
        _require_scope(key.scopes, scope)
    except problems.Problem as problem:
        return Verdict(problem, key)
    refusal, remaining = _judged(rates.take(key=key, cost=cost))
    return Verdict(refusal, key, remaining)


def _verify_token(*, text: str, scope: str | None, address: str | None, cost: int) -> Verdict:
    """The same for an access token. Its text is one that we gave out, or it isn't found: no signature needs to be looked at."""
    token = tokens.find_access(crypto.digest(text))
    if token is None:
        return Verdict(problems.InvalidToken(), None)
    application, partner = token.application, tokens.acts_for(token)
    try:
        if address is not None:
            blocks.require_unblocked(address)
        if tokens.has_ended(token) or token.expires_at <= clock.now():
            raise problems.InvalidToken()
        _require_partner(partner, application.environment)
        _require_address(application.ip_allowlist, address)
        _require_scope(tokens.effective(token), scope)
    except problems.Problem as problem:
        return Verdict(problem, None, token=token)
    refusal, remaining = _judged(rates.take_call(application=application, partner=partner, cost=cost))
    return Verdict(refusal, None, remaining, token)


def _judged(room: rates.Room | None) -> tuple[problems.Problem | None, int | None]:
    if room is None:
        return None, None
    return None if room.admitted else problems.RateLimited(limit=room.limit, window=60), room.remaining


def _require_key(key: Key, secret: str | None) -> None:
    if key.status in {Key.Status.REVOKED, Key.Status.LEAKED}:
        raise problems.KeyRevoked()
    if key.status == Key.Status.DISABLED:
        raise problems.KeyDisabled()
    if key.status == Key.Status.SUSPENDED:
        raise problems.KeyDisabled(key.status_reason)
    if key.expires_at and key.expires_at <= clock.now():
        raise problems.KeyExpired()
    if key.secret_digest and not (secret and crypto.same(bytes(key.secret_digest), crypto.digest(secret))):
        raise problems.InvalidSecret()


def _require_partner(partner: Partner, environment: str) -> None:
    status = partner.status
    if status == Partner.Status.SUSPENDED:
        raise problems.PartnerSuspended()
    if status == Partner.Status.CLOSED or (status == Partner.Status.PENDING and environment == Environment.LIVE):
        raise problems.PartnerNotActive()


def _require_scope(held: Collection[str], scope: str | None) -> None:
    if scope and not {scope, "*"} & set(held):
        raise problems.InsufficientScope(scope=scope)


def _require_address(allowlist: Sequence[str], address: str | None) -> None:
    if address is not None and not addresses.allow(allowlist, address):
        raise problems.IpNotAllowed(address=address)

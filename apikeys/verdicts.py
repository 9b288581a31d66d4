"""Whether a key would be let through, for back ends that don't sit behind the gateway."""

from dataclasses import dataclass

from apikeys import addresses, rates
from apikeys.keys import PREFIXES
from apikeys.models import Key
from core import clock, crypto, problems
from core.models import Environment
from partners.models import Partner


@dataclass(frozen=True, slots=True)
class Verdict:
    """`problem` is the refusal, None for a key that is let through; `key` is the row if the key is known at all; `remaining` are
    the calls that it has left in this minute, None where it was refused before they were looked at."""

    problem: problems.Problem | None
    key: Key | None
    remaining: int | None = None

    @property
    def code(self) -> str:
        return self.problem.code if self.problem else "valid"


def verify(
    *, text: str, secret: str | None = None, scope: str | None = None, address: str | None = None, cost: int = 0
) -> Verdict:
    """Judge a key in the order of the gateway: key, partner, address, scope, and the key's rate, from which `cost` calls are
    taken if all before allow it. The partner's rate and quota are the gateway's, which counts the calls that it carries."""
    key = None
    if any(crypto.well_formed(text, prefix) for prefix in PREFIXES.values()):
        key = Key.objects.select_related("partner__tier").filter(digest=crypto.digest(text)).first()
    if key is None:
        return Verdict(problems.InvalidKey(), None)
    try:
        _require_key(key, secret)
        _require_partner(key)
        _require_address(key, address)
        if scope and not {scope, "*"} & set(key.scopes):
            raise problems.InsufficientScope(scope=scope)
    except problems.Problem as problem:
        return Verdict(problem, key)
    room = rates.take(key=key, cost=cost)
    if room is None:
        return Verdict(None, key)
    return Verdict(None if room.admitted else problems.RateLimited(limit=room.limit, window=60), key, room.remaining)


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


def _require_partner(key: Key) -> None:
    status = key.partner.status
    if status == Partner.Status.SUSPENDED:
        raise problems.PartnerSuspended()
    if status == Partner.Status.CLOSED or (status == Partner.Status.PENDING and key.environment == Environment.LIVE):
        raise problems.PartnerNotActive()


def _require_address(key: Key, address: str | None) -> None:
    if address is not None and not addresses.allow(key.ip_allowlist, address):
        raise problems.IpNotAllowed(address=address)

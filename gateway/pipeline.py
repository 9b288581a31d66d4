"""The decision on one call, in the order of the requirement: credential, state, address, scope, rate, quota."""

import re

import msgspec
from django.utils.translation import gettext_lazy as _

from apikeys.oauth.tokens import JWT_PREFIX
from apikeys.snapshots import Grant
from core import clock, crypto
from core.api.views import Audience
from core.models import Environment
from core.problems import (
    ConflictingCredentials,
    Forbidden,
    InsufficientScope,
    InvalidKey,
    InvalidSecret,
    InvalidToken,
    IpNotAllowed,
    KeyDisabled,
    KeyExpired,
    KeyRevoked,
    MethodNotAllowed,
    MissingCredential,
    NotFound,
    PartnerNotActive,
    PartnerSuspended,
    Problem,
    RateLimited,
    TemporarilyUnavailable,
    TierRequired,
    Unauthorized,
)
from core.upstreams import Route
from gateway.addresses import parsed
from gateway.calls import Call
from gateway.credentials import Credential, Credentials, Snapshot, read_credential
from gateway.guesses import Guesses
from gateway.heads import METHODS
from gateway.limits import Limits, Verdict
from gateway.routes import KeptRoute, Routes
from gateway.threads import PostgresAway

APIS = "/apis/"
NAMED = frozenset(METHODS.values())
MOST_TRIES = 4
"""How often a snapshot is read again for one call, whose versions change while it is read."""


_PARAMETERS = re.compile(r";[^/]*")
"""Of a segment (RFC 3986, section 3.3): some servers drop them before they look at a path."""


class Want(msgspec.Struct, frozen=True, gc=False):
    """What an operation asks of its callers: audience and scopes (with those that another proxy `asked` for), and what its route
    wants. Or the `problem` that stands where there is no operation."""

    audience: Audience
    scopes: tuple[str, ...] = ()
    route: KeptRoute | None = None
    asked: tuple[str, ...] = ()
    problem: Problem | None = None


class NotInstalled(Forbidden):
    """An integration serves those who have installed it."""

    code = "not_installed"
    title = _("Integration not installed")
    detail = _("Install this integration from the marketplace first, in the environment of this key.")


class NoTestEnvironment(Forbidden):
    """Calls of test keys are free, and pending partners have them: they go to live data only if an operator says so."""

    code = "no_test_environment"
    title = _("No test environment")
    detail = _("This API has no test environment. Call it with a live key.")


class Admission(msgspec.Struct, frozen=True, gc=False):
    """An admitted call: its grant (None for a call without a credential), and what the limits said."""

    grant: Grant | None
    verdict: Verdict
    want: Want

    @property
    def is_metered(self) -> bool:
        """Whether it counts towards a quota and an invoice."""
        return self.grant is not None and bool(self.grant.partner)


class Refused(Exception):
    """The call is refused with `problem`; who called and what the limits said, as far as that was found out."""

    def __init__(self, problem: Problem, grant: Grant | None = None, verdict: Verdict | None = None) -> None:
        self.problem = problem
        self.grant = grant
        self.verdict = verdict
        super().__init__(str(problem))


def wanted(kept: KeptRoute, call: Call, asked: tuple[str, ...] = ()) -> Want:
    """What a call under a route wants. Names the operation on the call."""
    route = kept.route
    method = call.method if call.method in NAMED else "other"  # another proxy may name any: each would be a row for ever
    call.operation_name = f"{method} {APIS}{route.slug}"
    if route.operations is None:
        return Want("partner", route.scopes + asked, kept, asked)
    below = call.path[len(APIS) + len(route.slug) :]
    if ";" in below and "//" in (below := _PARAMETERS.sub("", below)):
        return Want("partner", asked, kept, asked, NotFound())  # without its parameters it has more than one reading
    for operation in route.operations:
        if call.method in operation.methods and operation.pattern.fullmatch(below):
            call.operation_name += operation.path
            return Want("partner", operation.scopes + asked, kept, asked)
    return Want("partner", asked, kept, asked, _nothing_there(route, call, below))


def _nothing_there(route: Route, call: Call, below: str) -> Problem:
    fitting = [each.methods for each in route.operations or () if each.pattern.fullmatch(below)]
    if not fitting:
        return NotFound()
    allowed = ", ".join(sorted(frozenset().union(*fitting)))
    return MethodNotAllowed(method=call.method, allowed=allowed, headers={"Allow": allowed})


async def admit(
    call: Call,
    want: Want,
    credentials: Credentials,
    routes: Routes,
    limits: Limits,
    guesses: Guesses,
    *,
    place: bytes | None = None,
) -> Admission:
    """Decide one call, or raise Refused. A refused call is taken from no limit of its key or partner.

    With the id of a `place` it counts as under way until that is released.
    """
    try:
        credential = read_credential(call)
        if credential is None:
            return await _admit_stranger(call, want, limits)
        snapshot = credentials.known(credential) or await guesses.find(credential, call.address)
        if snapshot is None:
            raise _unknown(credential)
    except Unauthorized as problem:
        raise await _guessed(call, guesses, problem) from problem
    except ConflictingCredentials as problem:
        await take_stranger(call, limits)
        raise Refused(problem) from problem
    except Problem as problem:
        raise Refused(problem) from problem

    if not snapshot.is_told:
        _tell(snapshot, limits)
    for _attempt in range(MOST_TRIES):
        refusal = _refusal(snapshot.grant, call, want)
        subject = want.route.subject if want.route else None
        verdict = await limits.take(snapshot, subject, paying=refusal is None, place=place)
        if not verdict.is_stale:
            break
        want = await _read_route_again(call, want, verdict, routes, limits)
        snapshot = await _read_again(snapshot, verdict, credentials, limits)
        if snapshot is None:
            raise Refused(_unknown(credential))
    else:
        raise Refused(TemporarilyUnavailable(retry_after=1), snapshot.grant)
    if refusal is not None:
        if isinstance(refusal, InvalidSecret) and b"x-api-secret" in call.fields:
            raise await _guessed(call, guesses, refusal, snapshot.grant)
        raise Refused(refusal, snapshot.grant)
    try:
        verdict.require_room()
    except Problem as problem:
        raise Refused(problem, snapshot.grant, verdict) from problem
    return Admission(snapshot.grant, verdict, want)


async def still_admits(call: Call, admission: Admission, credentials: Credentials, routes: Routes) -> bool:
    """Whether a call that was admitted, and goes on, would still be; while PostgreSQL can't tell, it is."""
    route = admission.want.route
    try:
        credential = read_credential(call)
        snapshot = (credentials.known(credential) or await credentials.find(credential)) if credential else None
        fresh = await routes.find(route.route.slug) if route else None
    except (PostgresAway, TemporarilyUnavailable):
        return True
    except Problem:
        return False
    if snapshot is None or fresh is None:
        return False
    return _refusal(snapshot.grant, call, wanted(fresh, call)) is None


def _refusal(grant: Grant, call: Call, want: Want) -> Problem | None:
    """Why this grant doesn't admit the call; None if it does, as far as limits allow."""
    if not grant.is_unconditional:
        refusal = _credential_refusal(grant, call) or _partner_refusal(grant) or _address_refusal(grant, call.address)
        if refusal is not None:
            return refusal
    return _operation_refusal(grant, want)


def _credential_refusal(grant: Grant, call: Call) -> Problem | None:
    if grant.kind == "application":  # one answer for whatever ended it (RFC 6750, section 3.1)
        has_ended = grant.status != "active" or (grant.expires_at is not None and grant.expires_at <= clock.now())
        return InvalidToken() if has_ended else None
    if grant.status == "disabled":
        return KeyDisabled()
    if grant.status == "suspended":
        return KeyDisabled(grant.reason)
    if grant.status != "active":
        return KeyRevoked()
    if grant.expires_at is not None and grant.expires_at <= clock.now():
        return KeyExpired()
    if grant.secret_digest is not None:
        secret = call.header(b"x-api-secret")
        if not secret or not crypto.same(crypto.digest(secret), grant.secret_digest):
            return InvalidSecret()
    return None


def _partner_refusal(grant: Grant) -> Problem | None:
    """A pending partner may try with test keys; suspended and closed ones may nothing (deleted ones are closed)."""
    match grant.partner_status:
        case "suspended":
            return PartnerSuspended()
        case "pending" if grant.environment == "live":
            return PartnerNotActive()
        case "closed":
            return PartnerNotActive(_("This partner account is closed. Ask support if it should be opened again."))
    return None


def _address_refusal(grant: Grant, address: str) -> Problem | None:
    if not grant.allowlist:
        return None
    at = parsed(address)
    if at is not None and any(at in network for network in grant.allowlist):
        return None
    return IpNotAllowed(address=address)


def _operation_refusal(grant: Grant, want: Want) -> Problem | None:
    if want.audience != "public" and (want.audience == "operator") != (grant.kind == "operator"):
        return NotFound()
    if want.route is not None and not want.route.route.live:
        return NotFound()
    if want.problem is not None:
        return want.problem
    for scope in want.scopes:
        if not grant.has_scope(scope):
            challenge = f'Bearer realm="portico", error="insufficient_scope", scope="{scope}"'
            return InsufficientScope(scope=scope, headers={"WWW-Authenticate": challenge})
    return None if want.route is None else _route_refusal(grant, want.route.route)


def _route_refusal(grant: Grant, route: Route) -> Problem | None:
    if route.wants_installation and route.slug not in grant.installed:
        return NotInstalled()
    if grant.tier_rank < route.wants_rank:
        return TierRequired(tier=route.wants_tier)
    if not route.has_test and grant.environment == Environment.TEST:
        return NoTestEnvironment()
    return None


def _tell(snapshot: Snapshot, limits: Limits) -> None:
    """What was just read from PostgreSQL is told to Redis at once, where a later version stands: then it is read again."""
    snapshot.is_told = True
    limits.publish(snapshot.subjects, [-1] * len(snapshot.versions))


async def _read_again(snapshot: Snapshot, verdict: Verdict, credentials: Credentials, limits: Limits) -> Snapshot | None:
    """The credential as PostgreSQL has it, its versions told to Redis.

    While PostgreSQL is away, a snapshot goes on if nothing says that it is outdated: Redis has lost its version, or is away.
    """
    if verdict.found and verdict.found[: len(snapshot.versions)] == snapshot.versions:
        return snapshot
    try:
        fresh = await credentials.reload(snapshot)
    except PostgresAway as error:
        contradicted = any(found not in (-1, known) for found, known in zip(verdict.found, snapshot.versions, strict=False))
        if contradicted or not credentials.may_go_on(snapshot):
            raise Refused(TemporarilyUnavailable(), snapshot.grant) from error
        fresh = snapshot
    if fresh is not None:
        fresh.is_told = True
        limits.publish(fresh.subjects, verdict.found)
    return fresh


async def _read_route_again(call: Call, want: Want, verdict: Verdict, routes: Routes, limits: Limits) -> Want:
    """The same for a route, whose version is the last that was compared."""
    if want.route is None or (verdict.found and verdict.found[-1] == want.route.route.version):
        return want
    try:
        fresh = await routes.reload(want.route.route.slug)
    except PostgresAway as error:
        raise Refused(TemporarilyUnavailable()) from error
    if fresh is None:
        raise Refused(NotFound())
    limits.publish([fresh.subject], verdict.found[-1:])
    return wanted(fresh, call, want.asked)


def _unknown(credential: Credential) -> Unauthorized:
    return InvalidToken() if credential.prefix == JWT_PREFIX else InvalidKey()


async def _guessed(call: Call, guesses: Guesses, problem: Problem, grant: Grant | None = None) -> Refused:
    """What a credential that isn't one, or a wrong secret, is refused with."""
    try:
        return Refused(problem, grant, await guesses.take(call.address))
    except RateLimited as limited:
        return Refused(limited, grant)


async def _admit_stranger(call: Call, want: Want, limits: Limits) -> Admission:
    verdict = await take_stranger(call, limits)
    if want.audience != "public":
        raise Refused(MissingCredential(), verdict=verdict)
    return Admission(None, verdict, want)


async def take_stranger(call: Call, limits: Limits) -> Verdict:
    """Count a call against the limit of its address. Raises Refused if there is no room."""
    verdict = await limits.take_address(call.address)
    try:
        verdict.require_room()
    except Problem as problem:
        raise Refused(problem, verdict=verdict) from problem
    return verdict

"""Credentials: read from the request, found by their keyed hash in memory, else in PostgreSQL."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Collection
from uuid import UUID

import msgspec

from apikeys import snapshots
from apikeys.oauth.tokens import JWT_PREFIX
from apikeys.snapshots import Grant
from core import crypto, operators, versions
from core.problems import ConflictingCredentials, InvalidKey, InvalidToken, TemporarilyUnavailable
from gateway.calls import Call
from gateway.exchanges import Headers
from gateway.lookups import Lookups
from gateway.metrics import Metrics
from gateway.policies import Policies, Rate
from gateway.questions import Question
from gateway.threads import PostgresAway, Threads
from gateway.tokens import Tokens
from marketplace import installations

KEY_PREFIXES = ("pk_live_", "pk_test_")

MOST_KNOWN = 100_000
LIFETIME = 300.0
"""Seconds after which a snapshot is read again at the latest, even if no version says so."""
SPREAD = 0.2
"""The part of it by which some are read again earlier, so that not all are at once."""
GRACE = 900.0
"""Seconds for which a known credential is served on while PostgreSQL is away."""
LOOKED_AT_ONCE = 2_000
"""Snapshots that are compared with what has changed in one turn of the loop: so many take a few ms."""
MOST_UNKNOWN = 10_000
UNKNOWN_LIFETIME = 5.0


class Credential(msgspec.Struct, frozen=True, gc=False):
    """The key or token that the client sent, with its keyed hash. The prefix of an access token is that of every JWT."""

    text: str
    prefix: str
    digest: bytes


def read_credential(call: Call) -> Credential | None:
    """The credential of a call; None if it has none.

    Raises ConflictingCredentials if two differ, InvalidKey and InvalidToken for what can't be one of ours.
    """
    fields = call.fields
    key, authorization = fields.get(b"x-api-key"), fields.get(b"authorization")
    sent = key if len(fields) == len(call.headers) and authorization is None else _only_one(call.headers)
    if sent is None:
        return None
    text = sent.decode("latin-1")
    prefix = text[:8]
    if prefix not in KEY_PREFIXES:
        prefix = operators.PREFIX
        if key is None and text.startswith(JWT_PREFIX):
            prefix = JWT_PREFIX
        elif not text.startswith(prefix):
            raise InvalidKey() if key is not None else InvalidToken()
    return Credential(text, prefix, crypto.digest(text))


def _only_one(headers: Headers) -> bytes | None:
    sent = {value.strip() for name, value in headers if name == b"x-api-key"}
    sent |= {value[7:].strip() for name, value in headers if name == b"authorization" and value[:7].lower() == b"bearer "}
    if len(sent) > 1:
        raise ConflictingCredentials()
    return sent.pop() if sent else None


Subject = tuple[str, int]
"""Key of a version in Redis, and the version that is known."""


class Snapshot:
    """A grant in memory, with its question to the limits made once. `member` names who is metered ("": nobody)."""

    __slots__ = (
        "_carried", "_question", "_quota", "_rates", "checked_at", "digest", "grant", "is_told", "lifetime", "member", "places",
        "policies", "read_at", "subjects",
    )  # fmt: skip

    def __init__(self, grant: Grant, digest: bytes) -> None:
        self.grant = grant
        self.digest = digest
        self.is_told = False
        self.read_at = self.checked_at = time.monotonic()
        self.lifetime = LIFETIME * (1 - SPREAD * digest[0] / 255)
        self.subjects: list[Subject] = [(versions.KEY.format(UUID(grant.credential)), grant.version)]
        self.subjects += [(versions.KEY.format(UUID(subject)), version) for subject, version in grant.further]
        whom = "application" if grant.kind == "application" else "key"
        rates = [Rate(whom, f"rate:{whom}:{grant.rate_key}", max(1, grant.rate))]
        self._quota: Subject | None = None
        self.member = ""
        self.places: Subject | None = None
        if grant.partner:
            self.subjects.append((versions.KEY.format(UUID(grant.partner)), grant.partner_version))
            whose = f"{grant.partner}:{grant.environment}"
            rates.append(Rate("partner", f"rate:partner:{whose}", max(1, grant.partner_rate)))
            most = grant.quota if grant.quota is not None and grant.over_quota == "stop" else -1
            self._quota = (f"quota:{whose}", most)
            self.member = whose
            if grant.calls_at_once is not None:
                self.places = (f"places:{whose}", grant.calls_at_once)
        self._rates = [(rate.key, rate.limit) for rate in rates]
        self.policies = Policies(rates, grant.quota, grant.environment)
        self._question = self._ask(self.subjects, self._quota)
        self._carried: Question | None = None

    def question(
        self,
        subject: Subject | None = None,
        *,
        paying: bool = True,
        counted: bool = True,
        used: Subject | None = None,
        place: bytes | None = None,
    ) -> Question:
        """What the limits are asked of one call: whether the versions hold, and that of a further `subject`; and, if it is
        `paying`, whether every rate and the quota (if it is `counted`) have room, and a call that takes a `place` finds one.
        `used` starts the missing count of a month."""
        places = self.places if place is not None else None
        if subject is None and paying and counted and used is None:
            if places is None:
                return self._question
            if self._carried is None:
                self._carried = self._ask(self.subjects, self._quota, places)
            question = self._carried
        else:
            subjects = self.subjects if subject is None else [*self.subjects, subject]
            if not paying:
                return Question(versions=subjects)
            question = self._ask(subjects, self._quota if counted else None, places, used)
        return question if place is None or places is None else question.of(place)

    def _ask(
        self, subjects: list[Subject], quota: Subject | None, places: Subject | None = None, used: Subject | None = None
    ) -> Question:
        return Question(versions=subjects, rates=self._rates, quota=quota, places=places, used=used, member=self.member)

    @property
    def versions(self) -> list[int]:
        """The versions as they were read, in the order of `subjects`."""
        return [version for _, version in self.subjects]

    @property
    def unchecked_for(self) -> float:
        """Seconds since it was read, or allowed to go on without."""
        return time.monotonic() - self.checked_at


class Credentials:
    """The snapshots of this process. Bounded, and each with a hard lifetime."""

    def __init__(self, threads: Threads, metrics: Metrics) -> None:
        self._threads = threads
        self._metrics = metrics
        self.tokens = Tokens(threads)
        self._keys = Lookups(threads, find_keys)
        self._known: OrderedDict[bytes, Snapshot] = OrderedDict()
        self._unknown: OrderedDict[bytes, float] = OrderedDict()
        self._loading: dict[bytes, asyncio.Task[Snapshot | None]] = {}

    def known(self, credential: Credential) -> Snapshot | None:
        """The snapshot that is kept of a credential, if it isn't too old."""
        snapshot = self._known.get(credential.digest)
        if snapshot is None or time.monotonic() - snapshot.checked_at >= snapshot.lifetime:
            return None
        self._known.move_to_end(credential.digest)
        self._metrics.lookups["hit"] += 1
        return snapshot

    async def find(self, credential: Credential) -> Snapshot | None:
        """The snapshot of a credential that isn't `known`, from PostgreSQL; None if nobody has it.

        Raises InvalidKey if its checksum is wrong and InvalidToken if it wasn't signed by us, without looking further than into
        memory, and TemporarilyUnavailable.
        """
        digest = credential.digest
        is_token = credential.prefix == JWT_PREFIX
        if not is_token and not crypto.well_formed(credential.text, credential.prefix):
            raise InvalidKey()
        if self._unknown.get(digest, 0.0) > time.monotonic():
            self._metrics.lookups["negative"] += 1
            return None
        self._metrics.lookups["miss"] += 1
        try:
            if is_token:
                await self.tokens.verify(credential.text)
            return await self._load(digest, _KINDS[credential.prefix])
        except PostgresAway as error:
            snapshot = self._known.get(digest)
            if snapshot is None or not self.may_go_on(snapshot):
                raise TemporarilyUnavailable() from error
            return snapshot

    async def reload(self, snapshot: Snapshot) -> Snapshot | None:
        """The credential as PostgreSQL has it now: a look that began before this call doesn't count. Raises PostgresAway."""
        self._metrics.lookups["reload"] += 1
        if under_way := self._loading.get(snapshot.digest):
            await asyncio.wait([under_way])
        return await self._load(snapshot.digest, snapshot.grant.kind)

    def may_go_on(self, snapshot: Snapshot) -> bool:
        """Whether a snapshot serves on without PostgreSQL; if so, it counts as checked now."""
        if time.monotonic() - snapshot.read_at > GRACE:
            return False
        self._metrics.degraded["postgres"] += 1
        snapshot.checked_at = time.monotonic()
        return True

    async def drop_older(self, changes: dict[str, int]) -> None:
        """Forget snapshots whose key, token or partner has a later version; `changes` maps ids (32 hex digits) to it."""
        for count, digest in enumerate(list(self._known) if changes else ()):
            if count % LOOKED_AT_ONCE == 0:
                await asyncio.sleep(0)
            snapshot = self._known.get(digest)
            if snapshot is not None and _is_older(snapshot.grant, changes):
                del self._known[digest]

    async def _load(self, digest: bytes, kind: str) -> Snapshot | None:
        """Look in PostgreSQL, once for all that ask at the same time."""
        loading = self._loading.get(digest)
        if loading is None:
            loading = self._loading[digest] = asyncio.create_task(self._read(digest, kind))
            loading.add_done_callback(lambda _: self._loading.pop(digest, None))
        return await asyncio.shield(loading)

    async def _read(self, digest: bytes, kind: str) -> Snapshot | None:
        grant = await (self._keys.find(digest) if kind == "key" else self._threads.run(_FINDERS[kind], digest))
        if grant is None:
            self._known.pop(digest, None)
            self._unknown[digest] = time.monotonic() + UNKNOWN_LIFETIME
            if len(self._unknown) > MOST_UNKNOWN:
                self._unknown.popitem(last=False)
            return None
        snapshot = self._known[digest] = Snapshot(grant, digest)
        if len(self._known) > MOST_KNOWN:
            self._known.popitem(last=False)
        return snapshot


def _is_older(grant: Grant, changes: dict[str, int]) -> bool:
    if grant.credential not in changes and grant.partner not in changes and not grant.further:
        return False
    read = ((grant.credential, grant.version), (grant.partner, grant.partner_version), *grant.further)
    return any(changes.get(subject, 0) > version for subject, version in read)


def find_keys(digests: Collection[bytes]) -> dict[bytes, Grant]:
    """The keys of these keyed hashes, with what their partners have installed."""
    return _with_installed(snapshots.find_keys(digests))


def find_token(digest: bytes) -> Grant | None:
    """The access token of a keyed hash, with what the partner has installed that it acts for; None if there is none."""
    grant = snapshots.find_token(digest)
    return None if grant is None else _with_installed({digest: grant})[digest]


def _with_installed(found: dict[bytes, Grant]) -> dict[bytes, Grant]:
    installed = installations.slugs_of({UUID(grant.partner) for grant in found.values()})
    nothing: set[str] = set()

    def complete(grant: Grant) -> Grant:
        slugs = installed.get((UUID(grant.partner), grant.environment), nothing)
        return msgspec.structs.replace(grant, installed=snapshots.shared(frozenset(slugs)))

    return {digest: complete(grant) for digest, grant in found.items()}


# The kind of its grant, by how a credential begins.
_KINDS = {**dict.fromkeys(KEY_PREFIXES, "key"), operators.PREFIX: "operator", JWT_PREFIX: "application"}
_FINDERS: dict[str, Callable[[bytes], Grant | None]] = {"application": find_token, "operator": snapshots.find_operator}

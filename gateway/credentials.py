"""Credentials: read from the request, found by their keyed hash in memory, else in PostgreSQL."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

import msgspec

from apikeys import snapshots
from apikeys.snapshots import Grant
from core import crypto, operators, versions
from core.problems import ConflictingCredentials, InvalidKey, InvalidToken, TemporarilyUnavailable
from gateway.calls import Call
from gateway.metrics import Metrics
from gateway.threads import PostgresAway, Threads
from marketplace import installations

KEY_PREFIXES = ("pk_live_", "pk_test_")

MOST_KNOWN = 50_000
LIFETIME = 60.0
"""Seconds after which a snapshot is read again, even if no version says so."""
GRACE = 900.0
"""Seconds for which a known credential is served on while PostgreSQL is away."""
MOST_UNKNOWN = 10_000
UNKNOWN_LIFETIME = 5.0


@dataclass(frozen=True, slots=True)
class Credential:
    """What the client sent: the key or token, and the second secret, which some keys want."""

    text: str
    prefix: str
    secret: str


def read_credential(call: Call) -> Credential | None:
    """The credential of a call; None if it has none.

    Raises ConflictingCredentials if two differ, InvalidKey and InvalidToken for what can't be one of ours.
    """
    fields = call.fields
    key, authorization = fields.get(b"x-api-key"), fields.get(b"authorization")
    if len(fields) == len(call.headers) and authorization is None:
        sent = {key} if key is not None else set()
    else:
        sent = {value.strip() for name, value in call.headers if name == b"x-api-key"}
        sent |= {
            value[7:].strip() for name, value in call.headers if name == b"authorization" and value[:7].lower() == b"bearer "
        }
    if not sent:
        return None
    if len(sent) > 1:
        raise ConflictingCredentials()
    text = sent.pop().decode("latin-1")
    prefix = operators.PREFIX if text.startswith(operators.PREFIX) else text[:8]
    if prefix not in KEY_PREFIXES and prefix != operators.PREFIX:
        raise InvalidKey() if key is not None else InvalidToken()
    return Credential(text, prefix, call.header(b"x-api-secret"))


class Snapshot:
    """A grant in memory, with the words of its question to Redis made once."""

    __slots__ = (
        "checked_at",
        "digest",
        "grant",
        "is_told",
        "member",
        "policies",
        "policy_header",
        "quota",
        "read_at",
        "take_keys",
        "take_tail",
        "version_keys",
        "versions",
    )

    def __init__(self, grant: Grant, digest: bytes) -> None:
        self.grant = grant
        self.digest = digest
        self.is_told = False
        self.read_at = self.checked_at = time.monotonic()
        subjects, known = [grant.credential], [grant.version]
        self.policies = [("key", f"rate:key:{grant.credential}", max(1, grant.rate))]
        self.quota = ""
        if grant.partner:
            subjects.append(grant.partner)
            known.append(grant.partner_version)
            self.policies.append(("partner", f"rate:partner:{grant.partner}:{grant.environment}", max(1, grant.partner_rate)))
            self.quota = "-1" if grant.quota is None or grant.over_quota != "stop" else str(grant.quota)
        self.policy_header = ", ".join(f'"{name}";q={limit};w=60' for name, _, limit in self.policies)
        if grant.partner and grant.quota is not None:
            self.policy_header += f', "month";q={grant.quota}'
        self.member = f"{grant.partner}:{grant.environment}"
        self.version_keys = [versions.KEY.format(UUID(subject)) for subject in subjects]
        self.versions = known
        self.take_keys = [*self.version_keys, *(name for _, name, _ in self.policies)]
        self.take_tail = [*map(str, known), *(str(limit) for _, _, limit in self.policies)]
        if grant.partner:
            self.take_keys.append(f"quota:{grant.partner}:{grant.environment}")

    @property
    def subjects(self) -> list[tuple[str, int]]:
        """Keys of the versions in Redis, and the versions as they were read."""
        return list(zip(self.version_keys, self.versions, strict=True))

    @property
    def unchecked_for(self) -> float:
        """Seconds since it was read, or allowed to go on without."""
        return time.monotonic() - self.checked_at


class Credentials:
    """The snapshots of this process. Bounded, and each with a hard lifetime."""

    def __init__(self, threads: Threads, metrics: Metrics) -> None:
        self._threads = threads
        self._metrics = metrics
        self._known: OrderedDict[bytes, Snapshot] = OrderedDict()
        self._unknown: OrderedDict[bytes, float] = OrderedDict()
        self._loading: dict[bytes, asyncio.Task[Snapshot | None]] = {}

    async def find(self, credential: Credential) -> Snapshot | None:
        """The snapshot of a credential; None if nobody has it. Raises InvalidKey if its checksum is wrong, without looking
        further than into memory, and TemporarilyUnavailable."""
        digest = crypto.digest(credential.text)
        snapshot = self._known.get(digest)
        if snapshot is not None and snapshot.unchecked_for < LIFETIME:
            self._known.move_to_end(digest)
            self._metrics.lookups["hit"] += 1
            return snapshot
        if not crypto.well_formed(credential.text, credential.prefix):
            raise InvalidKey()
        if self._unknown.get(digest, 0.0) > time.monotonic():
            self._metrics.lookups["negative"] += 1
            return None
        self._metrics.lookups["miss"] += 1
        try:
            return await self._load(digest, snapshots.find_operator if credential.prefix == operators.PREFIX else find_key)
        except PostgresAway as error:
            if snapshot is None or not self.may_go_on(snapshot):
                raise TemporarilyUnavailable() from error
            return snapshot

    async def reload(self, snapshot: Snapshot) -> Snapshot | None:
        """The credential as PostgreSQL has it now: a look that began before this call doesn't count. Raises PostgresAway."""
        self._metrics.lookups["reload"] += 1
        if under_way := self._loading.get(snapshot.digest):
            await asyncio.wait([under_way])
        find = snapshots.find_operator if snapshot.grant.kind == "operator" else find_key
        return await self._load(snapshot.digest, find)

    def may_go_on(self, snapshot: Snapshot) -> bool:
        """Whether a snapshot serves on without PostgreSQL; if so, it counts as checked now."""
        if time.monotonic() - snapshot.read_at > GRACE:
            return False
        self._metrics.degraded["postgres"] += 1
        snapshot.checked_at = time.monotonic()
        return True

    def drop_older(self, changes: dict[str, int]) -> None:
        """Forget snapshots whose key, token or partner has a later version; `changes` maps ids (32 hex digits) to it."""
        for digest, snapshot in list(self._known.items()):
            grant = snapshot.grant
            if changes.get(grant.credential, 0) > grant.version or changes.get(grant.partner, 0) > grant.partner_version:
                del self._known[digest]

    async def _load(self, digest: bytes, find: Callable[[bytes], Grant | None]) -> Snapshot | None:
        """Look in PostgreSQL, once for all that ask at the same time."""
        loading = self._loading.get(digest)
        if loading is None:
            loading = self._loading[digest] = asyncio.create_task(self._read(digest, find))
            loading.add_done_callback(lambda _: self._loading.pop(digest, None))
        return await asyncio.shield(loading)

    async def _read(self, digest: bytes, find: Callable[[bytes], Grant | None]) -> Snapshot | None:
        grant = await self._threads.run(find, digest)
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


def find_key(digest: bytes) -> Grant | None:
    """The key of a keyed hash, with what its partner has installed; None if there is none."""
    grant = snapshots.find(digest)
    if grant is None:
        return None
    installed = installations.slugs_of(UUID(grant.partner), grant.environment)
    return msgspec.structs.replace(grant, installed=frozenset(installed))

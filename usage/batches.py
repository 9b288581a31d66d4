"""A batch of calls on its way into PostgreSQL: its rows, and what they add up to.

Most calls of a batch share their facts with others. So these are encoded once, and PostgreSQL is told of a few totals instead
of adding up rows. How totals are added to what is there already, and the same sums over raw calls, is in `usage.rollups`.
"""

import struct
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from django.db import transaction
from psycopg.errors import UniqueViolation

from usage import wire
from usage.histograms import EDGES
from usage.records import CallRecord

MINUTE = 60_000_000
HOUR = 60 * MINUTE
LATEST = 4_102_444_800_000_000
"""2100, so that no clock gone wild can hold up a batch."""
MOST_BYTES = 2**50

_FACTS = "partner_id, environment, credential_id, integration_id, operation, status, code"
_CALL = f"id, at, latency_us, bytes_in, bytes_out, metered, {_FACTS}, method, address, user_agent, path, client_request_id"
_call = struct.Struct(">hi16siqiiiqiqi?").pack
_TOTAL = f"span, at, requests, metered, bytes_in, bytes_out, {_FACTS}, latency_buckets, latency_counts"
_total = struct.Struct(">hi1siqiqiqiqiq").pack
_USED = "first_at, last_at, partner_id, credential_id, address, user_agent"
_used = struct.Struct(">hiqiq").pack

# For each span, (m)inute and (h)our, its totals; and where and how each credential was used, by partner and address.
_TABLES = """
    CREATE TEMPORARY TABLE IF NOT EXISTS usage_totals (
        span text, at timestamptz, partner_id uuid, environment text, credential_id uuid, integration_id uuid, operation text,
        status smallint, code text, requests bigint, metered bigint, bytes_in bigint, bytes_out bigint,
        latency_buckets smallint[], latency_counts integer[]
    ) ON COMMIT DELETE ROWS;
    CREATE TEMPORARY TABLE IF NOT EXISTS usage_used (
        partner_id uuid, credential_id uuid, address inet, first_at timestamptz, last_at timestamptz, user_agent text
    ) ON COMMIT DELETE ROWS;
    DELETE FROM usage_totals;
    DELETE FROM usage_used;
"""


class Facts(msgspec.Struct, frozen=True, gc=False, eq=False):
    """What calls are told apart by in rollups; one object for the same facts."""

    wire: bytes
    partner: bytes | None
    environment: str
    credential: bytes | None


class Row(msgspec.Struct, frozen=True, gc=False, eq=False):
    """A call, with its row as COPY takes it. Times in µs since 2000."""

    wire: bytes
    epoch: str
    facts: Facts
    at: int
    latency_us: int
    bytes_in: int
    bytes_out: int
    metered: bool
    address: bytes | None
    user_agent: str


class Total:
    """Calls with the same facts in one span."""

    __slots__ = ("buckets", "bytes_in", "bytes_out", "metered", "requests")

    def __init__(self) -> None:
        self.requests = self.metered = self.bytes_in = self.bytes_out = 0
        self.buckets: list[int] = []

    def merge(self, other: "Total") -> None:
        self.requests += other.requests
        self.metered += other.metered
        self.bytes_in += other.bytes_in
        self.bytes_out += other.bytes_out
        self.buckets += other.buckets


class Batch:
    """Calls with their epochs, each once."""

    def __init__(self, records: Iterable[tuple[str, CallRecord]]) -> None:
        self.given = 0
        self._facts: dict[tuple[Any, ...], Facts] = {}
        self._found: dict[tuple[Any, ...], Facts] = {}
        self._clients: dict[tuple[str, str, str], tuple[bytes, bytes | None, str]] = {}
        self._rows: dict[bytes, Row] = {}
        self._sums: Sums | None = None
        for epoch, call in records:
            self.given += 1
            if call.call not in self._rows:
                self._rows[call.call] = self._row(epoch, call)

    def __len__(self) -> int:
        return len(self._rows)

    def store(self, cursor: Any) -> None:
        """Put the calls into their table; forget those that are there already, which is rare."""
        try:
            with transaction.atomic():
                self._copy(cursor)
        except UniqueViolation:
            cursor.execute("SELECT id FROM usage_call WHERE id = ANY(%s::uuid[])", [[UUID(bytes=call) for call in self._rows]])
            for (known,) in cursor.fetchall():
                del self._rows[known.bytes]
            self._sums = None
            self._copy(cursor)

    def add_up(self, cursor: Any) -> list[tuple[str, UUID, str, int]]:
        """Fill the temporary tables `usage_totals` and `usage_used`.

        Returns metered calls by epoch, partner and environment, in order.
        """
        sums = self.sums()
        cursor.execute(_TABLES)
        wire.copy(cursor, "usage_totals", _TOTAL, sums.totals)
        wire.copy(cursor, "usage_used", _USED, sums.used)
        return sums.metered

    def sums(self) -> "Sums":
        """What the calls add up to; computed once, so that it may be asked for ahead."""
        if self._sums is None:
            self._sums = _summed(self._rows.values())
        return self._sums

    def _copy(self, cursor: Any) -> None:
        wire.copy(cursor, "usage_call", _CALL, [row.wire for row in self._rows.values()])

    def _row(self, epoch: str, call: CallRecord) -> Row:
        """A client's texts come without NUL and cut to size, numbers within their columns."""
        told = (call.partner, call.environment, call.credential, call.target, call.operation, call.status, call.code)
        facts = self._facts.get(told) or self._tidied(told)
        client = (call.method, call.address, call.user_agent)
        client_wire, address, agent = self._clients.get(client) or self._client(client)
        at = min(max(call.at, wire.EPOCH), LATEST) - wire.EPOCH
        latency_us = min(max(call.latency_us, 0), 2_147_483_647)
        bytes_in = min(max(call.bytes_in, 0), MOST_BYTES)
        bytes_out = min(max(call.bytes_out, 0), MOST_BYTES)
        metered = call.metered
        head = _call(18, 16, call.call, 8, at, 4, latency_us, 8, bytes_in, 8, bytes_out, 1, metered)
        tail = wire.text(_tidy(call.path, 2_000)) + wire.text(_tidy(call.client_request_id, 200))
        row = head + facts.wire + client_wire + tail
        return Row(row, epoch, facts, at, latency_us, bytes_in, bytes_out, metered, address, agent)

    def _tidied(self, told: tuple[Any, ...]) -> Facts:
        partner, environment, credential, target, operation, status, code = told
        texts = _tidy(environment, 4), _tidy(operation, 200), _tidy(code, 64)
        known = (partner, texts[0], credential, target, texts[1], min(max(status, 0), 999), texts[2])
        facts = self._facts[told] = self._found.get(known) or self._found.setdefault(known, _facts(known))
        return facts

    def _client(self, told: tuple[str, str, str]) -> tuple[bytes, bytes | None, str]:
        method, given, user_agent = told
        address, agent = wire.inet(given), _tidy(user_agent, 300)
        packed = wire.text(_tidy(method, 16)) + wire.field(address) + wire.text(agent)
        found = self._clients[told] = (packed, address, agent)
        return found


def _facts(known: tuple[Any, ...]) -> Facts:
    partner, environment, credential, target, operation, status, code = known
    packed = (
        wire.field(partner),
        wire.text(environment),
        wire.field(credential),
        wire.field(bytes.fromhex(target) if target else None),
        wire.text(operation),
        struct.pack(">ih", 2, status),
        wire.text(code),
    )
    return Facts(b"".join(packed), partner, environment, credential)


class Sums(NamedTuple):
    """What a batch adds up to: rows of `usage_totals` and `usage_used`; metered calls by epoch, partner and environment."""

    totals: list[bytes]
    used: list[bytes]
    metered: list[tuple[str, UUID, str, int]]


def _summed(rows: Iterable[Row]) -> Sums:
    minutes: defaultdict[tuple[int, Facts], Total] = defaultdict(Total)
    used: dict[tuple[bytes | None, bytes, bytes | None], list[Any]] = {}
    metered: Counter[tuple[str, bytes, str]] = Counter()
    for row in rows:
        facts, at = row.facts, row.at
        total = minutes[at // MINUTE, facts]
        total.requests += 1
        total.bytes_in += row.bytes_in
        total.bytes_out += row.bytes_out
        total.buckets.append(bisect_right(EDGES, row.latency_us))
        if row.metered:
            total.metered += 1
            if facts.partner and row.epoch:
                metered[row.epoch, facts.partner, facts.environment] += 1
        if facts.credential:
            use = used.setdefault((facts.partner, facts.credential, row.address), [at, at, row.user_agent])
            if at > use[1]:
                use[1:] = at, row.user_agent
            elif at < use[0]:
                use[0] = at
    return Sums(
        list(_totals(minutes)),
        [_use(*key, *use) for key, use in used.items()],
        sorted((epoch, UUID(bytes=partner), env, count) for (epoch, partner, env), count in metered.items()),
    )


def _totals(minutes: dict[tuple[int, Facts], Total]) -> Iterator[bytes]:
    hours: defaultdict[tuple[int, Facts], Total] = defaultdict(Total)
    for (minute, facts), total in minutes.items():
        hours[minute // 60, facts].merge(total)
        yield _row_of(b"m", minute * MINUTE, facts, total)
    for (hour, facts), total in hours.items():
        yield _row_of(b"h", hour * HOUR, facts, total)


def _row_of(span: bytes, at: int, facts: Facts, total: Total) -> bytes:
    counted = Counter(total.buckets)
    buckets = sorted(counted)
    counts = map(counted.__getitem__, buckets)
    head = _total(15, 1, span, 8, at, 8, total.requests, 8, total.metered, 8, total.bytes_in, 8, total.bytes_out)
    return head + facts.wire + wire.array(wire.SMALLINT, buckets) + wire.array(wire.INTEGER, counts)


def _use(partner: bytes | None, credential: bytes, address: bytes | None, first: int, last: int, agent: str) -> bytes:
    head = _used(6, 8, first, 8, last)
    return head + wire.field(partner) + wire.field(credential) + wire.field(address) + wire.text(agent)


def _tidy(value: str, most: int) -> str:
    return value[:most].replace("\x00", "�") if "\x00" in value else value[:most]

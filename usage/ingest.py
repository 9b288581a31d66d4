"""From the gateway's stream into the tables, each call once.

One transaction holds a batch's calls, their share of every rollup, and the stream position after them. So a crash at any
moment leaves all or nothing, and whatever is read again is dropped by the call's id. Only then are the entries removed from
the stream; entries at or before the position that are still there were removed late, and are not read.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from typing import Any

import redis
import structlog
from django.conf import settings
from django.db import connection, transaction
from prometheus_client import Counter, Gauge

from core import clock, faults
from usage.batches import Batch
from usage.models import Position
from usage.records import STREAM, CallRecord, UnreadableBatch, unpack
from usage.rollups import add_totals

log = structlog.get_logger(__name__)

ENTRIES = 256
"""Stream entries a transaction takes at most; an entry holds some hundred calls."""
PACKED = 8 * 1024 * 1024
"""Bytes of calls a transaction takes at most, or one entry: some fifty thousand calls, which fill about 50 MB."""
NOTHING = "0-0"
REFUSED = f"{STREAM}:refused"
REFUSED_KEPT = 1_000

INGESTED = Counter("portico_usage_calls_ingested_total", "Calls written into usage.")
DUPLICATES = Counter("portico_usage_calls_duplicate_total", "Calls that were there already.")
UNREADABLE = Counter("portico_usage_batches_unreadable_total", "Stream entries that could not be read and were put aside.")
WAITING = Gauge("portico_usage_stream_entries", "Entries of the stream that wait for ingestion.")

# Called with each fresh batch (the temporary tables of `usage.batches`), in the transaction that counts it.
READERS: list[Callable[[Any], None]] = []


def subscribe(reader: Callable[[Any], None]) -> None:
    """Let `reader` see every call once; from an app's `ready`."""
    if reader not in READERS:
        READERS.append(reader)


@cache
def client() -> Any:
    """The connection to the stream; untyped, because redis-py's types are those of both its clients at once."""
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=10, socket_connect_timeout=5)


def step() -> int:
    """Take the next entries of the stream; returns how many there were. Nothing to do costs one command to Redis."""
    waiting = client().xlen(STREAM)
    WAITING.set(waiting)
    if not waiting:
        return 0
    with transaction.atomic():
        position = _position()
        if position is None:  # another worker is at it
            return 0
        found = _taken_ahead(position.entry) or _read(position.entry)
        if not found.entries and _was_lost(position.entry):
            found = _read(NOTHING)
        if found.entries:
            if found.is_backlog:
                _ahead.append(_reader.submit(_read, found.last))
            _write(found.batch)
            position.entry = found.last
            position.save(update_fields=["entry"])
            faults.point("ingest.positioned")
    faults.point("ingest.committed")
    client().xtrim(STREAM, minid=_after(position.entry), approximate=False)
    return found.entries


def write(records: Iterable[tuple[str, CallRecord]]) -> int:
    """Store calls with their epochs, and add the new ones to rollups and tallies.

    Returns how many were new.
    """
    return _write(Batch(records))


@dataclass(frozen=True, slots=True)
class Found:
    """What stood in the stream after an entry: how many entries, the last one's id, their calls."""

    after: str
    entries: int
    last: str
    is_backlog: bool
    batch: Batch


# While PostgreSQL writes a batch of a backlog, the next is read and added up.
_reader = ThreadPoolExecutor(1, thread_name_prefix="usage")
_ahead: list[Future[Found]] = []


def _read(after: str) -> Found:
    entries: list[Any] = client().xrange(STREAM, min=f"({after}", count=ENTRIES)
    taken = entries[: _fitting(entries)]
    batch = Batch(_records(taken))
    batch.sums()
    is_backlog = len(entries) == ENTRIES or len(taken) < len(entries)
    return Found(after, len(taken), taken[-1][0].decode() if taken else after, is_backlog, batch)


def _fitting(entries: list[tuple[bytes, dict[bytes, bytes]]]) -> int:
    """How many of them a transaction takes."""
    sizes = accumulate(len(fields.get(b"b", b"")) for _name, fields in entries)
    return max(1, sum(size <= PACKED for size in sizes))


def _taken_ahead(after: str) -> Found | None:
    """What was read ahead, if it follows on the position: not after a failure, or another worker's turn."""
    found = _ahead.pop().result() if _ahead else None
    return found if found and found.after == after and found.entries else None


@transaction.atomic
def _write(batch: Batch) -> int:
    with connection.cursor() as cursor:
        batch.store(cursor)
        faults.point("ingest.copied")
        metered = batch.add_up(cursor)
        for span in ("hour", "minute"):
            cursor.execute(add_totals(span))
            faults.point(f"ingest.{span}s")
        if metered:
            cursor.execute(_TALLY, [clock.now(), *(list(column) for column in zip(*metered, strict=True))])
        cursor.execute(_LAST_USED)
        cursor.execute(_APPLICATIONS_LAST_USED)
        for reader in READERS:
            reader(cursor)
    INGESTED.inc(len(batch))
    DUPLICATES.inc(batch.given - len(batch))
    return len(batch)


def last_entry() -> str:
    """The id of the last entry that the stream ever had."""
    try:
        last: str = client().xinfo_stream(STREAM)["last-generated-id"].decode()
    except redis.ResponseError:  # there never was a stream
        return NOTHING
    return last


def order(entry: str) -> tuple[int, int]:
    """What entry ids are compared by."""
    milliseconds, _, number = entry.partition("-")
    return int(milliseconds), int(number)


_TALLY = """
    INSERT INTO usage_tally AS tally (epoch, partner_id, environment, recorded, seen_at)
    SELECT epoch, partner_id, environment, metered, %s
    FROM unnest(%s::text[], %s::uuid[], %s::text[], %s::bigint[]) AS fresh(epoch, partner_id, environment, metered)
    ON CONFLICT (epoch, partner_id, environment)
    DO UPDATE SET recorded = tally.recorded + excluded.recorded, seen_at = excluded.seen_at
"""
# A key in constant use is written down every ten seconds, not with each batch.
_LAST_USED = """
    UPDATE apikeys_key SET first_used_at = coalesce(first_used_at, used.first_at), last_used_at = used.at,
        last_used_address = used.address, last_used_agent = used.user_agent
    FROM (
        SELECT DISTINCT ON (credential_id) credential_id, last_at AS at, address, user_agent,
            min(first_at) OVER (PARTITION BY credential_id) AS first_at
        FROM usage_used ORDER BY credential_id, last_at DESC
    ) AS used
    WHERE apikeys_key.id = used.credential_id
        AND (apikeys_key.last_used_at IS NULL OR apikeys_key.last_used_at < used.at - interval '10 seconds')
"""
# The same of applications, and of the consents by which they act for others.
_APPLICATIONS_LAST_USED = """
    WITH used AS (
        SELECT credential_id, partner_id, max(last_at) AS at FROM usage_used GROUP BY 1, 2
    ), applications AS (
        UPDATE apikeys_application AS application SET last_used_at = used.at
        FROM (SELECT credential_id, max(at) AS at FROM used GROUP BY 1) AS used
        WHERE application.id = used.credential_id
            AND (application.last_used_at IS NULL OR application.last_used_at < used.at - interval '10 seconds')
    )
    UPDATE apikeys_consent AS consent SET last_used_at = used.at FROM used
    WHERE consent.application_id = used.credential_id AND consent.partner_id = used.partner_id AND consent.status = 'active'
        AND (consent.last_used_at IS NULL OR consent.last_used_at < used.at - interval '10 seconds')
"""


def _position() -> Position | None:
    Position.objects.bulk_create([Position(stream=STREAM)], ignore_conflicts=True)
    return Position.objects.select_for_update(skip_locked=True).filter(pk=STREAM).first()


def _was_lost(entry: str) -> bool:
    """Whether Redis was emptied and counts anew, so that entries come before the position.

    Should some of them have been read before, their call ids keep them from counting twice.
    """
    return order(last_entry()) < order(entry)


def _after(entry: str) -> str:
    milliseconds, number = order(entry)
    return f"{milliseconds}-{number + 1}"


def _records(entries: list[tuple[bytes, dict[bytes, bytes]]]) -> Iterable[tuple[str, CallRecord]]:
    for name, fields in entries:
        try:
            if fields.get(b"v") != b"1":
                raise UnreadableBatch(f"version {fields.get(b'v')!r}")
            records = unpack(fields.get(b"b", b""))
        except UnreadableBatch as error:
            _put_aside(name, fields, error)
            continue
        epoch = fields.get(b"e", b"").decode(errors="replace").replace("\0", "�")[:64]
        for record in records:
            yield epoch, record


def _put_aside(name: bytes, fields: dict[bytes, bytes], error: UnreadableBatch) -> None:
    """Keep what can't be read where somebody can look at it; it must not hold up the rest."""
    UNREADABLE.inc()
    log.error("usage_batch_unreadable", entry=name.decode(), error=str(error))
    client().xadd(REFUSED, fields or {b"v": b"?"}, maxlen=REFUSED_KEPT)

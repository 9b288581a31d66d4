"""How calls ended that another proxy carried: told by its access log, one JSON object a line (`deploy/nginx/portico/http.conf`).

The gateway records such a call when it admits it, with status 204 (to Envoy 200), the time of the decision and no bytes. A line
of the log completes that row once: the mark `carried_at` and the share in the rollups are written in the same transaction.
"""

import datetime
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from django.db import connection, transaction

from core import clock, ids
from usage.rollups import forget_empty, upsert

OLDEST = datetime.timedelta(days=2)
"""Older calls stay as they are: what they add up to may be on an invoice."""
PATIENCE = 60.0
"""Seconds for which a line waits for its call, which comes into usage on its own way."""
AT_ONCE = 2_000


class Line(msgspec.Struct):
    """One call in the log. A number that isn't known is "" or "-"."""

    request_id: str
    status: int
    seconds: float = 0.0
    bytes_in: int | str = 0
    bytes_out: int | str = 0


@dataclass(frozen=True, slots=True)
class Told:
    """How a call ended."""

    call: UUID
    status: int
    latency_us: int
    bytes_in: int
    bytes_out: int


class UnreadableLine(ValueError):
    """The line is none of this format."""


@dataclass
class Outcome:
    """How many lines were what."""

    completed: int = 0
    skipped: int = 0
    """Of calls that need nothing: refused, carried by the gateway, complete already, too old."""
    unknown: int = 0
    """Of calls that usage never heard of."""
    unreadable: int = 0


_decode = msgspec.json.Decoder(Line).decode


def read(line: bytes) -> Told | None:
    """What a line tells; None if its call is too old, or the gateway was never asked about it. Raises UnreadableLine."""
    try:
        found = _decode(line)
        if not found.request_id or found.request_id == "-":
            return None
        call = ids.decode("call", found.request_id)
        if ids.moment(call) < clock.now() - OLDEST:
            return None
        told = Told(call, found.status, int(found.seconds * 1e6), _number(found.bytes_in), _number(found.bytes_out))
    except (msgspec.MsgspecError, ids.MalformedId, ValueError, OverflowError) as error:
        raise UnreadableLine(str(error)) from error
    sizes = (told.bytes_in, told.bytes_out)
    if not (100 <= told.status <= 599 and 0 <= told.latency_us < 1 << 31 and all(0 <= size < 1 << 62 for size in sizes)):
        raise UnreadableLine("a number out of bounds")
    return told


_BATCH = "id uuid, status smallint, latency_us integer, bytes_in bigint, bytes_out bigint"
_TABLES = f"""
    CREATE TEMPORARY TABLE IF NOT EXISTS usage_told ({_BATCH}) ON COMMIT DELETE ROWS;
    CREATE TEMPORARY TABLE IF NOT EXISTS usage_ended (LIKE usage_call) ON COMMIT DELETE ROWS;
    DELETE FROM usage_told;
    DELETE FROM usage_ended;
"""  # noqa: S608  (names of our own columns)
_KNOWN = "SELECT call.id FROM usage_call AS call JOIN usage_told USING (id) WHERE call.id BETWEEN %s AND %s"
# As the gateway left them. In order, so that two commands at the same log don't wait for each other in a circle.
_TAKE = """
    INSERT INTO usage_ended
    SELECT call.* FROM usage_call AS call JOIN usage_told USING (id)
    WHERE call.id BETWEEN %s AND %s AND carried_at IS NULL
        AND call.status IN (200, 204) AND call.bytes_in = 0 AND call.bytes_out = 0
    ORDER BY call.id FOR UPDATE OF call
"""
_FACTS = "status, latency_us, bytes_in, bytes_out"
_END = f"""
    UPDATE usage_ended SET ({_FACTS}) = (SELECT {_FACTS} FROM usage_told WHERE usage_told.id = usage_ended.id), carried_at = %s
"""  # noqa: S608  (names of our own columns)
_WRITE = f"""
    UPDATE usage_call AS call SET ({_FACTS}, carried_at) = (ended.{_FACTS.replace(", ", ", ended.")}, ended.carried_at)
    FROM usage_ended AS ended WHERE call.id = ended.id AND call.id BETWEEN %s AND %s
"""  # noqa: S608  (names of our own columns)


@transaction.atomic
def complete(told: Iterable[Told]) -> tuple[int, set[UUID]]:
    """Complete calls, each once in its life. Returns how many were, and which of them usage has."""
    rows = {one.call: one for one in told}
    if not rows:
        return 0, set()
    span = [min(rows), max(rows)]  # so that only their partitions are looked at
    with connection.cursor() as cursor:
        cursor.execute(_TABLES)
        with cursor.copy("COPY usage_told FROM STDIN") as copy:
            for one in rows.values():
                copy.write_row((one.call, one.status, one.latency_us, one.bytes_in, one.bytes_out))
        cursor.execute(_KNOWN, span)
        known = {row[0] for row in cursor.fetchall()}
        cursor.execute(_TAKE, span)
        completed: int = cursor.rowcount
        if completed:
            for sign in (-1, 1):
                for table in ("hour", "minute"):
                    cursor.execute(upsert("usage_ended", table, sign=sign))
                if sign == -1:
                    cursor.execute(_END, [clock.now()])
            forget_empty(cursor, "usage_ended")
            cursor.execute(_WRITE, span)
    return completed, known


@dataclass
class Ingestion:
    """Lines on their way into usage; those whose calls aren't there yet wait."""

    outcome: Outcome = field(default_factory=Outcome)
    waiting: dict[UUID, tuple[float, Told]] = field(default_factory=dict)

    def take(self, lines: Iterable[bytes]) -> None:
        """Read lines and complete their calls, and such as waited."""
        now = time.monotonic()
        for line in lines:
            try:
                told = read(line)
            except UnreadableLine:
                self.outcome.unreadable += 1
                continue
            if told is None:
                self.outcome.skipped += 1
            else:
                self.waiting.setdefault(told.call, (now + PATIENCE, told))
        batch = [told for _deadline, told in self.waiting.values()]
        for start in range(0, len(batch), AT_ONCE):
            completed, known = complete(batch[start : start + AT_ONCE])
            self.outcome.completed += completed
            self.outcome.skipped += len(known) - completed
            for call in known:
                del self.waiting[call]
        self._give_up(now)

    def _give_up(self, now: float) -> None:
        for call in [call for call, (deadline, _told) in self.waiting.items() if deadline < now]:
            del self.waiting[call]
            self.outcome.unknown += 1


def whole_lines(file: Any) -> Iterator[list[bytes]]:
    """A file's lines in batches, to its end."""
    while batch := [line for line in file.readlines(256 * 1024) if line.strip()]:
        yield batch


def followed(path: Path, *, goes_on: Callable[[], bool], pause: float = 0.5) -> Iterator[list[bytes]]:
    """The lines of a log as they are written, through its rotations; an empty batch now and then. Half a line waits."""
    file, begun = None, b""
    while goes_on():
        if file is None:
            with suppress(FileNotFoundError):
                file = path.open("rb")
        found = file.read(256 * 1024) if file else b""
        lines = (begun + found).split(b"\n")
        begun = lines.pop()
        yield [line for line in lines if line.strip()]
        if found or file is None or not _was_replaced(file, path):
            if not found:
                time.sleep(pause)
            continue
        file.close()
        file, begun = None, b""
    if file:
        file.close()


def _was_replaced(file: Any, path: Path) -> bool:
    """Whether another file has the name now, or this one was emptied."""
    held = os.fstat(file.fileno())
    try:
        named = path.stat()
    except FileNotFoundError:
        return False  # between the two steps of a rotation
    return (named.st_dev, named.st_ino) != (held.st_dev, held.st_ino) or held.st_size < file.tell()


def _number(value: int | str) -> int:
    return value if isinstance(value, int) else int(value) if value not in {"", "-"} else 0

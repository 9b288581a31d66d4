"""Tables partitioned by time: PARTITION BY RANGE over a UUIDv7 primary key, which begins with its time.

So the key stays unique by itself (no composite keys), and a call or attempt is found in its partition by its id alone.
Rows of no partition go to the default one, so that a late partition never loses a row.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import structlog
from django.db import OperationalError, connection, transaction
from django.db.migrations.operations import CreateModel

from core import clock, ids

log = structlog.get_logger(__name__)

Span = Literal["day", "month"]

# How long a lock on a table in use is waited for.
PATIENCE = "3s"


@dataclass(frozen=True, slots=True)
class Plan:
    """How a table is cut, how many partitions are made ahead, and how long one is kept; None keeps all."""

    span: Span
    ahead: int
    kept: timedelta | None = None


# Every partitioned table; each app puts its own here when it is ready, and `maintain` does the rest.
PLANS: dict[str, Plan] = {}


def register(table: str, *, span: Span, ahead: int = 3, kept: timedelta | None = None) -> None:
    """Have a table's partitions made and dropped in time; from an app's `ready`."""
    PLANS[table] = Plan(span, ahead, kept)


def maintain() -> None:
    """Make the partitions that will be needed and drop those that nobody may want any more, of every registered table.

    A table that somebody reads for long is left to the next time: whoever came after us would wait behind our lock.
    """
    for table, plan in PLANS.items():
        if not _exists(table):
            continue  # its app isn't migrated yet
        try:
            ensure(table, span=plan.span, ahead=plan.ahead)
            if plan.kept is not None:
                drop_before(table, instant=clock.now() - plan.kept, span=plan.span)
        except OperationalError as error:
            log.warning("partitions_wait", table=table, error=str(error))


class CreatePartitionedModel(CreateModel):
    """A migration's CreateModel whose table is partitioned by range of its `id`, with a default partition."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        plain = schema_editor.sql_create_table
        schema_editor.sql_create_table = f"{plain} PARTITION BY RANGE (id)"
        try:
            super().database_forwards(app_label, schema_editor, from_state, to_state)
        finally:
            schema_editor.sql_create_table = plain
        table = to_state.apps.get_model(app_label, self.name)._meta.db_table
        schema_editor.execute(f'CREATE TABLE "{table}_default" PARTITION OF "{table}" DEFAULT')


def ensure(table: str, *, span: Span, ahead: int) -> list[str]:
    """Make the partitions of the present span and of the `ahead` next ones; returns the names of new ones."""
    made = []
    start = _floor(clock.now(), span)
    for _ in range(ahead + 1):
        end = _following(start, span)
        if _create(table, start, end, span):
            made.append(_name(table, start))
        start = end
    return made


def drop_before(table: str, *, instant: datetime, span: Span) -> list[str]:
    """Drop the partitions that end before an instant; returns their names."""
    dropped = []
    for name, start in _existing(table):
        if _following(start, span) <= instant:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SELECT set_config('lock_timeout', %s, true)", [PATIENCE])
                cursor.execute(f'DROP TABLE "{name}"')
            dropped.append(name)
    return dropped


@transaction.atomic
def _create(table: str, start: datetime, end: datetime, span: Span) -> bool:
    name = _name(table, start)
    if _exists(name):
        return False
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [PATIENCE])
        # The first lock admits one maker at a time, the second keeps rows of this span from coming in meanwhile.
        cursor.execute(f'LOCK TABLE ONLY "{table}" IN SHARE UPDATE EXCLUSIVE MODE')
        cursor.execute(f'LOCK TABLE "{table}_default" IN ACCESS EXCLUSIVE MODE')
        if _exists(name):
            return False
        low, high = ids.earliest(start), ids.earliest(end)
        # Rows that came before their partition did are in the default one; take them along.
        cursor.execute(f'CREATE TABLE "{name}" (LIKE "{table}" INCLUDING DEFAULTS INCLUDING CONSTRAINTS)')
        taken = f'DELETE FROM "{table}_default" WHERE id >= %s AND id < %s RETURNING *'  # noqa: S608  (our own names)
        moved = f'WITH taken AS ({taken}) INSERT INTO "{name}" SELECT * FROM taken'  # noqa: S608  (our own names)
        cursor.execute(moved, [low, high])
        cursor.execute(f"ALTER TABLE \"{table}\" ATTACH PARTITION \"{name}\" FOR VALUES FROM ('{low}') TO ('{high}')")
    return True


def _exists(table: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [table])
        return bool(cursor.fetchone()[0])


def _existing(table: str) -> Iterator[tuple[str, datetime]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = %s::regclass", [table])
        names = [row[0].strip('"') for row in cursor.fetchall()]
    for name in sorted(names):
        stamp = name.removeprefix(f"{table}_p")
        if stamp != name and stamp.isdigit():
            yield name, datetime.strptime(stamp, "%Y%m%d").replace(tzinfo=UTC)


def _name(table: str, start: datetime) -> str:
    return f"{table}_p{start:%Y%m%d}"


def _floor(at: datetime, span: Span) -> datetime:
    day = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return day.replace(day=1) if span == "month" else day


def _following(start: datetime, span: Span) -> datetime:
    return (start + timedelta(days=32)).replace(day=1) if span == "month" else start + timedelta(days=1)

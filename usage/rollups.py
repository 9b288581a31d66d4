"""The SQL that adds calls up, the same for a fresh batch and for rebuilding from the raw calls."""

from typing import Any, Literal

from django.db import connection, transaction

from usage.histograms import BUCKET_SQL
from usage.models import HourRollup, MinuteRollup
from usage.periods import Period

FACTS = "partner_id, environment, credential_id, integration_id, operation, status, code"
COLUMNS = f"at, {FACTS}, requests, metered, bytes_in, bytes_out, latency_buckets, latency_counts"

# In which all who write rollups take their rows, so that none waits for another in a circle; ids first, since they compare fast.
_ORDER = 'at, partner_id, credential_id, integration_id, status, environment, operation COLLATE "C", code COLLATE "C"'
_TABLES = {"hour": HourRollup._meta.db_table, "minute": MinuteRollup._meta.db_table}


def upsert(source: str, span: str, *, sign: Literal[1, -1] = 1) -> str:
    """SQL that adds the calls of the relation `source` to the rollups of a span, `hour` or `minute`; takes them out for -1."""
    return _add_to(
        span,
        f"""
            SELECT at, {FACTS}, sum(requests)::bigint AS requests, sum(metered)::bigint AS metered,
                sum(bytes_in)::bigint AS bytes_in, sum(bytes_out)::bigint AS bytes_out,
                array_agg(bucket ORDER BY bucket) AS latency_buckets, array_agg(requests::int ORDER BY bucket) AS latency_counts
            FROM (
                SELECT date_trunc('{span}', at, 'UTC') AS at, {FACTS}, {BUCKET_SQL} AS bucket, {sign} * count(*) AS requests,
                    {sign} * count(*) FILTER (WHERE metered) AS metered,
                    {sign} * sum(bytes_in) AS bytes_in, {sign} * sum(bytes_out) AS bytes_out
                FROM {source} GROUP BY 1, {FACTS}, bucket
            ) AS by_bucket GROUP BY at, {FACTS}
        """,  # noqa: S608  (names of our own tables and columns)
    )


def add_totals(span: str) -> str:
    """SQL that adds a batch's totals of a span, see `usage.batches`, to its rollups."""
    return _add_to(span, f"SELECT {COLUMNS} FROM usage_totals WHERE span = '{span[0]}'")  # noqa: S608  (our own names)


def _add_to(span: str, totals: str) -> str:
    return f"""
        INSERT INTO {_TABLES[span]} AS rollup ({COLUMNS}) SELECT {COLUMNS} FROM ({totals}) AS fresh
        ORDER BY {_ORDER}
        ON CONFLICT (at, {FACTS}) DO UPDATE SET
            requests = rollup.requests + excluded.requests,
            metered = rollup.metered + excluded.metered,
            bytes_in = rollup.bytes_in + excluded.bytes_in,
            bytes_out = rollup.bytes_out + excluded.bytes_out,
            (latency_buckets, latency_counts) = (
                SELECT coalesce(array_agg(bucket ORDER BY bucket), '{{}}'),
                    coalesce(array_agg(counted::int ORDER BY bucket), '{{}}')
                FROM (
                    SELECT bucket, sum(n) AS counted FROM (
                        SELECT * FROM unnest(rollup.latency_buckets, rollup.latency_counts) AS old(bucket, n)
                        UNION ALL
                        SELECT * FROM unnest(excluded.latency_buckets, excluded.latency_counts) AS new(bucket, n)
                    ) AS either GROUP BY bucket HAVING sum(n) <> 0
                ) AS merged
            )
    """  # noqa: S608  (names of our own tables and columns)


def forget_empty(cursor: Any, source: str) -> None:
    """Delete the rollups that lost their last call, among those of the time in which calls of the relation `source` were made."""
    for span, table in _TABLES.items():
        cursor.execute(
            f"DELETE FROM {table} WHERE requests = 0 AND at IN (SELECT date_trunc('{span}', at, 'UTC') FROM {source})"  # noqa: S608
        )


@transaction.atomic
def rebuild(period: Period, span: str = "hour") -> None:
    """Compute the rollups that begin in a period again from the raw calls, which must all be there still."""
    table = _TABLES[span]
    with connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {table} IN EXCLUSIVE MODE")
        delete = f"DELETE FROM {table} WHERE at >= %s AND at < %s"  # noqa: S608  (our own names)
        cursor.execute(delete, [period.start, period.end])
        source = "(SELECT * FROM usage_call WHERE at >= %s AND at < %s) AS raw"
        cursor.execute(upsert(source, span), [period.start, period.end])

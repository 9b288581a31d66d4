"""Latency histograms that add up: fixed buckets on a logarithmic scale.

Bucket 0 holds everything below FLOOR µs; bucket n ≥ 1 holds [FLOOR·2^((n-1)/16), FLOOR·2^(n/16)). A value is taken for the
geometric middle of its bucket, so a percentile is off by at most 2^(1/32) - 1 = 2.2%.
"""

import math
from collections.abc import Mapping

FLOOR = 16
STEPS = 16
LAST = 400
"""16 µs · 2^25: nine minutes. Whatever took longer counts as that."""

EDGES = [math.ceil(FLOOR * 2 ** (step / STEPS)) for step in range(LAST)]
"""The least latency of bucket 1, 2, … in whole µs; both `bucket` and BUCKET_SQL look there."""
# The bucket of the column `latency_us`, in PostgreSQL.
BUCKET_SQL = f"width_bucket(latency_us, '{{{','.join(map(str, EDGES))}}}'::int[])::smallint"

Histogram = Mapping[int, int]
"""Calls by bucket."""


def middle(bucket: int) -> float:
    """The latency in µs that a bucket stands for."""
    return FLOOR / 2 if bucket == 0 else FLOOR * 2 ** ((bucket - 0.5) / STEPS)


def percentile(histogram: Histogram, share: float) -> float | None:
    """The latency in ms that `share` of the calls stayed under; None for no calls."""
    total = sum(histogram.values())
    if not total:
        return None
    rank, seen = max(1, math.ceil(share * total)), 0
    for bucket in sorted(histogram):
        seen += histogram[bucket]
        if seen >= rank:
            return round(middle(bucket) / 1000, 3)
    raise AssertionError("the counts add up to the total")


def percentiles(histogram: Histogram) -> dict[str, float | None]:
    """p50, p95 and p99 in ms."""
    return {name: percentile(histogram, share) for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))}


def bounds(bucket: int) -> tuple[float, float]:
    """Where a bucket begins and ends, in ms."""
    low = 0.0 if bucket == 0 else FLOOR * 2 ** ((bucket - 1) / STEPS)
    return round(low / 1000, 3), round(FLOOR * 2 ** (bucket / STEPS) / 1000, 3)

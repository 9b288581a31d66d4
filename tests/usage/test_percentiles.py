"""Percentiles from histograms are within 3% of the exact ones."""

import random

import pytest

from tests.usage.conftest import call
from usage import histograms, ingest
from usage.models import HourRollup


def log_normal(rng):
    return rng.lognormvariate(9.5, 0.8)


def bimodal(rng):
    return rng.gauss(3_000, 300) if rng.random() < 0.7 else rng.gauss(240_000, 20_000)


@pytest.mark.django_db
@pytest.mark.parametrize("latency", [log_normal, bimodal])
def test_close_to_the_exact_ones(latency):
    rng = random.Random(7)
    values = [max(1, int(latency(rng))) for _ in range(4_000)]
    for start in range(0, len(values), 1_000):
        ingest.write(("e", call(latency_us=value)) for value in values[start : start + 1_000])
    merged: dict[int, int] = {}
    for row in HourRollup.objects.all():
        for bucket, count in zip(row.latency_buckets, row.latency_counts, strict=True):
            merged[bucket] = merged.get(bucket, 0) + count
    values.sort()
    for share in (0.5, 0.95, 0.99):
        exact = values[int(share * len(values)) - 1] / 1000
        assert histograms.percentile(merged, share) == pytest.approx(exact, rel=0.03)


def test_no_calls_have_no_percentile():
    assert histograms.percentiles({}) == {"p50": None, "p95": None, "p99": None}

"""What the gateway counts of itself: plain numbers on the hot path, made into Prometheus' metrics when they are asked for."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """The counts of one gateway process."""

    def __init__(self) -> None:
        self.decisions: Counter[str] = Counter()
        """Calls by outcome: `admitted`, or the code of the problem."""
        self.lookups: Counter[str] = Counter()
        """Credentials looked for: `hit`, `miss` (PostgreSQL was asked), `negative` (known not to exist), `reload` (stale)."""
        self.degraded: Counter[str] = Counter()
        """Calls served in a degraded mode: `redis` (local limits), `postgres` (a snapshot past its lifetime)."""
        self.records: Counter[str] = Counter()
        """Finished calls by where they went: `sent`, `spooled`, `lost` (the spool could not be written)."""
        self.redis_away = 0
        self.postgres_away = 0
        self._latency = [0] * (len(BOUNDS) + 1)
        self._latency_sum = 0.0
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def finished(self, outcome: str, seconds: float) -> None:
        """A call was answered after so long."""
        self.decisions[outcome] += 1
        self._latency[bisect_left(BOUNDS, seconds)] += 1
        self._latency_sum += seconds

    def exposition(self) -> bytes:
        """All of it, in Prometheus' text format."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """What `prometheus_client` asks a collector."""
        yield _counter("portico_gateway_decisions", "Calls by outcome.", "outcome", self.decisions)
        yield _counter(
            "portico_gateway_credential_lookups", "Credentials looked for, by where they were found.", "result", self.lookups
        )
        yield _counter("portico_gateway_degraded_calls", "Calls served while an engine was away.", "engine", self.degraded)
        yield _counter("portico_gateway_call_records", "Finished calls by where their record went.", "destination", self.records)
        away = GaugeMetricFamily("portico_gateway_engine_away", "1 while the engine can't be reached.", labels=["engine"])
        away.add_metric(["redis"], self.redis_away)
        away.add_metric(["postgres"], self.postgres_away)
        yield away
        seen, buckets = 0, []
        for bound, count in zip([*map(str, BOUNDS), "+Inf"], self._latency, strict=True):
            seen += count
            buckets.append((bound, seen))
        latency = HistogramMetricFamily("portico_gateway_latency_seconds", "From the request's head to the answer's end.")
        latency.add_metric([], buckets, self._latency_sum)
        yield latency


def _counter(name: str, documentation: str, label: str, counts: Counter[str]) -> CounterMetricFamily:
    family = CounterMetricFamily(name, documentation, labels=[label])
    for value, count in counts.items():
        family.add_metric([value], count)
    return family

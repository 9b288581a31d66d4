"""What the gateway counts of itself: plain numbers on the hot path, made into Prometheus' metrics when they are asked for."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator

import msgspec
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Snapshot(msgspec.Struct, frozen=True):
    """The counts of one process at a moment (`at`, Unix seconds). `latency` has the calls of each of BOUNDS, and of none."""

    at: float
    decisions: dict[str, int]
    lookups: dict[str, int]
    degraded: dict[str, int]
    records: dict[str, int]
    latency: list[int]
    latency_sum: float
    redis_away: int
    postgres_away: int
    refused_connections: dict[str, int] = {}
    blocked_networks: int = 0
    circuits: dict[str, int] = {}
    open_circuits: int = 0
    tunnels: int = 0


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
        self.refused_connections: Counter[str] = Counter()
        """Connections closed at once, by why: see `gateway.crowd`."""
        self.blocked_networks = 0
        self.circuits: Counter[str] = Counter()
        """Circuits of upstreams that were `opened` and `closed`."""
        self.open_circuits = 0
        self.tunnels = 0
        """WebSockets that are open."""
        self.postgres_away = 0
        self._latency = [0] * (len(BOUNDS) + 1)
        self._latency_sum = 0.0

    def finished(self, outcome: str, seconds: float) -> None:
        """A call was answered after so long."""
        self.decisions[outcome] += 1
        self._latency[bisect_left(BOUNDS, seconds)] += 1
        self._latency_sum += seconds

    def snapshot(self, *, at: float, redis_away: bool) -> Snapshot:
        """The counts as they stand."""
        return Snapshot(
            at=at,
            decisions=dict(self.decisions),
            lookups=dict(self.lookups),
            degraded=dict(self.degraded),
            records=dict(self.records),
            latency=list(self._latency),
            latency_sum=self._latency_sum,
            redis_away=int(redis_away),
            postgres_away=self.postgres_away,
            refused_connections=dict(self.refused_connections),
            blocked_networks=self.blocked_networks,
            circuits=dict(self.circuits),
            open_circuits=self.open_circuits,
            tunnels=self.tunnels,
        )


def exposition(snapshots: dict[str, Snapshot]) -> bytes:
    """The counts of several processes in Prometheus' text format; the label `process` has the names they are given here."""
    registry = CollectorRegistry()
    registry.register(_Collector(snapshots))
    return generate_latest(registry)


class _Collector:
    def __init__(self, snapshots: dict[str, Snapshot]) -> None:
        self._snapshots = snapshots

    def collect(self) -> Iterator[Metric]:
        """What `prometheus_client` asks a collector."""
        yield self._counter("portico_gateway_decisions", "Calls by outcome.", "outcome", lambda one: one.decisions)
        searched = "Credentials looked for, by where they were found."
        yield self._counter("portico_gateway_credential_lookups", searched, "result", lambda one: one.lookups)
        degraded = "Calls served while an engine was away."
        yield self._counter("portico_gateway_degraded_calls", degraded, "engine", lambda one: one.degraded)
        sent = "Finished calls by where their record went."
        yield self._counter("portico_gateway_call_records", sent, "destination", lambda one: one.records)
        refused = "Connections closed at once: an `address`, or `all` of them, had as many as they may."
        yield self._counter("portico_gateway_connections_refused", refused, "reason", lambda one: one.refused_connections)
        blocked = GaugeMetricFamily("portico_gateway_blocked_networks", "Networks on the block list.", labels=["process"])
        changed = "Circuits of upstreams that changed their state."
        yield self._counter("portico_gateway_circuit_changes", changed, "state", lambda one: one.circuits)
        yield self._gauge("portico_gateway_open_circuits", "Upstreams that are left alone now.", lambda one: one.open_circuits)
        yield self._gauge("portico_gateway_websockets", "WebSockets that are open.", lambda one: one.tunnels)
        away = GaugeMetricFamily(
            "portico_gateway_engine_away", "1 while the engine can't be reached.", labels=["process", "engine"]
        )
        latency = HistogramMetricFamily(
            "portico_gateway_latency_seconds", "From the request's head to the answer's end.", labels=["process"]
        )
        for process, one in self._snapshots.items():
            blocked.add_metric([process], one.blocked_networks)
            away.add_metric([process, "redis"], one.redis_away)
            away.add_metric([process, "postgres"], one.postgres_away)
            seen, buckets = 0, []
            for bound, count in zip([*map(str, BOUNDS), "+Inf"], one.latency, strict=True):
                seen += count
                buckets.append((bound, seen))
            latency.add_metric([process], buckets, one.latency_sum)
        yield blocked
        yield away
        yield latency

    def _gauge(self, name: str, documentation: str, value: Callable[[Snapshot], int]) -> GaugeMetricFamily:
        family = GaugeMetricFamily(name, documentation, labels=["process"])
        for process, one in self._snapshots.items():
            family.add_metric([process], value(one))
        return family

    def _counter(
        self, name: str, documentation: str, label: str, counts: Callable[[Snapshot], dict[str, int]]
    ) -> CounterMetricFamily:
        family = CounterMetricFamily(name, documentation, labels=["process", label])
        for process, one in self._snapshots.items():
            for value, count in counts(one).items():
                family.add_metric([process, value], count)
        return family

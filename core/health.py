"""How upstreams do, as the gateways tell: each process writes what it sees into Redis, whoever wants to know adds it up."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from uuid import UUID

import msgspec
import redis
from django.conf import settings

KEY = "gateway:upstream:{}"
"""A hash of one upstream (32 hex digits): the process' epoch to what it has seen, as JSON."""
OPEN = "gateway:upstreams:open"
"""The set of upstreams whose circuit some process has opened and nobody has looked at since it was closed."""
KEPT = 86_400
FRESH = 15.0
"""Seconds after which a process that says nothing of its circuit is gone."""
SPAN, SPANS = 30, 10
"""Seconds of a span, and how many of them are the last minutes."""
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Seconds: buckets of the time until an answer's head."""


class Seen(msgspec.Struct, frozen=True):
    """What one process has seen in the last minutes. Times are Unix seconds, 0 for never."""

    at: float
    state: str
    opened_at: float
    succeeded: int
    failed: int
    latency: list[int]
    last_success: float
    last_failure: float
    last_error: str


@dataclass(frozen=True, slots=True)
class Health:
    """How an upstream does, over all processes: `state` is `unknown` before its first call, else the worst of the circuits'."""

    state: str
    calls: int
    failures: int
    p95_ms: int | None
    last_success_at: datetime | None
    last_error_at: datetime | None
    last_error: str
    open_since: datetime | None

    @property
    def failure_rate(self) -> float | None:
        """The share of the last five minutes' calls that failed."""
        return self.failures / self.calls if self.calls else None

    @property
    def failure_percent(self) -> int:
        """The same in whole percents."""
        return round(100 * (self.failure_rate or 0))


UNKNOWN = Health("unknown", 0, 0, None, None, None, "", None)
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Seen).decode


def packed(seen: Seen) -> bytes:
    """As it is kept."""
    return _encode(seen)


def of(upstream: UUID) -> Health:
    """How an upstream does. While Redis is away, nobody knows."""
    return named(upstream.hex)


def named(upstream: str) -> Health:
    """The same by the name that gateways give it: that of its id, and `:test` for one of the test environment alone."""
    try:
        kept = client().hvals(KEY.format(upstream))
    except redis.RedisError:
        return UNKNOWN
    return combined([_decode(one) for one in kept])


def combined(seen: list[Seen]) -> Health:
    """What several processes have seen, as one."""
    if not seen:
        return UNKNOWN
    now = time.time()
    recent = [one for one in seen if now - one.at < SPAN * SPANS]
    alive = [one for one in seen if now - one.at < FRESH and one.state != "closed"]
    states = {one.state for one in alive}
    latency = [sum(column) for column in zip(*(one.latency for one in recent), strict=True)] if recent else []
    last = max(seen, key=lambda one: one.last_failure)
    return Health(
        state="open" if "open" in states else "half_open" if states else "closed",
        calls=sum(one.succeeded + one.failed for one in recent),
        failures=sum(one.failed for one in recent),
        p95_ms=_percentile(latency, 0.95),
        last_success_at=_instant(max(one.last_success for one in seen)),
        last_error_at=_instant(last.last_failure),
        last_error=last.last_error,
        open_since=_instant(min((one.opened_at for one in alive), default=0.0)),
    )


@cache
def client() -> redis.Redis:
    """The connection to Redis of whoever asks."""
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1)


def _percentile(counts: list[int], share: float) -> int | None:
    """The upper bound of the bucket that has it, in milliseconds."""
    wanted, passed = share * sum(counts), 0
    for bound, count in zip((*BOUNDS, BOUNDS[-1]), counts, strict=False):
        passed += count
        if passed >= wanted and passed:
            return round(bound * 1000)
    return None


def _instant(at: float) -> datetime | None:
    return datetime.fromtimestamp(at, UTC) if at else None

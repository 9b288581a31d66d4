"""How much a credential may still do now: the counters that gateways keep in Redis, read without taking from them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from apikeys.models import Application, Key, rate_within
from core import clock, gcra
from partners.models import Partner
from usage import questions
from usage.periods import Period

WINDOW = 60


@dataclass(frozen=True, slots=True)
class Rate:
    """Calls in a window of seconds, and how many of them are left at this moment."""

    name: str
    limit: int
    remaining: int
    window_seconds: int = WINDOW


@dataclass(frozen=True, slots=True)
class Quota:
    """Metered calls of this month. `limit` and `remaining` are None where there is none."""

    limit: int | None
    used: int
    remaining: int | None
    resets_at: datetime


@dataclass(frozen=True, slots=True)
class Concurrency:
    """Calls under way together. `limit` and `remaining` are None where there is none, and then nobody counts."""

    limit: int | None
    used: int
    remaining: int | None


@dataclass(frozen=True, slots=True)
class Limits:
    """Of a partner in one environment; each has numbers of its own."""

    environment: str
    rate: list[Rate]
    quota: Quota
    concurrency: Concurrency


@cache
def _client() -> Any:
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1, retry=Retry(NoBackoff(), 0))


def of(partner: Partner, environment: str, *, credential: UUID | None = None) -> Limits:
    """The limits of a partner, and of one of its keys or of an application that acts for it (`credential`, the caller's own)."""
    rates = [_rate("partner", f"rate:partner:{partner.pk.hex}:{environment}", partner.tier.partner_rate)]
    key = Key.objects.for_caller(partner, environment).filter(pk=credential).first() if credential else None
    if key is not None:
        limit = rate_within(key.rate_limit_per_minute, partner.tier.key_rate)
        rates.insert(0, _rate("key", f"rate:key:{key.pk.hex}", limit))
    elif application := Application.objects.filter(pk=credential).first() if credential else None:
        limit = rate_within(application.rate_limit_per_minute, partner.tier.key_rate)
        rates.insert(0, _rate("application", f"rate:application:{application.pk.hex}:{partner.pk.hex}", limit))
    return Limits(environment, rates, quota(partner, environment), concurrency(partner, environment))


def concurrency(partner: Partner, environment: str) -> Concurrency:
    """Calls that gateways are carrying; the one that asks is among them."""
    limit = partner.tier.calls_at_once
    if limit is None:
        return Concurrency(None, 0, None)
    used = int(_read("ZCOUNT", f"places:{partner.pk.hex}:{environment}", _now(), "+inf") or 0)
    return Concurrency(limit, used, max(0, limit - used))


def of_keys(partner: Partner, keys: Sequence[Key]) -> list[Rate]:
    """The rate of each of these keys of one partner, asked together."""
    pipeline = _client().pipeline(transaction=False)
    for key in keys:
        pipeline.get(f"rate:key:{key.pk.hex}")
    try:
        stored = pipeline.execute() if keys else []
    except redis.RedisError:
        stored = [None] * len(keys)
    return [
        _left("key", each, rate_within(key.rate_limit_per_minute, partner.tier.key_rate))
        for key, each in zip(keys, stored, strict=True)
    ]


def quota(partner: Partner, environment: str) -> Quota:
    """This month's quota. The gateways' counter is ahead of the rollups by the calls of the last moments."""
    month = Period.this_month()
    # What rollups say is behind by moments, and a page must not wait for it.
    counted = _read("HGET", f"quota:{partner.pk.hex}:{environment}", f"{month.start:%Y-%m}")
    used = int(counted) if counted is not None else questions.month_total(partner, environment, month.start)
    limit = partner.tier.monthly_quota
    return Quota(limit, used, None if limit is None else max(0, limit - used), month.end)


def counted(partners: Sequence[Partner], environment: str, month: Period) -> list[int | None]:
    """The calls of the month as gateways count them, of each partner; None where they have no count. Raises RedisError."""
    pipeline = _client().pipeline(transaction=False)
    for partner in partners:
        pipeline.hget(f"quota:{partner.pk.hex}:{environment}", f"{month.start:%Y-%m}")
    return [None if count is None else int(count) for count in pipeline.execute()] if partners else []


def _rate(name: str, key: str, limit: int) -> Rate:
    return _left(name, _read("GET", key), limit)


def _left(name: str, stored: Any, limit: int) -> Rate:
    busy = max(0, int(stored) - _now()) if stored else 0
    return Rate(name, limit, max(0, (gcra.span(limit) - busy) // gcra.interval(limit)))


def _read(*command: str | int) -> Any:
    """What Redis has; None while it is away: gateways count by themselves then."""
    try:
        return _client().execute_command(*command)
    except redis.RedisError:
        return None


def _now() -> int:
    """µs since 1970, as counters have it."""
    return int(clock.now().timestamp() * 1_000_000)

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

from apikeys.models import Key
from core import clock
from partners.models import Partner
from usage import questions
from usage.periods import Period

WINDOW = 60
_MINUTE = 60_000_000
"""µs"""


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
class Limits:
    rate: list[Rate]
    quota: Quota


@cache
def _client() -> Any:
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1, retry=Retry(NoBackoff(), 0))


def of(partner: Partner, environment: str, *, credential: UUID | None = None) -> Limits:
    """The limits of a partner, and of one of its keys."""
    rates = [_rate("partner", f"rate:partner:{partner.pk.hex}:{environment}", partner.tier.partner_rate)]
    key = Key.objects.for_caller(partner, environment).filter(pk=credential).first() if credential else None
    if key is not None:
        rates.insert(0, _rate("key", f"rate:key:{key.pk.hex}", key.rate_limit_per_minute or partner.tier.key_rate))
    return Limits(rates, quota(partner, environment))


def quota(partner: Partner, environment: str) -> Quota:
    """This month's quota. The gateways' counter is ahead of the rollups by the calls of the last moments."""
    month = Period.this_month()
    try:
        counted: Any = _client().hget(f"quota:{partner.pk.hex}:{environment}", f"{month.start:%Y-%m}")
    except redis.RedisError:  # what rollups say is behind by moments, and a page must not wait for it
        counted = None
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
    """As the gateways' script reads it: the counter is the µs at which all calls are back (GCRA)."""
    stored: Any = _client().get(key)
    busy = max(0, int(stored) - int(clock.now().timestamp() * 1_000_000)) if stored else 0
    return Rate(name, limit, max(0, (_MINUTE - busy) * limit // _MINUTE))

"""A key's calls a minute, for back ends that ask about it instead of standing behind the gateway. Both take from one counter."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import redis
import structlog
from django.conf import settings

from apikeys.models import Application, Key
from core import clock, gcra
from partners.models import Partner

log = structlog.get_logger(__name__)

# As gateway/take.lua keeps it.
TAKE = """
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2]) + tonumber(ARGV[3])
local interval, span, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[4])
local before = math.max(now, tonumber(redis.call('GET', KEYS[1]) or 0))
local after = before + interval * cost
if after - now > span then return {0, math.floor((span - (before - now)) / interval)} end
-- A minute longer than needed: gateways move the counter on without setting its time to live anew.
if cost > 0 then redis.call('SET', KEYS[1], string.format('%.0f', after), 'PX', math.ceil((after - now) / 1000) + 60000) end
return {1, math.floor((span - (after - now)) / interval)}
"""


@dataclass(frozen=True, slots=True)
class Room:
    """Whether there was room for the cost, and the calls that are left in this minute."""

    admitted: bool
    remaining: int
    limit: int


def take(*, key: Key, cost: int) -> Room | None:
    """Take `cost` calls, all or none; 0 only looks. None while Redis is away: then calls go on, as at the gateway."""
    limit = key.rate_limit_per_minute or key.partner.tier.key_rate
    return _take(f"rate:key:{key.pk.hex}", limit, cost)


def take_call(*, application: Application, partner: Partner, cost: int) -> Room | None:
    """The same of an application's calls for one partner."""
    limit = application.rate_limit_per_minute or partner.tier.key_rate
    return _take(f"rate:application:{application.pk.hex}:{partner.pk.hex}", limit, cost)


def take_token(*, application: Application, limit: int) -> bool:
    """Whether the application may be given a token, of which it gets `limit` a minute."""
    room = _take(f"rate:token:{application.pk.hex}", limit, 1)
    return room is None or room.admitted


def _take(name: str, limit: int, cost: int) -> Room | None:
    offset = int(clock.offset().total_seconds() * 1_000_000)
    try:
        asked = gcra.interval(limit), gcra.span(limit), offset, cost
        admitted, remaining = _client().eval(TAKE, 1, name, *asked)
    except redis.RedisError:
        log.warning("rate_unknown", rate=name)
        return None
    return Room(bool(admitted), max(0, remaining), limit)


@cache
def _client() -> Any:
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2)

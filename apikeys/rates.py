"""A key's calls a minute, for back ends that ask about it instead of standing behind the gateway. Both take from one counter."""

import ipaddress
from dataclasses import dataclass
from functools import cache
from typing import Any

import redis
import structlog
from django.conf import settings

from apikeys.models import Application, Key, rate_within
from core import clock, gcra
from partners.models import Partner

log = structlog.get_logger(__name__)

# As gateway/take.lua keeps them: all counters move, or none.
TAKE = """
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2]) + tonumber(ARGV[1])
local cost, afters, admitted, tightest, left = tonumber(ARGV[2]), {}, 1, 1, nil
for i, name in ipairs(KEYS) do
  local interval, span = tonumber(ARGV[1 + 2 * i]), tonumber(ARGV[2 + 2 * i])
  local before = math.max(now, tonumber(redis.call('GET', name) or 0))
  afters[i] = before + interval * cost
  if afters[i] - now > span then admitted = 0 end
end
for i, name in ipairs(KEYS) do
  local interval, span = tonumber(ARGV[1 + 2 * i]), tonumber(ARGV[2 + 2 * i])
  local after = admitted == 1 and afters[i] or afters[i] - interval * cost
  local room = math.floor((span - (after - now)) / interval)
  if not left or room < left then left, tightest = room, i end
  -- A minute longer than needed: gateways move the counter on without setting its time to live anew.
  if admitted == 1 and cost > 0 then
    redis.call('SET', name, string.format('%.0f', after), 'PX', math.ceil((after - now) / 1000) + 60000)
  end
end
return {admitted, left, tightest}
"""


@dataclass(frozen=True, slots=True)
class Room:
    """Whether there was room for the cost, and the calls that are left in this minute."""

    admitted: bool
    remaining: int
    limit: int


def take(*, key: Key, cost: int) -> Room | None:
    """Take `cost` calls from the rates of the key and of its partner, from both or from none; 0 only looks. None while Redis is
    away: then calls go on, as at the gateway."""
    tier = key.partner.tier
    limit = rate_within(key.rate_limit_per_minute, tier.key_rate)
    of_partner = f"rate:partner:{key.partner_id.hex}:{key.environment}"
    return _take({f"rate:key:{key.pk.hex}": limit, of_partner: tier.partner_rate}, cost)


def take_call(*, application: Application, partner: Partner, cost: int) -> Room | None:
    """The same of an application's calls for one partner."""
    limit = rate_within(application.rate_limit_per_minute, partner.tier.key_rate)
    of_partner = f"rate:partner:{partner.pk.hex}:{application.environment}"
    return _take({f"rate:application:{application.pk.hex}:{partner.pk.hex}": limit, of_partner: partner.tier.partner_rate}, cost)


def take_token(*, application: Application, limit: int) -> bool:
    """Whether the application may be given a token, of which it gets `limit` a minute, and all of its maker's ten times that."""
    room = _take({f"rate:token:{application.pk.hex}": limit, f"rate:token:{application.partner_id.hex}": 10 * limit}, 1)
    return room is None or room.admitted


def take_report(address: str | None) -> bool:
    """Whether an address (an IPv6 /64) may report one more leak now."""
    room = _take({f"rate:leak:{place(address)}": settings.LEAK_REPORT_RATE}, 1)
    return room is None or room.admitted


def place(address: str | None) -> str:
    """What a limit per address counts, as the gateway's do."""
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return "unknown"
    return str(found) if found.version == 4 else str(ipaddress.ip_network((found, 64), strict=False).network_address)


def _take(limits: dict[str, int], cost: int) -> Room | None:
    offset = int(clock.offset().total_seconds() * 1_000_000)
    asked = [number for limit in limits.values() for number in (gcra.interval(limit), gcra.span(limit))]
    try:
        admitted, remaining, tightest = _client().eval(TAKE, len(limits), *limits, offset, cost, *asked)
    except redis.RedisError:
        log.warning("rate_unknown", limits=list(limits))
        return None
    return Room(bool(admitted), max(0, remaining), list(limits.values())[tightest - 1])


@cache
def _client() -> Any:
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2)

"""Use of a key that is unlike its own history. Three questions, each easy to explain, none of them asked of young keys:

* network: first calls from a /16 (IPv6: /32) that it was never used from, of a key that is used from a few such only;
* volume: an hour with five times the calls of the busiest hour of the last two weeks, and at least a thousand;
* hour: at least twenty calls in an hour of the day (UTC) in which a key with regular hours made none for two weeks.

A key is told of once a day at most, and not if its team wants to hear no more of it. It goes on working.
"""

import ipaddress
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Q

from abuse.event_types import KEY_UNUSUAL
from abuse.models import Mute, Oddity, Sighting
from apikeys.event_types import facts
from apikeys.models import Key
from core import events
from core.actors import SYSTEM, Actor

AGE = timedelta(days=7)
FRESH = timedelta(minutes=10)
HISTORY = timedelta(days=14)
FEW = 10
BUSIER, LEAST_BUSY = 5, 1_000
LEAST_ODD, MOST_HOURS, LEAST_DAYS = 20, 12, 7
MOST = 100

# This hour of every key beside its hours of two weeks. Only keys with some calls in this hour are looked at further.
_HOURS = """
    WITH now AS (
        SELECT partner_id, environment, credential_id, sum(requests) AS requests FROM usage_hourrollup
        WHERE at = %(hour)s AND credential_id IS NOT NULL AND partner_id IS NOT NULL
        GROUP BY 1, 2, 3 HAVING sum(requests) >= %(least_odd)s
    )
    SELECT now.credential_id, now.requests, past.busiest, past.days, past.hours, past.at_this_hour
    FROM now JOIN apikeys_key AS key ON key.id = now.credential_id AND key.status = 'active' AND key.created_at < %(grown)s,
    LATERAL (
        SELECT max(requests) AS busiest, count(DISTINCT date_trunc('day', at)) AS days,
            count(DISTINCT date_part('hour', at AT TIME ZONE 'UTC')) AS hours,
            coalesce(sum(requests) FILTER (WHERE date_part('hour', at AT TIME ZONE 'UTC') = %(of_day)s), 0) AS at_this_hour
        FROM (
            SELECT at, sum(requests) AS requests FROM usage_hourrollup AS rollup
            WHERE rollup.partner_id = now.partner_id AND rollup.environment = now.environment
                AND rollup.at >= %(since)s AND rollup.at < %(hour)s AND rollup.credential_id = now.credential_id GROUP BY at
        ) AS hourly
    ) AS past
    WHERE past.days >= %(least_days)s AND NOT EXISTS (SELECT FROM abuse_oddity WHERE key_id = key.id AND "on" = %(today)s) AND (
        (now.requests >= %(least_busy)s AND now.requests > past.busiest * %(busier)s)
        OR (past.at_this_hour = 0 AND past.hours <= %(most_hours)s)
    )
    LIMIT %(most)s
"""


def look(now: datetime) -> int:
    """Tell of what is unusual now; returns of how many keys."""
    return _networks(now) + _hours(now)


@transaction.atomic
def mute(*, key: Key) -> None:
    """Tell no more of unusual use of this key."""
    Mute.objects.update_or_create(key=key, rule=None, defaults={"until": None})


@transaction.atomic
def unmute(*, key: Key) -> None:
    """Tell of it again."""
    Mute.objects.filter(key=key, rule=None).delete()


def is_muted(key: Key) -> bool:
    """Whether its team wants to hear no more of it."""
    return Mute.objects.filter(key=key, rule=None).exists()


def _networks(now: datetime) -> int:
    told = 0
    for sighting in Sighting.objects.filter(first_at__gte=now - FRESH).order_by("first_at")[:MOST]:
        key = Key.objects.filter(pk=sighting.key_id, status=Key.Status.ACTIVE, created_at__lt=now - AGE).first()
        if key is None:
            continue
        earlier = Sighting.objects.filter(key_id=key.pk, first_at__lt=min(sighting.first_at, now - FRESH))
        known = {_wide(network) for network in earlier.values_list("network", flat=True)[: FEW * 20]}
        if known and len(known) <= FEW and _wide(sighting.network) not in known:
            text = f"First calls from {sighting.network}; until now it was used from {len(known)} other network(s)."
            told += _tell(key, Oddity.Kind.NETWORK, text, now)
    return told


def _hours(now: datetime) -> int:
    hour = now.replace(minute=0, second=0, microsecond=0)
    asked: dict[str, Any] = {
        "hour": hour,
        "today": now.date(),
        "of_day": hour.hour,
        "since": hour - HISTORY,
        "grown": now - AGE,
        "least_odd": LEAST_ODD,
        "least_busy": LEAST_BUSY,
        "busier": BUSIER,
        "least_days": LEAST_DAYS,
        "most_hours": MOST_HOURS,
        "most": MOST,
    }
    with connection.cursor() as cursor:
        cursor.execute(_HOURS, asked)
        rows = cursor.fetchall()
    told = 0
    for pk, requests, busiest, _days, _hours, _at_this_hour in rows:
        if requests >= LEAST_BUSY and requests > busiest * BUSIER:
            kind, text = (
                Oddity.Kind.VOLUME,
                f"{requests:,} calls in this hour; the busiest of the last two weeks had {busiest:,}.",
            )
        else:
            text = f"{requests:,} calls between {hour:%H}:00 and {hour:%H}:59 UTC, where it made none in the last two weeks."
            kind = Oddity.Kind.HOUR
        told += _tell(Key.objects.get(pk=pk), kind, text, now)
    return told


@transaction.atomic
def _tell(key: Key, kind: Oddity.Kind, text: str, now: datetime, by: Actor = SYSTEM) -> bool:
    if Mute.objects.filter(Q(until=None) | Q(until__gt=now), key=key, rule=None).exists():
        return False
    where = {"partner_id": key.partner_id, "environment": key.environment, "kind": kind, "found": text}
    _row, fresh = Oddity.objects.get_or_create(key=key, on=now.date(), defaults=where)
    if fresh:
        data = {**facts(key), "kind": str(kind), "reason": text}
        events.emit(type=KEY_UNUSUAL, partner=key.partner_id, environment=key.environment, subject=key, actor=by, data=data)
    return fresh


def _wide(network: str) -> str:
    found = ipaddress.ip_network(network)
    return str(found.supernet(new_prefix=16 if found.version == 4 else 32))

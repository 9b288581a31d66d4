"""The loop that holds the rules against what was just counted.

It looks only after something was ingested, one process at a time. What it finds it does in the same transaction, under the
key's lock: however often it runs, and whoever dies, a cause leads to one suspension and one notice.
"""

from datetime import datetime, timedelta

import structlog
from django.db import connection, transaction
from django.db.models import Q
from prometheus_client import Counter

from abuse import incidents, patterns, unusual
from abuse.models import Incident, Mute, Rule
from apikeys.models import Key
from core import clock
from partners.models import Partner
from usage.models import Position
from usage.records import STREAM

INCIDENTS = Counter("portico_abuse_incidents_total", "Keys of which a rule held, by what it does.", ["action"])

log = structlog.get_logger(__name__)

IDLE = 5.0
QUIET = timedelta(days=1)
"""A key is noted for the same rule once in so long; suspensions are as many as there are causes."""
_ONE_AT_A_TIME = 0x_AB05_E001

EVERY = timedelta(minutes=5)
"""How often unusual use is looked for: it reads the history of every key in use."""

_last_seen: dict[str, str] = {}
_looked_at: dict[str, datetime] = {}


def step() -> int:
    """One look; 0, so that the loop rests before the next. Nothing ingested since the last costs one small query."""
    entry = Position.objects.filter(pk=STREAM).values_list("entry", flat=True).first()
    if entry is None or _last_seen.get(STREAM) == entry:
        return 0
    if look():
        _last_seen[STREAM] = entry
    return 0


@transaction.atomic
def look() -> bool:
    """Hold every rule against every key that it may mean, and look for unusual use; False if another process is at it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_ONE_AT_A_TIME])
        (alone,) = cursor.fetchone()
    if not alone:
        return False
    now = clock.now()
    for rule in Rule.objects.standing():
        for pk in patterns.suspects(rule, now):
            key = Key.objects.select_related("partner").filter(pk=pk, status=Key.Status.ACTIVE).first()
            if key is not None and key.partner.status != Partner.Status.CLOSED:
                _hold(rule, key, now)
    if _looked_at.get("unusual", now - EVERY) <= now - EVERY:
        _looked_at["unusual"] = now
        unusual.look(now)
    return True


def _hold(rule: Rule, key: Key, now: datetime) -> None:
    if Mute.objects.filter(Q(until=None) | Q(until__gt=now), key=key, rule=rule).exists():
        return
    last = Incident.objects.of_key(key).filter(rule=rule).first()
    since = max(filter(None, [last.created_at, last.decided_at])) if last else datetime.min.replace(tzinfo=now.tzinfo)
    if last and rule.action == Rule.Action.NOTIFY and last.created_at > now - QUIET:
        return
    found = patterns.look(rule, key, since=since, now=now)
    if found is not None and (incident := incidents.open(rule=rule, key=key, found=found)):
        INCIDENTS.labels(str(rule.action)).inc()
        log.warning("abuse_incident", incident=incident.public_id, key=key.public_id, rule=rule.name, action=rule.action)

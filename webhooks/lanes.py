"""Lanes: what an endpoint that asked for order is told of one subject goes out one by one, in the order of sealing.

A lane is an endpoint and a subject; the place in it is the number under which the event was sealed, so each chain (the
partner's, the platform's) has lanes of its own. Only the first open delivery of a lane goes out; while it waits to be tried
again, so do the others. Those have `waits` set and are due much later, out of the sight of the claim; whatever ends the first
makes the next due. The claim locks a lane's first before it sets others aside behind it, and who ends a delivery holds its
lock: the one sees what the other did, or is looked at again a moment later.

What was asked for by hand and has ended once, or is a test, belongs to no lane: it goes out alone and holds up nobody.
"""

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import Exists, OuterRef, Q

from core import clock, wake
from core.models import Event
from webhooks.models import Delivery, DeliveryQuerySet

OPEN = [Delivery.Status.PENDING, Delivery.Status.HELD]
# Who waits is called by the one before; should that ever fail, it is looked at after so long.
NET = timedelta(hours=1)
# The first of its lane is being decided by somebody else at this moment.
MOMENT = timedelta(milliseconds=100)

LANE = "CASE WHEN e.partner_id IS NULL THEN '*:' ELSE ':' END || e.subject"

FIRSTS = """
SELECT l.endpoint_id, l.lane, f.id, f.place FROM unnest(%s::uuid[], %s::text[]) AS l(endpoint_id, lane)
CROSS JOIN LATERAL (
    SELECT d.id, d.place FROM webhooks_delivery d
    WHERE d.endpoint_id = l.endpoint_id AND d.lane = l.lane AND d.lane <> '' AND d.status IN ('pending', 'held')
    ORDER BY d.place LIMIT 1
) f
"""

LOCK = """
SELECT id FROM webhooks_delivery WHERE id = ANY(%s) AND status IN ('pending', 'held') FOR NO KEY UPDATE SKIP LOCKED
"""

# With what was claimed goes all else that is due in the lane, so that no claim comes upon it one by one.
SET_ASIDE = """
UPDATE webhooks_delivery SET waits = true, due_at = %(until)s WHERE id IN (
    SELECT d.id FROM unnest(%(endpoints)s::uuid[], %(lanes)s::text[], %(places)s::bigint[]) AS l(endpoint_id, lane, place)
    JOIN webhooks_delivery d ON d.endpoint_id = l.endpoint_id AND d.lane = l.lane AND d.place > l.place
    WHERE d.lane <> '' AND d.status = 'pending' AND (d.due_at <= %(now)s OR d.id = ANY(%(claimed)s::uuid[]))
    FOR NO KEY UPDATE OF d SKIP LOCKED
)
"""

CALL = """
WITH firsts AS (
    SELECT f.id FROM unnest(%s::uuid[], %s::text[]) AS l(endpoint_id, lane)
    CROSS JOIN LATERAL (
        SELECT d.id, d.waits FROM webhooks_delivery d
        WHERE d.endpoint_id = l.endpoint_id AND d.lane = l.lane AND d.lane <> '' AND d.status IN ('pending', 'held')
        ORDER BY d.place LIMIT 1
    ) f WHERE f.waits
), mine AS (
    SELECT d.id FROM webhooks_delivery d JOIN firsts USING (id) WHERE d.waits ORDER BY d.id FOR NO KEY UPDATE OF d
)
UPDATE webhooks_delivery d SET waits = false, due_at = %s FROM mine WHERE d.id = mine.id
"""

MINE = """
WITH mine AS (
    SELECT id FROM webhooks_delivery WHERE endpoint_id = %(endpoint)s AND status IN ('pending', 'held') ORDER BY id
    FOR NO KEY UPDATE
)
"""

JOIN = f"""
UPDATE webhooks_delivery d SET lane = {LANE}, place = e.number FROM core_event e
WHERE d.id = ANY(%(ids)s::uuid[]) AND e.id = d.event_id AND e.number IS NOT NULL AND e.type <> 'webhook.test'
"""  # noqa: S608  (a constant)

LEAVE = f"""{MINE}
UPDATE webhooks_delivery d SET lane = '', place = NULL, waits = false, due_at = CASE WHEN waits THEN %(now)s ELSE due_at END
FROM mine WHERE d.id = mine.id AND (lane <> '' OR waits)
"""  # noqa: S608  (a constant)

CALL_ALL = f"""{MINE}
UPDATE webhooks_delivery d SET waits = false, due_at = %(now)s FROM mine WHERE d.id = mine.id AND waits
"""  # noqa: S608  (a constant)


class Taken(NamedTuple):
    """A delivery that a claim came upon; `waited` says that it had been waiting for its turn."""

    id: UUID
    endpoint_id: UUID
    event_id: UUID
    event_type: str
    partner_id: UUID
    step: int
    attempt_count: int
    lane: str
    waited: bool


def of(event: Event) -> str:
    """The lane of an event; all without a subject share one."""
    return f"{'' if event.partner_id else '*'}:{event.subject}"


def firsts(taken: Sequence[Taken]) -> list[Taken]:
    """Those of a claim that are first in their lane or in none; the others wait. In the claim's transaction."""
    lanes = list({(row.endpoint_id, row.lane) for row in taken if row.lane})
    if not lanes:
        return list(taken)
    with connection.cursor() as cursor:
        cursor.execute(FIRSTS, [[endpoint for endpoint, _lane in lanes], [lane for _endpoint, lane in lanes]])
        found = {(endpoint, lane): (pk, place) for endpoint, lane, pk, place in cursor.fetchall()}
        mine = {row.id for row in taken}
        cursor.execute(LOCK, [[pk for pk, _place in found.values() if pk not in mine]])
        held = mine | {pk for (pk,) in cursor.fetchall()}
    behind = [row for row in taken if row.lane and found[row.endpoint_id, row.lane][0] != row.id]
    if behind:
        still = {lane: place for lane, (pk, place) in found.items() if pk in held}
        _set_aside([row for row in behind if (row.endpoint_id, row.lane) in still], still)
        soon = [row.id for row in behind if (row.endpoint_id, row.lane) not in still]
        if soon:
            Delivery.objects.filter(pk__in=soon).update(due_at=clock.now() + MOMENT)
    waiting = {row.id for row in behind}
    return [row for row in taken if row.id not in waiting]


def go_on(lanes: Collection[tuple[UUID, str]]) -> None:
    """Call the next of lanes whose first has ended, in the transaction that ended it."""
    if not lanes:
        return
    with connection.cursor() as cursor:
        cursor.execute(CALL, [[endpoint for endpoint, _lane in lanes], [lane for _endpoint, lane in lanes], clock.now()])
        if cursor.rowcount:
            wake.on_commit("deliveries")


def call_all(endpoint: UUID) -> None:
    """Let everything that waits be looked at again: some of those before it have ended otherwise, or its pace has changed."""
    _run(CALL_ALL, endpoint)


def open(endpoint: UUID) -> None:
    """Put what is open into lanes: from now on the endpoint is told in order."""
    mine = Delivery.objects.filter(endpoint=endpoint, status__in=OPEN).order_by("id").select_for_update(no_key=True)
    join(list(mine.values_list("pk", flat=True)))


def close(endpoint: UUID) -> None:
    """Take what is open out of its lanes, and let it go."""
    _run(LEAVE, endpoint)


def join(deliveries: Collection[UUID]) -> None:
    """Put these, which the caller has locked, into their lanes at their places."""
    with connection.cursor() as cursor:
        cursor.execute(JOIN, {"ids": list(deliveries)})


def only_firsts(deliveries: DeliveryQuerySet) -> DeliveryQuerySet:
    """Without those that have an open one before them in their lane."""
    before = Delivery.objects.filter(
        endpoint=OuterRef("endpoint"), lane=OuterRef("lane"), place__lt=OuterRef("place"), status__in=OPEN
    )
    found: DeliveryQuerySet = deliveries.filter(Q(lane="") | ~Exists(before.exclude(lane="")))
    return found


def _set_aside(behind: Sequence[Taken], places: dict[tuple[UUID, str], int]) -> None:
    lanes = list({(row.endpoint_id, row.lane) for row in behind})
    if not lanes:
        return
    now = clock.now()
    facts: dict[str, Any] = {
        "until": now + NET,
        "now": now,
        "endpoints": [endpoint for endpoint, _lane in lanes],
        "lanes": [lane for _endpoint, lane in lanes],
        "places": [places[lane] for lane in lanes],
        "claimed": [row.id for row in behind],
    }
    with connection.cursor() as cursor:
        cursor.execute(SET_ASIDE, facts)


def _run(statement: str, endpoint: UUID) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"endpoint": endpoint, "now": clock.now()})
    wake.on_commit("deliveries")

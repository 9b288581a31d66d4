"""Between the rows and the courier: taking due deliveries under a lease, and writing down in bulk what came of them."""

import contextlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import structlog
from django.db import connection, transaction

from core import clock, crypto, faults, ids
from core.models import Event
from core.states import StaleState
from webhooks import circuits, deliveries, endpoints, health, lanes, pace, tallies
from webhooks.event_types import WEBHOOK_TEST
from webhooks.models import Delivery, Endpoint
from webhooks.schedule import wait_after

log = structlog.get_logger(__name__)

# Longer than an attempt can take; a worker that dies leaves its deliveries to others after it.
LEASE = timedelta(seconds=60)
# How many due rows are looked at for each one wanted, so that one endpoint's backlog doesn't hide the others.
WINDOW = 4
# How often a claim looks again if nothing that it came upon may go out yet.
LOOKS = 10
ENDED = (Delivery.Status.SUCCEEDED, Delivery.Status.FAILED)

CLAIM = """
WITH busy AS MATERIALIZED (
    SELECT b.endpoint_id, coalesce(e.concurrency, %(cap)s) - b.flying AS room
    FROM unnest(%(busy)s::uuid[], %(flying)s::int[]) AS b(endpoint_id, flying) JOIN webhooks_endpoint e ON e.id = b.endpoint_id
), due AS (
    SELECT id, endpoint_id, due_at, waits FROM webhooks_delivery
    WHERE status = 'pending' AND due_at <= %(now)s AND endpoint_id NOT IN (SELECT endpoint_id FROM busy WHERE room <= 0)
    ORDER BY due_at LIMIT %(window)s FOR UPDATE SKIP LOCKED
), placed AS (
    SELECT due.*, row_number() OVER (PARTITION BY endpoint_id ORDER BY due_at, id) AS place FROM due
), taken AS (
    SELECT placed.id, placed.waits FROM placed JOIN webhooks_endpoint e ON e.id = placed.endpoint_id
    LEFT JOIN busy ON busy.endpoint_id = placed.endpoint_id
    WHERE place <= coalesce(room, e.concurrency, %(cap)s) ORDER BY due_at LIMIT %(most)s
)
UPDATE webhooks_delivery d SET due_at = %(lease)s, waits = false FROM taken WHERE d.id = taken.id
RETURNING d.id, d.endpoint_id, d.event_id, d.event_type, d.partner_id, d.step, d.attempt_count, d.lane, taken.waits
"""

TARGETS = """
SELECT id, status, url, rate_per_second, headers, secret, CASE WHEN previous_secret_until > %s THEN previous_secret END
FROM webhooks_endpoint WHERE id = ANY(%s::uuid[])
"""

HAPPENED = """
SELECT e.id, e.type, e.created_at, p.data FROM core_event e
LEFT JOIN core_payload p ON p.id = e.id AND p.id = ANY(%(ids)s::uuid[]) WHERE e.id = ANY(%(ids)s::uuid[])
"""

# The outcomes come as one JSON text: that costs a fraction of a parameter for each value.
KEEP = """
INSERT INTO webhooks_attempt (id, created_at, delivery_id, number, url, succeeded, status_code, duration_ms, request_headers,
    response_headers, response_body, explanation)
SELECT attempt, %s, id, number, url, succeeded, status_code, duration_ms, request_headers, response_headers, response_body,
    explanation
FROM json_to_recordset(%s) AS v(attempt uuid, id uuid, number int, url text, succeeded bool, status_code int, duration_ms int,
    request_headers jsonb, response_headers jsonb, response_body text, explanation text)
"""

WRITE = """
WITH v AS (
    SELECT * FROM json_to_recordset(%s) AS v(id uuid, status text, step int, due_at timestamptz, lease timestamptz,
        status_code int, explanation text)
), mine AS (
    SELECT d.id FROM webhooks_delivery d JOIN v USING (id) ORDER BY d.id FOR UPDATE OF d
)
UPDATE webhooks_delivery d SET
    status = CASE WHEN d.status = 'pending' OR v.status = 'succeeded' THEN v.status ELSE d.status END,
    step = v.step, due_at = v.due_at, status_code = v.status_code, explanation = v.explanation,
    attempt_count = d.attempt_count + 1, last_attempt_at = %s,
    succeeded_at = CASE WHEN v.status = 'succeeded' THEN %s ELSE d.succeeded_at END
FROM v, mine
WHERE d.id = v.id AND mine.id = d.id AND d.status IN ('pending', 'held') AND (v.status = 'succeeded' OR d.due_at = v.lease)
RETURNING d.id, d.status, d.endpoint_id, d.lane
"""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that this worker attempts now, with all that it takes to do so. `body` is None once the payload is gone."""

    id: UUID
    endpoint_id: UUID
    url: str
    secrets: tuple[str, ...]
    headers: Mapping[str, str]
    message_id: str
    body: bytes | None
    step: int
    number: int
    lease: datetime
    probe: bool = False
    rate: int | None = None
    waited: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one attempt."""

    claimed: Claimed
    succeeded: bool
    explanation: str
    status_code: int | None = None
    seconds: float = 0.0
    request_headers: Mapping[str, str] = field(default_factory=dict)
    response_headers: Mapping[str, str] = field(default_factory=dict)
    response_body: str = ""
    retry_after: timedelta | None = None
    final: bool = False


@transaction.atomic
def claim(most: int, *, cap: int, in_flight: Mapping[UUID, int]) -> list[Claimed]:
    """Take up to `most` due deliveries for the length of a lease, the longest due first, at most as many an endpoint as it
    asks for (`cap`, unless it does) with those that are in flight already, each in its turn. Any number of workers may claim
    at once."""
    now = clock.now()
    lease = now + LEASE
    facts: dict[str, Any] = {"now": now, "lease": lease, "cap": cap, "most": most, "window": most * WINDOW}
    facts |= {"busy": _listed(in_flight), "flying": list(in_flight.values())}
    for _look in range(LOOKS):
        with connection.cursor() as cursor:
            cursor.execute(CLAIM, facts)
            taken = [lanes.Taken(*row) for row in cursor.fetchall()]
        if not taken:
            return []
        faults.point("claim.taken")
        if claimed := pace.within(_prepared(lanes.firsts(taken), lease)):
            return claimed
    return []


@transaction.atomic
def write(outcomes: list[Outcome]) -> None:
    """Write attempts down and move their deliveries on; give up, and switch endpoints off, where it has come to that."""
    now = clock.now()
    facts = msgspec.json.encode([_written(outcome, now) for outcome in outcomes]).decode()
    with connection.cursor() as cursor:
        cursor.execute(KEEP, [now, facts])
        faults.point("write.attempts")
        cursor.execute(WRITE, [facts, now, now])
        rows = cursor.fetchall()
    lanes.go_on({(endpoint, lane) for _pk, status, endpoint, lane in rows if lane and status in ENDED})
    health.note(outcomes)
    tallies.add(outcomes, now)
    faults.point("write.moved")
    _disable_gone({outcome.claimed.endpoint_id: outcome for outcome in outcomes if outcome.status_code == 410})
    deliveries.tell_of_failures([row[0] for row in rows if row[1] == Delivery.Status.FAILED])


def _disable_gone(gone: Mapping[UUID, Outcome]) -> None:
    """Switch off the endpoints that answered 410, unless they lead elsewhere by now; in the order in which all lock them."""
    for endpoint in Endpoint.objects.filter(pk__in=gone).order_by("pk"):
        if endpoint.url == gone[endpoint.pk].claimed.url:
            with contextlib.suppress(StaleState):
                endpoints.disable(endpoint=endpoint, reason=gone[endpoint.pk].explanation)


class Happened(NamedTuple):
    """Of an event, what goes out; `data` is a JSON text, or None once it is gone."""

    pk: UUID
    type: str
    created_at: datetime
    data: str | None = None


class Target(NamedTuple):
    """Of an endpoint, what an attempt takes; of its secrets and private keys those that sign now, the newest first."""

    status: str
    url: str
    rate: int | None
    headers: dict[str, str]
    secrets: tuple[str, ...]


def body_of(event: Event | Happened, data: Any, *, type: str, partner: UUID) -> bytes:
    """The body that is signed and sent. `type` is the delivery's: a test goes out as what it tries, and says that it is one;
    `partner_id` is the receiver's, also for what concerns every partner."""
    envelope = {
        "id": ids.encode(Event.id_prefix, event.pk),
        "type": type,
        "timestamp": event.created_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "partner_id": ids.encode("ptn", partner),
        **({"test": True} if event.type == WEBHOOK_TEST.name else {}),
        "data": data,
    }
    return _JSON.encode(envelope).encode()


_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def _prepared(rows: Sequence[lanes.Taken], lease: datetime) -> list[Claimed]:
    targets = _targets({row.endpoint_id for row in rows})
    happened = _happened({row.event_id for row in rows})
    barred, parked = circuits.barred(targets), []
    claimed, off = [], set()
    for pk, endpoint_id, event_id, type, partner_id, step, count, _lane, waited in rows:
        target, event = targets.get(endpoint_id), happened[event_id]
        if target is None:
            continue
        if target.status != Endpoint.Status.ACTIVE:
            off.add(endpoint_id)
            continue
        if barred.get(endpoint_id, pk) != pk:
            parked.append(pk)
            continue
        body = None if event.data is None else body_of(event, json.loads(event.data), type=type, partner=partner_id)
        facts = (target.url, target.secrets, target.headers, ids.encode(Event.id_prefix, event_id), body, step, count + 1, lease)
        claimed.append(Claimed(pk, endpoint_id, *facts, probe=endpoint_id in barred, rate=target.rate, waited=waited))
    if off:  # came in while the endpoint was being paused or removed
        deliveries.set_aside(off)
    if parked:
        circuits.park(barred, claimed=parked)
    return claimed


def _targets(wanted: set[UUID]) -> dict[UUID, Target]:
    """The endpoints, without those whose secret can't be read: their deliveries wait, lease by lease, for the missing key."""
    found = {}
    with connection.cursor() as cursor:
        cursor.execute(TARGETS, [clock.now(), _listed(wanted)])
        for pk, status, url, rate, headers, *secrets in cursor.fetchall():
            try:
                own = json.loads(crypto.remembered(bytes(headers))) if headers else {}
                found[pk] = Target(status, url, rate, own, tuple(crypto.remembered(bytes(each)) for each in secrets if each))
            except crypto.UnreadableSecret as error:
                log.error("endpoint_secret_unreadable", endpoint_id=ids.encode(Endpoint.id_prefix, pk), error=str(error))
    return found


def _happened(wanted: set[UUID]) -> dict[UUID, Happened]:
    with connection.cursor() as cursor:
        cursor.execute(HAPPENED, {"ids": _listed(wanted)})
        return {row[0]: Happened(*row) for row in cursor.fetchall()}


def _listed(pks: Iterable[UUID]) -> str:
    """As PostgreSQL writes an array."""
    return "{" + ",".join([pk.hex for pk in pks]) + "}"


def _written(outcome: Outcome, now: datetime) -> dict[str, Any]:
    """An attempt, and the delivery's new values, for KEEP and WRITE."""
    claimed = outcome.claimed
    wait = None if outcome.succeeded or outcome.final else wait_after(claimed.step, retry_after=outcome.retry_after)
    if outcome.succeeded:
        status = "succeeded"
    elif claimed.probe and not outcome.final:
        status, wait = "held", None  # it costs the delivery no step
    elif wait is not None or outcome.status_code == 410:
        status = "pending"  # after 410 it is held with the rest of its endpoint's
    else:
        status = "failed"
    return {
        "attempt": ids.new(),
        "id": claimed.id,
        "number": claimed.number,
        "url": claimed.url,
        "succeeded": outcome.succeeded,
        "status_code": outcome.status_code,
        "duration_ms": round(outcome.seconds * 1000),
        "request_headers": outcome.request_headers,
        "response_headers": outcome.response_headers,
        "response_body": outcome.response_body,
        "explanation": outcome.explanation[:500],
        "status": status,
        "step": claimed.step + 1 if wait is not None else claimed.step,
        "due_at": now + (wait or timedelta(0)),
        "lease": claimed.lease,
    }

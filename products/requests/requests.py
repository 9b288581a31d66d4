"""What happens to a request: submit, claim, report, complete, fail, retry; and what happens when nobody does.

Whoever works on one holds a lease. A result is written by compare-and-swap on that lease, so that a worker that was taken
for dead and comes back can't write a second one.
"""

import random
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import connection, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core import clock, events, wake
from core.actors import SYSTEM, Actor
from core.models import PartnerOwned
from core.problems import Conflict
from core.states import StaleState, swap, transition
from products.requests.event_types import REQUEST_COMPLETED, REQUEST_FAILED, REQUEST_SLA_BREACHED, REQUEST_SUBMITTED
from products.requests.models import Request, RequestType, Tally

Status = Request.Status
NOBODY = {"lease": None, "leased_until": None, "claimant": None, "claimed_by": ""}
USUAL_LEASE = timedelta(minutes=15)
BATCH = 100


class NotClaimed(Conflict):
    """A result from somebody who doesn't hold the request."""

    detail = gettext_lazy("This request is not in work at your credential, or its lease was lost. Claim it first.")


@transaction.atomic
def submit(*, partner: Any, environment: str, type: str, payload: Any, by: Actor) -> Request:
    """Take a request in; `partner` is a Partner or its UUID. It is due after the SLA of its type."""
    at = clock.now()
    request = Request(
        partner_id=getattr(partner, "pk", partner),
        environment=environment,
        type=type,
        payload=payload,
        created_at=at,
        next_attempt_at=at,
        due_at=at + RequestType.objects.policy(type).sla,
    )
    request.save(force_insert=True)
    events.emit(type=REQUEST_SUBMITTED, **_about(request), actor=by, data=_facts(request))
    wake.on_commit("requests")
    return request


@transaction.atomic
def claim(*, request: Request, by: Actor, lease: timedelta = USUAL_LEASE) -> Request:
    """Take a waiting request into work outside the platform. Raises StaleState if it isn't waiting (any more)."""
    waiting = {"status": Status.SUBMITTED, "attempts": request.attempts}  # not claimed and given back since it was read
    swap(request, where=waiting, **_in_work(request, lease, by.label), claimant=by.id)
    return request


@transaction.atomic
def claim_next(*, leases: dict[str, timedelta], worker: str) -> Request | None:
    """Take the longest-waiting due request of these types into work, passing over what others are claiming; or None."""
    due = Request.objects.due(clock.now()).filter(type__in=leases)
    request = due.select_for_update(skip_locked=True).order_by("next_attempt_at", "id").first()
    if request:
        swap(request, where={"status": Status.SUBMITTED}, **_in_work(request, leases[request.type], worker))
    return request


@transaction.atomic
def report(*, request: Request, progress: int, by: Actor, lease: UUID | None = None, extend: timedelta = USUAL_LEASE) -> None:
    """Say how far the work is (percent), which prolongs the lease. Raises NotClaimed, StaleState."""
    held = _held(request, by, lease)
    swap(request, where=held, progress=progress, leased_until=clock.now() + extend)


@transaction.atomic
def complete(*, request: Request, result: Any, by: Actor, lease: UUID | None = None) -> None:
    """Write the result and tell the partner. Raises NotClaimed, StaleState."""
    at = clock.now()
    swap(
        request,
        where=_held(request, by, lease),
        status=Status.COMPLETED,
        progress=100,
        result=result,
        error=None,
        finished_at=at,
        **NOBODY,
    )
    data = _facts(request) | {"completed_at": at.isoformat()}
    events.emit(type=REQUEST_COMPLETED, **_about(request), actor=by, data=data)
    _count(request, Tally.Outcome.COMPLETED)


@transaction.atomic
def fail(*, request: Request, error: Any, by: Actor, retry: bool = False, lease: UUID | None = None) -> None:
    """Say that the work did not succeed: with `retry` it waits for another attempt, if the type has any left.

    Raises NotClaimed, StaleState.
    """
    held = _held(request, by, lease)
    policy = RequestType.objects.policy(request.type)
    if retry and request.attempts < policy.max_attempts:
        pause = policy.pause(request.attempts) * random.uniform(0.8, 1.2)  # noqa: S311  (spreads retries, guards nothing)
        swap(request, where=held, status=Status.SUBMITTED, error=error, next_attempt_at=clock.now() + pause, **NOBODY)
        return
    swap(request, where=held, status=Status.FAILED, error=error, finished_at=clock.now(), **NOBODY)
    _announce_failure(request, by)


@transaction.atomic
def abandon(*, request: Request, error: Any, by: Actor) -> None:
    """End an unfinished request as failed, whoever works on it; what they send later is refused. Raises StaleState."""
    transition(request, Status.FAILED, error=error, finished_at=clock.now(), **NOBODY)
    _announce_failure(request, by)


@transaction.atomic
def retry(*, request: Request, by: Actor) -> None:
    """Give a failed request a fresh round of attempts and a new due time. Raises StaleState if it did not fail."""
    at = clock.now()
    swap(
        request,
        where={"status": Status.FAILED},
        status=Status.SUBMITTED,
        attempts=0,
        progress=0,
        error=None,
        finished_at=None,
        breached_at=None,
        next_attempt_at=at,
        due_at=at + RequestType.objects.policy(request.type).sla,
    )
    events.emit(type=REQUEST_SUBMITTED, **_about(request), actor=by, data=_facts(request))
    wake.on_commit("requests")


@transaction.atomic
def release_abandoned() -> int:
    """Put requests whose lease ran out back into the queue, or fail those without attempts left; returns how many."""
    rows = Request.objects.abandoned(clock.now()).select_for_update(skip_locked=True).order_by("leased_until")[:BATCH]
    released = sorted(rows, key=lambda request: request.type)  # in the order in which tallies are locked
    for request in released:
        if request.attempts < RequestType.objects.policy(request.type).max_attempts:
            transition(request, Status.SUBMITTED, next_attempt_at=clock.now(), **NOBODY)
        else:
            abandon(request=request, error=_("Whoever worked on it stopped answering, at every attempt."), by=SYSTEM)
    if released:
        wake.on_commit("requests")
    return len(released)


@transaction.atomic
def announce_breaches() -> int:
    """Mark requests that passed their due time and tell their partners, once each; returns how many."""
    at = clock.now()
    rows = Request.objects.newly_overdue(at).select_for_update(skip_locked=True).order_by("due_at")[:BATCH]
    overdue = list(rows)
    for request in overdue:
        swap(request, where={"breached_at": None}, breached_at=at)
        data = _facts(request) | {"breached_at": at.isoformat()}
        events.emit(type=REQUEST_SLA_BREACHED, **_about(request), data=data)
    for request in sorted(overdue, key=lambda request: request.type):
        _count(request, Tally.Outcome.BREACHED)
    return len(overdue)


def _in_work(request: Request, lease: timedelta, label: str) -> dict[str, Any]:
    return {
        "status": Status.PROCESSING,
        "attempts": request.attempts + 1,
        "lease": uuid4(),
        "leased_until": clock.now() + lease,
        "claimed_by": label,
    }


def _held(request: Request, by: Actor, lease: UUID | None) -> dict[str, Any]:
    """What must still be true of the row for the holder's word to count."""
    if lease is None and (by.id is None or request.claimant != by.id):
        raise NotClaimed()
    if request.status != Status.PROCESSING:
        raise StaleState()
    if lease is not None and request.lease != lease:
        raise NotClaimed()
    return {"status": Status.PROCESSING, "lease": request.lease}


def _announce_failure(request: Request, by: Actor) -> None:
    failed_at = request.finished_at.isoformat()  # type: ignore[union-attr]  # it has ended
    data = _facts(request) | {"failed_at": failed_at, "error": request.error}
    events.emit(type=REQUEST_FAILED, **_about(request), actor=by, data=data)
    _count(request, Tally.Outcome.FAILED)


def _about(request: PartnerOwned) -> dict[str, Any]:
    return {"partner": request.partner_id, "environment": request.environment, "subject": request}


def _facts(request: Request) -> dict[str, Any]:
    return {
        "request_id": request.public_id,
        "type": request.type,
        "status": str(request.status),
        "attempts": request.attempts,
        "due_at": request.due_at.isoformat(),
    }


def _count(request: Request, outcome: Tally.Outcome) -> None:
    """Last in its transaction: requests of one type that end at the same time wait for each other here."""
    seconds = (clock.now() - request.created_at).total_seconds()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO requests_tally (type, outcome, requests, seconds) VALUES (%s, %s, 1, %s)"
            " ON CONFLICT (type, outcome) DO UPDATE"
            " SET requests = requests_tally.requests + 1, seconds = requests_tally.seconds + excluded.seconds",
            [request.type, str(outcome), seconds],
        )

"""Sending again what an endpoint was sent: counted first, then worked off in batches that survive whoever works on them.

The row is the work. Each batch moves it on by its `position` in the transaction that queues the deliveries, so that a worker
that dies leaves nothing half done and nothing is queued twice; the loop `replays` goes on where it stands.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Case, F, Q, Value, When
from django.utils.translation import gettext_lazy as _

from core import clock, events, ids, wake
from core.actors import SYSTEM, Actor
from core.problems import Conflict, ValidationError
from core.states import StaleState, swap, transition
from webhooks import circuits, lanes, pace, patterns
from webhooks.deliveries import OPEN, EndpointNotActive
from webhooks.event_types import WEBHOOK_REPLAY_CANCELLED, WEBHOOK_REPLAY_FINISHED, WEBHOOK_REPLAY_STARTED
from webhooks.fan_out import WAKES
from webhooks.models import Delivery, DeliveryQuerySet, Endpoint, Replay

Status = Delivery.Status

LARGEST = 100_000
BATCH = 500
MOST_AN_HOUR = 60
"""Replays that a partner may start in each environment."""
# A delivery is made after its event, by a process whose clock may be behind the one that told of the event.
CLOCKS = timedelta(minutes=5)
LOOP = "replays"


class TooManyReplays(Conflict):
    detail = _("{most} replays an hour are the most. Wait a little, or choose more at once.")


class ReplayRunning(Conflict):
    detail = _("A replay to this endpoint is being queued. Wait for it, or cancel it.")


@dataclass(frozen=True, slots=True)
class Selection:
    """What to send again: events from `since` on and before `until`, of these types (patterns; none means all)."""

    since: datetime | None = None
    until: datetime | None = None
    event_types: Sequence[str] = ()
    only_failed: bool = False

    def of(self, endpoint: Endpoint) -> DeliveryQuerySet:
        """The deliveries that are meant: of failed ones those that were given up and those that wait to be tried again; of all,
        also those that arrived or were cancelled."""
        over = [Status.FAILED] if self.only_failed else [Status.FAILED, Status.SUCCEEDED, Status.CANCELLED]
        found: DeliveryQuerySet = Delivery.objects.filter(Q(status__in=over) | Q(status__in=OPEN, step__gt=0), endpoint=endpoint)
        if self.since:
            found = found.filter(event_id__gte=ids.earliest(self.since), pk__gte=ids.earliest(self.since - CLOCKS))
        if self.until:
            found = found.filter(event_id__lt=ids.earliest(self.until))
        return found.filter(patterns.as_filter(self.event_types)) if self.event_types else found

    def count(self, endpoint: Endpoint) -> int:
        """How many those are. Raises ValidationError for more than LARGEST, and for patterns that are none."""
        for place, pattern in enumerate(self.event_types):
            if not patterns.well_formed(pattern):
                detail = str(_("{pattern} is no name and no family of event types.")).format(pattern=pattern)
                raise ValidationError([{"pointer": f"/event_types/{place}", "code": "unknown_event_type", "detail": detail}])
        if self.since and self.until and self.since >= self.until:
            raise ValidationError({"until": [str(_("The end lies before the beginning."))]})
        count = self.of(endpoint).order_by()[: LARGEST + 1].count()
        if count > LARGEST:
            detail = str(_("More than {most} deliveries fit. Choose a shorter time or fewer types.")).format(most=f"{LARGEST:,}")
            raise ValidationError([{"pointer": "/since", "code": "too_many", "detail": detail}])
        return count


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a replay has come. `attempted` are those sent at least once; the others say how those stand now."""

    matched: int
    attempted: int
    succeeded: int
    retrying: int
    failed: int
    waiting: int

    @property
    def percent(self) -> int:
        return 100 * self.attempted // self.matched if self.matched else 100


@transaction.atomic
def start(*, endpoint: Endpoint, selection: Selection, by: Actor) -> Replay | None:
    """Begin to send those deliveries again; None where none fits. What fits into one batch is queued on return.

    Raises EndpointNotActive, ReplayRunning, TooManyReplays, ValidationError.
    """
    if endpoint.status != Endpoint.Status.ACTIVE:
        raise EndpointNotActive()
    since = ids.earliest(clock.now() - timedelta(hours=1))
    mine = Replay.objects.for_caller(endpoint.partner_id, endpoint.environment)
    if mine.filter(pk__gte=since).count() >= MOST_AN_HOUR:
        raise TooManyReplays(most=MOST_AN_HOUR)
    matched = selection.count(endpoint)
    if not matched:
        return None
    replay = _made(endpoint, selection, matched)
    _tell(WEBHOOK_REPLAY_STARTED, replay, by)
    _queue_batch(replay)
    wake.on_commit(LOOP)
    return replay


@transaction.atomic
def cancel(*, replay: Replay, by: Actor) -> None:
    """Queue nothing more, and take back what was not sent again yet: it counts as delivered if it ever was, else as failed.

    Raises StaleState for one that is over.
    """
    Replay.objects.select_for_update().get(pk=replay.pk)  # waits for the batch that is being queued
    transition(replay, Replay.Status.CANCELLED, finished_at=clock.now())
    locked = _waiting(replay, OPEN).order_by("id").select_for_update()
    before = Case(When(succeeded_at__isnull=False, then=Value(Status.SUCCEEDED)), default=Value(Status.FAILED))
    Delivery.objects.filter(pk__in=list(locked.values_list("pk", flat=True))).update(status=before)
    pace.begin_anew(replay.endpoint_id)
    _tell(WEBHOOK_REPLAY_CANCELLED, replay, by)


def progress(replay: Replay) -> Progress:
    """How far it has come, from the rows."""
    own = Delivery.objects.filter(replay=replay)
    counts = {status: own.filter(status=status).count() for status in Status}
    waiting = _waiting(replay, OPEN).count()
    total = replay.matched if replay.status == Replay.Status.QUEUEING else replay.queued
    return Progress(
        matched=total,
        attempted=max(0, replay.queued - waiting),
        succeeded=counts[Status.SUCCEEDED],
        retrying=counts[Status.PENDING] + counts[Status.HELD] - waiting,
        failed=counts[Status.FAILED],
        waiting=total - max(0, replay.queued - waiting),
    )


def step() -> int:
    """Queue a batch of each replay that has some left, and finish those whose deliveries were all attempted; for the loop.
    Returns how many batches were queued."""
    batches = 0
    for replay in Replay.objects.open().select_related("endpoint").defer("endpoint__secret", "endpoint__previous_secret"):
        off = replay.endpoint.status != Endpoint.Status.ACTIVE  # what is held meanwhile is sent with the rest once it is on
        if replay.status == Replay.Status.QUEUEING:
            batches += _queue_next(replay.pk)
        elif not _waiting(replay, [Status.PENDING] if off else OPEN).exists():
            _finish(replay)
    return batches


@transaction.atomic
def _queue_next(pk: UUID) -> int:
    """The next batch, unless somebody is at it."""
    replay = Replay.objects.select_for_update(skip_locked=True).filter(pk=pk, status=Replay.Status.QUEUEING).first()
    if replay is None:
        return 0
    _queue_batch(replay)
    return 1


def _queue_batch(replay: Replay) -> None:
    """Queue the next deliveries and write down how far that came. The replay's row is locked, or nobody else's to see yet."""
    endpoint = Endpoint.objects.select_for_update(no_key=True).only("pk", "status", "fifo").get(pk=replay.endpoint_id)
    if endpoint.status == Endpoint.Status.REMOVED:
        swap(replay, where={}, status=Replay.Status.CANCELLED, finished_at=clock.now())
        return
    chosen = Selection(replay.since, replay.until, replay.event_types, replay.only_failed).of(endpoint)
    chosen = chosen.filter(pk__lte=replay.last)
    if replay.position:
        chosen = chosen.filter(pk__gt=replay.position)
    batch = list(chosen.order_by("id").select_for_update().values_list("pk", flat=True)[:BATCH])
    status = Status.PENDING if endpoint.status == Endpoint.Status.ACTIVE else Status.HELD
    again = {"status": status, "step": 0, "due_at": clock.now(), "replay": replay}
    Delivery.objects.filter(pk__in=batch).update(**again, lane="", place=None, waits=False)
    if endpoint.fifo:
        lanes.join(batch)
    changes: dict[str, Any] = {"queued": F("queued") + len(batch)}
    if batch:
        changes["position"] = batch[-1]
    if len(batch) < BATCH:
        changes["status"] = Replay.Status.SENDING
    swap(replay, where={"status": Replay.Status.QUEUEING}, **changes)
    replay.refresh_from_db(fields=["queued"])
    circuits.try_now(endpoint.pk)
    wake.on_commit(WAKES)


@transaction.atomic
def _finish(replay: Replay) -> None:
    try:
        transition(replay, Replay.Status.FINISHED, finished_at=clock.now())
    except StaleState:  # somebody else saw it first, or it was cancelled
        return
    _tell(WEBHOOK_REPLAY_FINISHED, replay, SYSTEM)


def _waiting(replay: Replay, statuses: Sequence[str]) -> DeliveryQuerySet:
    """Those of these statuses that were not attempted since they were queued."""
    own: DeliveryQuerySet = Delivery.objects.filter(replay=replay, status__in=statuses)
    return own.filter(Q(last_attempt_at=None) | Q(last_attempt_at__lt=replay.created_at))


def _made(endpoint: Endpoint, selection: Selection, matched: int) -> Replay:
    facts: dict[str, Any] = {
        "since": selection.since,
        "until": selection.until,
        "event_types": list(selection.event_types),
        "only_failed": selection.only_failed,
    }
    newest = Delivery.objects.filter(endpoint=endpoint).order_by("-id").values_list("pk", flat=True)[0]
    try:
        with transaction.atomic():
            return Replay.objects.create(
                partner_id=endpoint.partner_id,
                environment=endpoint.environment,
                endpoint=endpoint,
                matched=matched,
                last=newest,
                **facts,
            )
    except IntegrityError as error:
        raise ReplayRunning() from error


def _tell(kind: events.EventType, replay: Replay, by: Actor) -> None:
    endpoint = replay.endpoint
    events.emit(
        type=kind,
        partner=replay.partner_id,
        environment=replay.environment,
        subject=endpoint,
        actor=by,
        data={
            "endpoint_id": endpoint.public_id,
            "url": endpoint.url,
            "replay_id": replay.public_id,
            "matched": replay.matched,
        },
    )

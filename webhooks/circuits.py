"""The circuit of each endpoint: after so many failures in a row nothing but probes is sent, until one succeeds.

While a circuit is open its deliveries are held, out of the sight of the claim, and keep their place in the schedule; a probe
that fails costs them no step. An endpoint that never failed has no row, and what succeeds writes none.
"""

import random
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Case, F, Q, When

from core import clock, wake
from webhooks import lanes
from webhooks.models import Delivery, Endpoint, Health
from webhooks.schedule import JITTER

# So many attempts in a row that fail open the circuit.
FAILURES = 10
# The wait before each probe, 20% more or less by chance; the last is repeated.
PROBES = (
    timedelta(seconds=10),
    timedelta(seconds=30),
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(minutes=30),
)
# A probe of which nothing is heard for so long has lost its worker; longer than a claim's lease.
PATIENCE = timedelta(minutes=2)
# How long an attempt may be on its way (a claim's lease): what is due within it may be in flight, and is no probe.
FLIGHT = timedelta(seconds=60)
# Who held a delivery while a circuit was being closed has committed after so long: it is released then.
SETTLED = timedelta(seconds=5)
NOTHING_TO_SEND = timedelta(minutes=1)
# An endpoint that fails for so long, and at least a day after that was announced, is disabled by its next failure.
DISABLED_AFTER = timedelta(days=5)
ANNOUNCED_BEFORE = timedelta(days=1)

# What the row of an endpoint says whose last attempt succeeded.
WELL = {
    "failures": 0,
    "failing_since": None,
    "last_error": "",
    "opened_at": None,
    "step": 0,
    "probe": None,
    "told_at": None,
    "announced_at": None,
}

# Locked rows are in flight or being decided by somebody who holds more locks: nobody waits crosswise for them.
MOVE = """
UPDATE webhooks_delivery SET status = %(to)s WHERE id IN (
    SELECT id FROM webhooks_delivery
    WHERE endpoint_id = %(endpoint)s AND status = %(since)s AND id IS DISTINCT FROM %(but)s FOR UPDATE SKIP LOCKED
)
"""


@dataclass(frozen=True, slots=True)
class Condition:
    """How an endpoint does: `circuit` is closed, open, or half_open while a probe is on its way."""

    circuit: str = "closed"
    failures_in_a_row: int = 0
    failing_since: datetime | None = None
    next_try_at: datetime | None = None
    disabled_from: datetime | None = None
    last_error: str = ""


def of(endpoint: Endpoint) -> Condition:
    """How this endpoint does; one that never failed is well."""
    health: Health | None = getattr(endpoint, "health", None)
    if health is None or health.failing_since is None:
        return Condition()
    opened = health.opened_at is not None and endpoint.status == Endpoint.Status.ACTIVE
    return Condition(
        circuit=("half_open" if health.probe else "open") if opened else "closed",
        failures_in_a_row=health.failures,
        failing_since=health.failing_since,
        next_try_at=health.look_at if opened and not health.probe else None,
        disabled_from=disabled_from(health) if endpoint.status == Endpoint.Status.ACTIVE else None,
        last_error=health.last_error,
    )


def disabled_from(health: Health) -> datetime | None:
    """From when on the next failure disables the endpoint; None while none has failed."""
    if health.failing_since is None:
        return None
    after_failing = health.failing_since + DISABLED_AFTER
    return max(after_failing, health.announced_at + ANNOUNCED_BEFORE) if health.announced_at else after_failing


def probe_wait(step: int) -> timedelta:
    """The wait before the probe after `step` failed ones."""
    wait = PROBES[min(step, len(PROBES) - 1)]
    return wait * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311  (spreads load, keeps no secret)


def barred(endpoints: Collection[UUID]) -> dict[UUID, UUID | None]:
    """Which of these endpoints have an open circuit, each with the one delivery that may go all the same."""
    return dict(Health.objects.opened().filter(endpoint__in=endpoints).values_list("endpoint", "probe"))


def park(endpoints: Collection[UUID], *, claimed: Collection[UUID]) -> None:
    """Hold what open circuits keep from being sent; `claimed` of them were due. For the claim, in its transaction."""
    Delivery.objects.filter(pk__in=claimed).update(due_at=clock.now())
    for health in Health.objects.opened().filter(endpoint__in=endpoints).order_by("endpoint").select_for_update(no_key=True):
        hold(health)


def open(health: Health) -> None:
    """Send nothing more but probes. The row is locked and saved by the caller."""
    health.opened_at, health.step, health.probe = clock.now(), 0, None
    health.look_at = clock.now() + probe_wait(0)
    hold(health)


def close(health: Health) -> None:
    """Send everything again. The row is locked and saved by the caller."""
    if health.opened_at is not None:
        health.look_at = clock.now() + SETTLED
        release(health.pk)
    for name, value in WELL.items():
        setattr(health, name, value)


@transaction.atomic
def reset(endpoint: Endpoint) -> None:
    """Begin anew with an endpoint that was enabled or leads elsewhere now."""
    was_open = Health.objects.filter(endpoint=endpoint).opened().update(**WELL, look_at=clock.now() + SETTLED)
    Health.objects.filter(endpoint=endpoint, failures__gt=0).update(**WELL)
    if was_open:
        release(endpoint.pk)


def try_now(endpoint: UUID, *, delivery: UUID | None = None) -> None:
    """Probe an open circuit now, with this delivery if one is named: somebody has just asked for it."""
    now = clock.now()
    found = Health.objects.opened().filter(endpoint=endpoint)
    if delivery is None:
        found.update(look_at=now)
    else:
        found.update(probe=delivery, look_at=now + PATIENCE)


def step() -> int:
    """The loop's step: let out the probes whose time has come; returns how many circuits were looked at."""
    with transaction.atomic():
        due = list(Health.objects.due().order_by("look_at").select_for_update(skip_locked=True)[:100])
        on = dict(Endpoint.objects.filter(pk__in=[health.pk for health in due]).values_list("pk", "status"))
        for health in due:
            _look(health, on[health.pk])
            health.save(update_fields=["look_at", "probe"])
    return len(due)


def _look(health: Health, status: str) -> None:
    if status != Endpoint.Status.ACTIVE:  # whoever enables it begins anew
        health.look_at = None
    elif health.opened_at is None:
        health.look_at = None
        release(health.pk)
    else:
        _let_out(health)


def _let_out(health: Health) -> None:
    """Make one delivery the probe. They take turns: one that its receiver chokes on must not stand for all."""
    now = clock.now()
    health.probe = None  # one of which nothing was heard waits again with the others
    hold(health)
    mine = Delivery.objects.filter(endpoint=health.pk, status=Delivery.Status.HELD)
    free = mine.filter(Q(due_at__lte=now) | Q(due_at__gt=now + FLIGHT))
    due_first = Case(When(due_at__lte=now, then=0), default=1)
    turns = lanes.only_firsts(free).order_by(due_first, F("last_attempt_at").asc(nulls_first=True), "id")
    chosen = turns.select_for_update(skip_locked=True).first()
    if chosen is None:
        health.look_at = now + (PROBES[0] if mine.exists() else NOTHING_TO_SEND)
        return
    Delivery.objects.filter(pk=chosen.pk).update(status=Delivery.Status.PENDING, due_at=now, waits=False)
    health.probe, health.look_at = chosen.pk, now + PATIENCE
    wake.on_commit("deliveries")


def hold(health: Health) -> None:
    """Hold what is pending but the probe."""
    _move(health.pk, Delivery.Status.PENDING, Delivery.Status.HELD, but=health.probe)


def release(endpoint: UUID) -> None:
    """Let go out what was held, each at its place in the schedule, if the endpoint is on."""
    if Endpoint.objects.filter(pk=endpoint, status=Endpoint.Status.ACTIVE).exists():
        _move(endpoint, Delivery.Status.HELD, Delivery.Status.PENDING)
        wake.on_commit("deliveries")


def _move(endpoint: UUID, since: str, to: str, *, but: UUID | None = None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(MOVE, {"endpoint": endpoint, "since": since, "to": to, "but": but})

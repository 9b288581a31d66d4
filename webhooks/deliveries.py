"""What can happen to deliveries apart from being attempted: held, released, resent, replayed, given up."""

from collections.abc import Collection
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Case, Count, F, Q, QuerySet, Value, When
from django.utils.translation import gettext_lazy as _

from core import clock, events, ids, wake
from core.actors import SYSTEM, Actor
from core.models import Event
from core.problems import Conflict
from core.states import swap
from webhooks import circuits, lanes, pace, patterns, tallies
from webhooks.event_types import WEBHOOK_DELIVERY_FAILED
from webhooks.fan_out import WAKES
from webhooks.models import Delivery, Endpoint

Status = Delivery.Status
OPEN = lanes.OPEN


class EndpointNotActive(Conflict):
    detail = _("The endpoint is not active. Enable it first.")


def open_one(*, endpoint: Endpoint, event: Event, event_type: str) -> Delivery:
    """A delivery of one event to one endpoint as an event of this type, due at once or held as the endpoint's status has it."""
    status = Endpoint.objects.select_for_update(no_key=True).values_list("status", flat=True).get(pk=endpoint.pk)
    delivery = Delivery.objects.create(
        partner_id=endpoint.partner_id,
        environment=endpoint.environment,
        endpoint=endpoint,
        event=event,
        event_type=event_type,
        status=Status.PENDING if status == Endpoint.Status.ACTIVE else Status.HELD,
    )
    circuits.try_now(endpoint.pk, delivery=delivery.pk)
    return delivery


@transaction.atomic
def retry(*, delivery: Delivery, by: Actor) -> None:
    """Send it again now, whatever came of it before, with the whole schedule ahead. Raises EndpointNotActive.

    One that is over goes out alone, whatever its lane does; one that is still open keeps its place there.
    """
    if delivery.endpoint.status != Endpoint.Status.ACTIVE:
        raise EndpointNotActive()
    swap(delivery, where={}, **_again())
    turn = lanes.only_firsts(Delivery.objects.filter(pk=delivery.pk)).exists()
    circuits.try_now(delivery.endpoint_id, delivery=delivery.pk if turn else None)
    wake.on_commit(WAKES)


@transaction.atomic
def replay_event(*, event: Event, endpoints: Collection[Endpoint], by: Actor) -> int:
    """Send one event to these endpoints again, or for the first time. Returns to how many."""
    active = [endpoint for endpoint in endpoints if endpoint.status == Endpoint.Status.ACTIVE]
    for endpoint in active:
        Delivery.objects.update_or_create(
            endpoint=endpoint,
            event=event,
            defaults=_again(),
            create_defaults={
                "partner_id": endpoint.partner_id,
                "environment": endpoint.environment,
                "event_type": event.type,
                "due_at": clock.now(),
            },
        )
        circuits.try_now(endpoint.pk)
    wake.on_commit(WAKES)
    return len(active)


def hold(endpoint: Endpoint) -> int:
    """Hold what is pending; returns how many."""
    return _locked(endpoint, [Status.PENDING]).update(status=Status.HELD)


def set_aside(endpoints: Collection[UUID]) -> None:
    """Hold what is pending, and cancel it for removed ones, where a retry or an event came in as the endpoint was switched off.

    For the claim, which has locks of its own: what others have locked is left to the next look, so that nobody waits crosswise.
    """
    locked = Endpoint.objects.filter(pk__in=endpoints).select_for_update(no_key=True, skip_locked=True)
    for endpoint, status in locked.values_list("pk", "status"):
        if status != Endpoint.Status.ACTIVE:
            free = Delivery.objects.filter(endpoint=endpoint, status=Status.PENDING).select_for_update(skip_locked=True)
            left = Status.CANCELLED if status == Endpoint.Status.REMOVED else Status.HELD
            Delivery.objects.filter(pk__in=list(free.values_list("pk", flat=True))).update(status=left)


def release(endpoint: Endpoint) -> int:
    """Let what was held go out, oldest first; returns how many."""
    count = _locked(endpoint, [Status.HELD]).update(status=Status.PENDING, step=0, due_at=clock.now(), waits=False)
    pace.forget_queue(endpoint.pk)
    wake.on_commit(WAKES)
    return count


def drop_held(endpoint: Endpoint) -> int:
    """Cancel what was held; returns how many."""
    count = _locked(endpoint, [Status.HELD]).update(status=Status.CANCELLED)
    pace.begin_anew(endpoint.pk)
    return count


def cancel_open(endpoint: Endpoint) -> int:
    """Cancel what was not sent yet; returns how many."""
    return _locked(endpoint, OPEN).update(status=Status.CANCELLED)


def tell_of_failures(given_up: Collection[UUID]) -> None:
    """Emit `webhook.delivery_failed` for deliveries that were given up, but not where the event was about webhooks itself, or
    a test of any type."""
    for delivery in Delivery.objects.filter(pk__in=given_up).select_related("endpoint", "event"):
        if any(name.startswith(patterns.ABOUT_WEBHOOKS) for name in (delivery.event_type, delivery.event.type)):
            continue
        events.emit(
            type=WEBHOOK_DELIVERY_FAILED,
            partner=delivery.partner_id,
            environment=delivery.environment,
            subject=delivery.endpoint,
            actor=SYSTEM,
            data={
                "endpoint_id": delivery.endpoint.public_id,
                "url": delivery.endpoint.url,
                "delivery_id": delivery.public_id,
                "event_id": ids.encode(Event.id_prefix, delivery.event_id),
                "reason": delivery.explanation,
            },
        )


def stats(endpoint: Endpoint, *, period: timedelta = timedelta(days=7)) -> dict[str, Any]:
    """How an endpoint has been doing: deliveries by status, attempts and their mean duration, over a period."""
    begin = ids.earliest(clock.now() - period)
    rows = Delivery.objects.filter(endpoint=endpoint, id__gte=begin)
    counts = dict(rows.values_list("status").annotate(count=Count("id")))
    tried = tallies.total(endpoint, period=period)
    finished = counts.get(Status.SUCCEEDED, 0) + counts.get(Status.FAILED, 0)
    return {
        "period_days": period.days,
        "deliveries": {str(status): counts.get(status, 0) for status in Status.values},
        "success_rate": round(counts.get(Status.SUCCEEDED, 0) / finished, 4) if finished else None,
        "attempts": tried["made"],
        "failed_attempts": tried["failed"],
        "mean_duration_ms": tried["mean"],
        "slowest_ms": tried["slowest"],
    }


def _again() -> dict[str, Any]:
    """What a delivery becomes that is asked for by hand."""
    keeps = Q(status__in=OPEN)
    return {
        "status": Status.PENDING,
        "step": 0,
        "due_at": clock.now(),
        "succeeded_at": None,
        "lane": Case(When(keeps, then=F("lane")), default=Value("")),
        "place": Case(When(keeps, then=F("place"))),
        "waits": False,
    }


def _locked(endpoint: Endpoint, statuses: list[Status]) -> QuerySet[Delivery]:
    """The endpoint's deliveries, locked in the order of their ids, as the courier's writer locks them."""
    mine = Delivery.objects.filter(endpoint=endpoint, status__in=statuses)
    list(mine.order_by("id").select_for_update().values_list("id", flat=True))
    return mine

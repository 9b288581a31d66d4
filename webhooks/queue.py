"""How deliveries get on as a whole, for operators: what waits, how old it is, how much is done, and who fails."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, F, Min, Q, QuerySet

from core import clock, ids
from webhooks.models import Attempt, Delivery, Endpoint, Health

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Depth:
    """How many deliveries are due, wait for a later attempt, and are held; since when the oldest is due."""

    due: int
    later: int
    held: int
    oldest_due_at: datetime | None

    @property
    def oldest_seconds(self) -> float:
        """For how long the oldest has been due; 0 if none is."""
        return max((clock.now() - self.oldest_due_at).total_seconds(), 0.0) if self.oldest_due_at else 0.0


def depth() -> Depth:
    """As it stands now."""
    now = clock.now()
    pending = Delivery.objects.order_by().filter(status=Delivery.Status.PENDING)
    found = pending.aggregate(
        due=Count("id", filter=Q(due_at__lte=now)), all=Count("id"), oldest=Min("due_at", filter=Q(due_at__lte=now))
    )
    held = Delivery.objects.filter(status=Delivery.Status.HELD).count()
    return Depth(found["due"], found["all"] - found["due"], held, found["oldest"])


def attempts(period: timedelta) -> dict[str, int]:
    """Attempts of the last minutes, by result."""
    recent = Attempt.objects.order_by().filter(id__gte=ids.earliest(clock.now() - period))
    found = dict(recent.values_list("succeeded").annotate(Count("id")))
    return {"succeeded": found.get(True, 0), "failed": found.get(False, 0)}


def failing() -> QuerySet[Health, Any]:
    """What fails now of active endpoints, the longest first; secrets stay where they are."""
    ill = Health.objects.filter(failing_since__isnull=False, endpoint__status=Endpoint.Status.ACTIVE)
    seen = ill.select_related("endpoint__partner").defer("endpoint__secret", "endpoint__previous_secret")
    return seen.order_by(F("opened_at").asc(nulls_last=True), "failing_since")

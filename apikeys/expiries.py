"""The end of a key, told before it comes and when it is there.

Each stage is a row (`Reminder`), written with its event under the key's lock: whatever runs twice or at once, and whoever dies
in between, a stage is told once.
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext_lazy as _

from apikeys import event_types as types
from apikeys.models import Key, Reminder
from core import clock, events, problems

STAGES = (14, 3, 1)
"""Days before the end."""
OVER = 0
LATE = timedelta(days=7)
"""For so long after its end a key is told of; what nobody could tell by then is no news."""
BATCH = 500


class EndsSooner(problems.ValidationError):
    """The grace of a rotated key is bounded by the tier, so its end doesn't move away."""

    def __init__(self) -> None:
        super().__init__({"expires_at": [str(_("This key was rotated: its end can only come sooner."))]})


def know(key: Key) -> None:
    """Whoever sets an end knows of the stages that are past already."""
    if key.expires_at is None:
        return
    left = key.expires_at - clock.now()
    past = [Reminder(key=key, expires_at=key.expires_at, days=days) for days in STAGES if left <= timedelta(days=days)]
    Reminder.objects.bulk_create(past, ignore_conflicts=True)


def remind_due() -> int:
    """Tell of every key whose end has come to another stage; returns of how many."""
    now = clock.now()
    ends = [*(now + timedelta(days=days) for days in STAGES), now, now - LATE]
    due = [
        (pk, days)
        for days, last, first in zip((*STAGES, OVER), ends[:-1], ends[1:], strict=True)
        for pk in _untold(days, after=first, until=last)
    ]
    return sum(_tell(pk, days) for pk, days in due)


def _untold(days: int, *, after: datetime, until: datetime) -> list[UUID]:
    told = Reminder.objects.filter(key=OuterRef("pk"), expires_at=OuterRef("expires_at"), days=days)
    ending = Key.objects.filter(status=Key.Status.ACTIVE, expires_at__gt=after, expires_at__lte=until)
    return list(ending.filter(~Exists(told), partner__deleted_at=None).values_list("pk", flat=True)[:BATCH])


@transaction.atomic
def _tell(pk: UUID, days: int) -> bool:
    key = Key.objects.select_for_update().get(pk=pk)
    end = key.expires_at
    if key.status != Key.Status.ACTIVE or end is None or end > clock.now() + timedelta(days=days):
        return False  # somebody changed it since
    _row, fresh = Reminder.objects.get_or_create(key=key, expires_at=end, days=days)
    if fresh:
        events.emit(
            type=types.KEY_EXPIRED if days == OVER else types.KEY_EXPIRING,
            partner=key.partner_id,
            environment=key.environment,
            subject=key,
            data={
                **types.facts(key),
                "expires_at": end.isoformat(),
                "days": days,
                "last_used_at": key.last_used_at.isoformat() if key.last_used_at else None,
                "successor": key.successor_public_id,
            },
        )
    return fresh

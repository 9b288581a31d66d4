"""How long usage keeps what: raw calls 90 days, bodies of failed test calls a week (their partitions are dropped), minutes two
days, hours for ever."""

from datetime import timedelta

from core import clock
from usage.models import MinuteRollup

CALLS_KEPT = timedelta(days=90)
BODIES_KEPT = timedelta(days=7)
MINUTES_KEPT = timedelta(days=2)


def forget_minutes() -> int:
    """Delete the minutes that are older; returns how many rows there were."""
    deleted, _ = MinuteRollup.objects.filter(at__lt=clock.now() - MINUTES_KEPT).delete()
    return deleted

"""How long usage keeps what: raw calls 90 days, minutes two days, hours for ever."""

from datetime import timedelta

from core import clock, partitions
from usage.models import Call, MinuteRollup

CALLS_KEPT = timedelta(days=90)
MINUTES_KEPT = timedelta(days=2)


def drop_old() -> list[str]:
    """Drop the partitions of calls and the minutes that are older; returns the names of the partitions."""
    MinuteRollup.objects.filter(at__lt=clock.now() - MINUTES_KEPT).delete()
    return partitions.drop_before(Call._meta.db_table, instant=clock.now() - CALLS_KEPT, span="day")

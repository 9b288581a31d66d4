"""The month's quota, told when half, most and all of it is used: each once a month, for live calls.

What is looked at is the count by which gateways refuse, so what is told and what happens can't differ. Asked are only the
partners whose calls came into usage in this hour or the last.
"""

from collections.abc import Iterator
from datetime import timedelta

import redis
from django.db import transaction

from core import clock, events
from core.models import Environment
from partners.models import Partner
from usage import limits, questions
from usage.event_types import QUOTA_REACHED
from usage.models import HourRollup, QuotaAlert
from usage.periods import Period

THRESHOLDS = (50, 80, 100)
"""Per cent."""


def step() -> int:
    """Tell every partner that crossed a threshold since it was last told. What a loop calls: it leaves nothing to do at once."""
    month = Period.this_month()
    told = dict(QuotaAlert.objects.filter(month=month.start.date()).values_list("partner", "percent"))
    try:
        for partner, used in _counted(month):
            if _reached(partner, used) > told.get(partner.pk, 0):
                tell(partner=partner, month=month, used=used)
    except redis.RedisError:  # nothing is refused while it is away
        pass
    return 0


@transaction.atomic
def tell(*, partner: Partner, month: Period, used: int) -> int:
    """Emit `usage.quota_reached` for each threshold that `used` live calls reach and that wasn't told this month; how many."""
    first = month.start.date()
    QuotaAlert.objects.bulk_create([QuotaAlert(partner=partner, month=first)], ignore_conflicts=True)
    alert = QuotaAlert.objects.select_for_update().get(partner=partner, month=first)
    crossed = [percent for percent in THRESHOLDS if alert.percent < percent <= _reached(partner, used)]
    if crossed:
        alert.percent, alert.told_at = crossed[-1], clock.now()
        alert.save(update_fields=["percent", "told_at"])
    for percent in crossed:
        data = {
            "percent": percent,
            "used": used,
            "limit": partner.tier.monthly_quota,
            "over_quota": str(partner.tier.over_quota),
            "resets_at": month.end.isoformat(),
        }
        events.emit(type=QUOTA_REACHED, partner=partner, subject=partner, data=data)
    return len(crossed)


def _reached(partner: Partner, used: int) -> int:
    limit = partner.tier.monthly_quota
    return max((percent for percent in THRESHOLDS if limit and used * 100 >= percent * limit), default=0)


def _counted(month: Period) -> Iterator[tuple[Partner, int]]:
    """Partners with a quota and live calls of late, and the calls of the month."""
    since = clock.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)
    active = HourRollup.objects.filter(at__gte=since, environment=Environment.LIVE, metered__gt=0).order_by()
    known = Partner.objects.present().filter(pk__in=active.values("partner_id"), tier__monthly_quota__gt=0)
    partners = list(known.select_related("tier"))
    for partner, used in zip(partners, limits.counted(partners, Environment.LIVE, month), strict=True):
        yield partner, questions.month_total(partner, Environment.LIVE, month.start) if used is None else used

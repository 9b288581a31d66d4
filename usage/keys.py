"""What single keys are used for."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from uuid import UUID

from django.db.models import Sum
from django.db.models.functions import Trunc

from apikeys.models import Key
from core.charts import Spark
from usage import questions
from usage.models import HourRollup
from usage.periods import Period

LATELY = 30
GLANCE = 14
"""Days, today included."""


@dataclass(frozen=True, slots=True)
class KeyUsage(questions.Summary):
    """A key's period in sum, by day, and its errors by kind."""

    key: Key
    days: list[questions.Point]
    failures: list[questions.Failure]


def usage_of(key: Key, period: Period) -> KeyUsage:
    """The period of one key."""
    asked = (key.partner_id, key.environment, period)
    return KeyUsage(
        **asdict(questions.summary(*asked, credential=key.pk)),
        key=key,
        days=questions.timeseries(*asked, "day", credential=key.pk),
        failures=questions.errors(*asked, credential=key.pk),
    )


def days_of(keys: Sequence[Key]) -> dict[UUID, Spark]:
    """Calls by day of the last GLANCE days, of each of these keys of one partner and environment that had any."""
    if not keys:
        return {}
    period = Period.days(GLANCE)
    rows = HourRollup.objects.for_caller(keys[0].partner_id, keys[0].environment).within(period)
    found: dict[UUID, list[int]] = {}
    counted = (
        rows.filter(credential_id__in=[key.pk for key in keys])
        .order_by()
        .annotate(day=Trunc("at", "day"))
        .values_list("credential_id", "day")
        .annotate(calls=Sum("requests"))
    )
    for credential, day, calls in counted:
        found.setdefault(credential, [0] * GLANCE)[(day - period.start) // timedelta(days=1)] = int(calls)
    return {credential: Spark(values) for credential, values in found.items()}

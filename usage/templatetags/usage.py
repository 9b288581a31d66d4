"""What pages of apps below show of usage: they know nothing of it but these tags."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django import template

from core.charts import Chart, Spark
from usage.charts import chart_of
from usage.keys import LATELY, KeyUsage, days_of, usage_of
from usage.periods import Period

register = template.Library()


@register.simple_tag
def sparks_of_keys(keys: Any) -> dict[UUID, Spark]:
    """The calls of the last two weeks by day, of each key of a list that had any."""
    return days_of(list(keys))


@register.simple_tag
def spark_of(sparks: Mapping[UUID, Spark], key: Any) -> Spark | None:
    """One of them."""
    return sparks.get(key.pk)


@register.simple_tag
def usage_of_key(key: Any) -> KeyUsage:
    """The last month of one key."""
    return usage_of(key, Period.days(LATELY))


@register.filter
def chart(used: KeyUsage) -> Chart | None:
    """Its days, drawn; None without calls."""
    return chart_of(used.days)

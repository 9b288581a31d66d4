"""Prices and periods in words."""

from typing import Any

from django import template
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from billing.models import Price
from billing.rating import Model
from core.money import unit
from usage.periods import Period

register = template.Library()


register.filter("unit", unit)


@register.filter
def price_in_words(price: Price) -> str:
    """`$0.01 each`, `$9.99 a month`, `from $0.01, 3 tiers`."""
    tariff = price.tariff
    first = tariff.bands[0]
    if tariff.model is Model.FLAT:
        return _("{amount} a month").format(amount=unit(first.flat_amount, price.currency))
    if tariff.model is Model.PER_UNIT:
        each = _("each") if price.unit_size == 1 else _("for {size}").format(size=f"{price.unit_size:,}")
        return f"{unit(first.unit_amount, price.currency)} {each}"
    lowest = min(band.unit_amount for band in tariff.bands)
    count = len(tariff.bands)
    return ngettext("from {amount}, {count} tier", "from {amount}, {count} tiers", count).format(
        amount=unit(lowest, price.currency), count=count
    )


@register.filter
def period_in_words(row: Any) -> str:
    """`November 2026`, or `1 Nov – 23 Nov, 01:19` (UTC) for a part of a month."""
    start, end = row.period_start, row.period_end
    if Period(start, end) == Period.month(start):
        return date_format(start, "F Y")
    return f"{date_format(start, 'j M')} – {date_format(end, 'j M, H:i')}"

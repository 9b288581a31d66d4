"""What may be asked of usage. Every number of a partner's pages, of the API and of invoices is answered here."""

from datetime import date
from typing import Any
from uuid import UUID

from usage.models import HourRollup
from usage.periods import Period


def month_total(partner: Any, environment: str, month: date) -> int:
    """Metered calls in the calendar month (UTC) of a date or instant: what quota counters are rebuilt from, and what is billed.

    `partner` is a Partner or its UUID. Calls of killed gateways that are known by number only are not in it.
    """
    return HourRollup.objects.for_caller(partner, environment).within(Period.month(month)).metered()


def month_by_integration(partner: Any, environment: str, month: date) -> dict[UUID | None, int]:
    """The same calls by the integration that served them; those to the operator's own API under None. Sums to `month_total`."""
    return HourRollup.objects.for_caller(partner, environment).within(Period.month(month)).metered_by_integration()

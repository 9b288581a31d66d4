"""What billing does by the clock. Each can be repeated: what is done stays done."""

from datetime import date, datetime, timedelta
from uuid import UUID

from celery import shared_task

from billing import closing, invoices, payouts
from core import clock
from core.actors import SYSTEM, Actor


@shared_task
def close_last_month() -> int:
    """Close the month that ended for every partner; returns how many invoices it has."""
    month = (clock.now().replace(day=1) - timedelta(days=1)).date().replace(day=1)
    return len(closing.close(month=month, by=SYSTEM).invoices)


@shared_task
def close_month(month: str, until: str, by: dict[str, str]) -> int:
    """Go on with a closing that takes longer than a request; `by` is who asked for it."""
    operator = Actor("operator", UUID(by["id"]), by["label"])
    closed = closing.close(month=date.fromisoformat(month), as_of=datetime.fromisoformat(until), by=operator)
    return len(closed.invoices)


@shared_task
def run_payouts() -> int:
    """Make this month's payouts; returns how many. They wait for an operator's approval."""
    return len(payouts.run(by=SYSTEM).payouts)


@shared_task
def mark_overdue_invoices() -> int:
    """Mark the invoices whose due date has passed; returns how many."""
    return invoices.mark_overdue()

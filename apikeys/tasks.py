"""What keys do by the clock."""

from celery import shared_task

from apikeys import expiries


@shared_task
def remind_of_ends() -> int:
    """Every five minutes: tell of keys that are about to expire, or have; returns of how many."""
    return expiries.remind_due()

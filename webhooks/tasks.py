"""What webhooks do by the clock. Each can be repeated."""

from celery import shared_task

from webhooks import inspectors, tallies


@shared_task
def forget_inspected() -> int:
    """Every hour: delete inspectors whose time is over, with what arrived there; returns how many."""
    return inspectors.forget_old()


@shared_task
def forget_tallies() -> int:
    """Every day: delete hours whose attempts are gone; returns how many."""
    return tallies.forget_old()

"""What is done by the clock."""

from celery import shared_task

from abuse import sightings


@shared_task
def forget_sightings() -> int:
    """Every day: forget networks that keys are no longer used from; returns how many."""
    return sightings.forget()

"""Daily housekeeping of usage."""

from celery import shared_task

from usage import ingest, retention


@shared_task(name="usage.keep_house")
def keep_house() -> None:
    """Make the next days' partitions, drop what has outlived its retention."""
    ingest.keep_partitions()
    retention.drop_old()

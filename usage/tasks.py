"""What usage does by the clock."""

from celery import shared_task

from usage import retention


@shared_task
def forget_minutes() -> None:
    """Every hour: delete the minute rollups whose time is over."""
    retention.forget_minutes()

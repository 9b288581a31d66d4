"""What partners do by the clock. Each can be repeated: what is done stays done."""

from celery import shared_task

from partners import digests, documents, impersonations, logos, sessions, tier_requests


@shared_task
def apply_tier_requests() -> int:
    """Let approved changes of tier take effect whose time has come; returns how many."""
    return tier_requests.apply_due()


@shared_task
def forget_sessions() -> None:
    """Every day: delete the sessions whose time is over, and what was known of them."""
    sessions.forget_ended()


@shared_task
def write_digests() -> None:
    """Every day: write the digests whose day or week is over."""
    digests.write_due()


@shared_task
def sweep_files() -> None:
    """Every day: delete pictures and documents that belong to no partner any more."""
    logos.sweep()
    documents.sweep()


@shared_task
def end_impersonations() -> None:
    """Every five minutes: write down the ends of those whose time is over. They held no longer anyway."""
    impersonations.end_those_run_out()

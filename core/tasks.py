"""What core does by the clock."""

import structlog
from celery import shared_task

from core import audit, idempotency, partitions, verifications

log = structlog.get_logger(__name__)


@shared_task
def export_audit_heads() -> None:
    """Every hour: append the heads that moved to the signed export file."""
    audit.export_heads()


@shared_task
def forget_answers() -> None:
    """Every hour: delete stored answers whose Idempotency-Key has run out."""
    idempotency.forget_old()


@shared_task
def maintain_partitions() -> None:
    """Every day: make partitions ahead, drop those whose time is over."""
    partitions.maintain()


@shared_task
def verify_audit() -> None:
    """Every night: verify every chain of events, and say so in the log if one is broken."""
    broken = verifications.verify_all()
    if broken:
        log.error("audit_broken", chains=broken)

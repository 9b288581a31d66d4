"""Runs over many partners: a transaction for each, progress in the log, and one that fails doesn't hold up the others."""

import time
from collections.abc import Callable, Sequence
from datetime import timedelta

import structlog
from django.db import InterfaceError, OperationalError

from partners.models import Partner

log = structlog.get_logger(__name__)


def each(owners: Sequence[Partner], work: Callable[[Partner], None], *, run: str, within: timedelta | None = None) -> int:
    """Do it for one partner after the other; returns how many had their turn before the time was up.

    Raises, at the end, an ExceptionGroup of what failed; at once, if the database is away.
    """
    began, done, failures = time.monotonic(), 0, []
    for owner in owners:
        if within is not None and time.monotonic() - began >= within.total_seconds():
            break
        try:
            work(owner)
        except (OperationalError, InterfaceError):
            raise
        except Exception as error:  # whatever is wrong with one partner's data, the others want their money
            log.exception("run_failed", run=run, partner=owner.public_id)
            failures.append(error)
        done += 1
        log.info("run_progress", run=run, partner=owner.public_id, done=done, of=len(owners))
    if failures:
        raise ExceptionGroup(f"{run}: {len(failures)} of {done} partners failed", failures)
    return done

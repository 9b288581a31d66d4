"""When a delivery is attempted, as data."""

import email.utils
import random
from datetime import UTC, datetime, timedelta

# The wait before each attempt: the first at once, the eighth 27 hours and a half after the event.
SCHEDULE = (
    timedelta(0),
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=10),
)
JITTER = 0.2
# A server that asks for more patience than this is not asked again sooner than after it.
LONGEST_RETRY_AFTER = timedelta(hours=10)


def wait_after(step: int, *, retry_after: timedelta | None = None) -> timedelta | None:
    """How long to wait after the attempt at `step` (0 is the first) has failed; None when it was the last.

    The schedule's wait, 20% more or less by chance, and at least what the server asked for, up to ten hours.
    """
    if step + 1 >= len(SCHEDULE):
        return None
    wait = SCHEDULE[step + 1] * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311  (spreads load, keeps no secret)
    return max(wait, min(retry_after, LONGEST_RETRY_AFTER)) if retry_after else wait


def read_retry_after(value: str | None, *, now: datetime) -> timedelta | None:
    """The wait that a Retry-After header asks for, in either of its forms (RFC 9110, 10.2.3); None if it asks for none."""
    if not value:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return timedelta(seconds=min(int(text[:9]), 10**6))
    try:
        at = email.utils.parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(at - now, timedelta(0)) or None

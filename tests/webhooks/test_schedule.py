"""The schedule of attempts as data: each wait's bounds, and what a Retry-After may do to it."""

from datetime import UTC, datetime, timedelta

import pytest

from webhooks.schedule import JITTER, LONGEST_RETRY_AFTER, SCHEDULE, read_retry_after, wait_after

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


def test_is_what_the_documents_say() -> None:
    assert SCHEDULE == (0 * SECOND, 5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 10 * HOUR)
    assert JITTER == 0.2


@pytest.mark.parametrize("step", range(len(SCHEDULE) - 1))
def test_each_wait_stays_within_its_jitter_and_varies(step: int) -> None:
    waits = [wait_after(step) or 0 * SECOND for _ in range(200)]
    assert SCHEDULE[step + 1] * 0.8 <= min(waits) < max(waits) <= SCHEDULE[step + 1] * 1.2
    assert max(waits) - min(waits) > SCHEDULE[step + 1] * 0.2


def test_nothing_follows_the_last() -> None:
    assert wait_after(len(SCHEDULE) - 1) is None
    assert wait_after(len(SCHEDULE) - 1, retry_after=MINUTE) is None


@pytest.mark.parametrize(
    ("asked", "least", "most"),
    [
        (MINUTE, MINUTE, MINUTE),
        (SECOND, 4 * SECOND, 6 * SECOND),  # it never shortens the wait
        (LONGEST_RETRY_AFTER, LONGEST_RETRY_AFTER, LONGEST_RETRY_AFTER),
        (timedelta(days=365), LONGEST_RETRY_AFTER, LONGEST_RETRY_AFTER),
    ],
)
def test_retry_after_prolongs_within_bounds(asked: timedelta, least: timedelta, most: timedelta) -> None:
    wait = wait_after(0, retry_after=asked)
    assert wait is not None
    assert least <= wait <= most


@pytest.mark.parametrize(
    ("value", "wait"),
    [
        ("120", 2 * MINUTE),
        (" 7 ", 7 * SECOND),
        ("9" * 5_000, timedelta(seconds=10**6)),
        ("Thu, 01 Jan 2026 12:00:30 GMT", 30 * SECOND),
        ("Thursday, 01-Jan-26 12:01:00 GMT", MINUTE),
        ("Thu, 01 Jan 2026 13:30:00 +0100", 30 * MINUTE),
        ("Fri, 31 Dec 9999 23:59:59 GMT", datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC) - NOON),
    ],
)
def test_retry_after_is_read(value: str, wait: timedelta) -> None:
    assert read_retry_after(value, now=NOON) == wait


@pytest.mark.parametrize(
    "value",
    [
        None, "", "0", "-5", "+5", "1.5", "1e3", "٣", "soon", "Thu, 01 Jan 2026 11:59:59 GMT", "Thu, 01 Jan 2026 12:00:00 GMT",
        "Thu, 32 Jan 2026 12:00:30 GMT", "Thu, 01 Jan 99999 12:00:00 GMT", "Thu, 01 Jan 2027 12:00:00 +999999",
    ],
)  # fmt: skip
def test_retry_after_that_asks_for_nothing_is_passed_over(value: str | None) -> None:
    assert not read_retry_after(value, now=NOON)
    assert wait_after(0, retry_after=read_retry_after(value, now=NOON)) is not None

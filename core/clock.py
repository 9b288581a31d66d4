"""The one clock. Everything that asks for the time asks here, so that a test can move it."""

from datetime import UTC, datetime, timedelta

_offset = timedelta()


def now() -> datetime:
    """The instant, aware, in UTC."""
    return datetime.now(UTC) + _offset


def offset() -> timedelta:
    """How far a test has moved this process's clock; zero otherwise."""
    return _offset


def tick(by: timedelta) -> None:
    """Move the clock of this process; for tests."""
    global _offset
    _offset += by


def reset() -> None:
    """Back to the machine's time; for tests."""
    global _offset
    _offset = timedelta()

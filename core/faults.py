"""Named points at which tests end a process or its database connection. Nothing is ever armed outside of tests."""

from collections.abc import Callable

from django.conf import settings

_armed: dict[str, Callable[[], None]] = {}


def point(name: str) -> None:
    """Here something may go wrong: what a test has armed for this point happens, once."""
    if _armed and (fault := _armed.pop(name, None)):
        fault()


def arm(name: str, fault: Callable[[], None]) -> None:
    """Let `fault` happen the next time this process passes the point. Raises RuntimeError outside of tests."""
    if settings.MODE != "test":
        raise RuntimeError("faults are for tests")
    _armed[name] = fault

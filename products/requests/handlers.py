"""Handlers: what does the work of a type of request. Types without one wait for the operator's back end.

A handler runs outside any transaction, under a lease that `work.report` prolongs. It may run again for the same request
after a crash, so its own effects must bear repetition; its result is written once.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.utils.functional import Promise


@dataclass(frozen=True, slots=True)
class Work:
    """What a handler is given: whose request, what it says, and a way to report progress (percent)."""

    request_id: UUID
    partner_id: UUID
    environment: str
    payload: Any
    report: Callable[[int], None]


class Refused(Exception):
    """The request can't be done and trying again won't help; the text is for the partner."""

    def __init__(self, reason: str | Promise) -> None:
        super().__init__(str(reason))


class NotYet(Exception):
    """It can't be done now; it is tried again with back-off as long as attempts are left."""

    def __init__(self, reason: str | Promise) -> None:
        super().__init__(str(reason))


May = Callable[[str], bool]
"""Whether whoever reads has a scope or permission."""


def everything(result: Any, may: May) -> Any:
    """The result as it is: nothing in it takes more than the right to see requests."""
    return result


@dataclass(frozen=True, slots=True)
class Handler:
    """The work of one type: `run` returns the result, a JSON value. `lease` is how long it may go on without a report.

    `shown` is what of a result somebody may see, where parts of it take further rights.
    """

    type: str
    run: Callable[[Work], Any]
    lease: timedelta = timedelta(seconds=20)
    shown: Callable[[Any, May], Any] = everything


HANDLERS: dict[str, Handler] = {}


def register(handler: Handler) -> None:
    """Make it known; from an app's `ready`."""
    HANDLERS[handler.type] = handler


def shown(type: str, result: Any, may: May) -> Any:
    """What of a result of this type somebody may see."""
    handler = HANDLERS.get(type)
    return handler.shown(result, may) if handler else result

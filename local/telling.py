"""How a story is told: step by step, each with its time, or with why it did not come out; and the facts that are left of it."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from local.visitor import Refused


class Failed(Exception):
    """A step of the story did not come out; the text says which, why, and what to do next."""


@dataclass
class Facts:
    """What was seen on the way; for whoever checks afterwards that nothing was lost or doubled."""

    partner_id: str = ""
    slug: str = ""
    key: str = ""
    requests: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    integration_id: str = ""
    invoice: dict[str, Any] = field(default_factory=dict)
    payout: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Step:
    """One thing that happens: its title, what does it, and what to look at if it does not come out."""

    title: str
    act: Callable[[], str]
    hint: str


def tell(steps: Iterable[Step], *, say: Callable[[str], None], before: Callable[[str], None]) -> None:
    """Take each step; `say` is called with each line, `before` with each step's title. Raises Failed."""
    story_began = time.monotonic()
    for number, step in enumerate(steps, 1):
        before(step.title)
        began = time.monotonic()
        try:
            told = step.act()
        except (Refused, TimeoutError, LookupError, ValueError, StopIteration) as error:
            why = f"{type(error).__name__}: {error}" if isinstance(error, LookupError) else str(error)
            raise Failed(f"Step {number}, “{step.title}”, failed.\n  Why:  {why}\n  Next: {step.hint}") from error
        say(f"{number:>2}. {time.monotonic() - began:5.1f} s  {step.title}: {told}")
    say(f"The story ended well after {time.monotonic() - story_began:.1f} s.")

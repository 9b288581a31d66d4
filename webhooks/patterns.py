"""Which event types an endpoint wants: names, `course.*` for a family, `*` for everything."""

import re
from collections.abc import Iterable

from django.db.models import Q

from core.events import TYPES

_PATTERN = re.compile(r"\*|[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*(\.\*)?\Z")
ABOUT_WEBHOOKS = "webhook."
LONGEST = 80


def well_formed(pattern: str) -> bool:
    """Whether it is a name, a family or `*`."""
    return len(pattern) <= LONGEST and _PATTERN.fullmatch(pattern) is not None


def matches(pattern: str, name: str) -> bool:
    """Whether an endpoint with this pattern is told of events of this type. `webhook.…` is matched by name only."""
    if pattern == name:
        return True
    if name.startswith(ABOUT_WEBHOOKS):
        return False
    return pattern == "*" or (pattern.endswith(".*") and name.startswith(pattern[:-1]))


def matching(name: str) -> list[str]:
    """The patterns of endpoints that are told of events of this type."""
    if name.startswith(ABOUT_WEBHOOKS):
        return [name]
    parts = name.split(".")
    return ["*", *(".".join(parts[:length]) + ".*" for length in range(1, len(parts))), name]


def as_filter(patterns: Iterable[str]) -> Q:
    """The same as a condition on rows with an `event_type`; none of them fits no patterns."""
    wanted = Q(pk__in=())
    for pattern in patterns:
        if pattern == "*":
            wanted |= ~Q(event_type__startswith=ABOUT_WEBHOOKS)
        elif pattern.endswith(".*"):
            wanted |= Q(event_type__startswith=pattern[:-1]) & ~Q(event_type__startswith=ABOUT_WEBHOOKS)
        else:
            wanted |= Q(event_type=pattern)
    return wanted


def is_internal(name: str) -> bool:
    """Whether events of this type stay in the audit log. Types that only the database knows are operators' own: public."""
    kind = TYPES.get(name)
    return kind is not None and kind.internal


def is_published(name: str) -> bool:
    """Whether operators publish this type: those of the catalogue that say so, and the ones they added."""
    kind = TYPES.get(name)
    return kind is None or kind.published

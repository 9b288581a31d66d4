"""The rules that an installation begins with. They are meant to be still: none suspects a program with an ordinary mistake."""

from typing import Any

from abuse.models import Rule

USUAL: tuple[dict[str, Any], ...] = (
    {
        "name": "Probing for scopes",
        "answers": ["insufficient_scope"],
        "threshold": 100,
        "least_share": 50,
        "least_places": 20,
        "action": Rule.Action.SUSPEND,
        "partner_after": 3,
    },
    {
        "name": "Scanning for what isn't there",
        "answers": ["404"],
        "threshold": 300,
        "least_share": 80,
        "least_places": 100,
        "action": Rule.Action.SUSPEND,
        "partner_after": 3,
    },
    {
        "name": "Going on after 429",
        "answers": ["429"],
        "threshold": 3_000,
        "least_share": 80,
        "action": Rule.Action.SUSPEND,
        "environment": Rule.Where.LIVE,
    },
    {"name": "Burst of errors", "answers": ["4xx"], "threshold": 1_000, "least_share": 90, "action": Rule.Action.NOTIFY},
    {
        "name": "Used from many networks",
        "measure": Rule.Measure.NETWORKS,
        "threshold": 50,
        "window_minutes": 60,
        "action": Rule.Action.NOTIFY,
    },
)


def seed() -> None:
    """Write the usual rules into a database that has none at all; anything else is the operator's."""
    if not Rule.objects.exists():
        Rule.objects.bulk_create([Rule(**rule) for rule in USUAL], ignore_conflicts=True)


def after_migrate(**facts: Any) -> None:
    """`seed`, as the receiver of `post_migrate`."""
    seed()

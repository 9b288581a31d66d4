"""What happened, as people read it: the sentence of an event's type, who did it, and to what."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from core.events import TYPES
from core.models import Event, Payload
from core.redaction import redacted
from portal import navigation

_ICONS = {
    "partner": "building-2",
    "member": "users",
    "invitation": "mail",
    "key": "key-round",
    "usage": "gauge",
    "application": "shield-check",
    "consent": "plug",
    "request": "send",
    "webhook": "webhook",
    "integration": "plug",
    "installation": "box",
    "invoice": "receipt",
    "earning": "wallet",
    "payout": "landmark",
    "payment": "credit-card",
    "onboarding": "rocket",
    "document": "file-text",
}
# Who did it, where nobody has a name.
_NOBODY = {"public": _("Somebody who wasn’t signed in"), "operator": _("An operator"), "system": _("Portico")}
# Where a partner looks at what an event is about, by the prefix of its id.
_PAGES = {
    "key": "apikeys:detail",
    "app": "oauth:detail",
    "con": "oauth:connection",
    "whk": "webhooks:detail",
    "req": "portal:request",
    "int": "marketplace:detail",
    "ins": "marketplace:installation",
    "inv": "billing:invoice",
    "pay": "billing:payout",
}
# What of its facts people know a thing by, best first.
_NAMES = ("name", "application", "number", "filename", "email", "url", "tier_name", "type")


@dataclass(frozen=True, slots=True)
class Happening:
    """One event. `about` names what it is about: by a name if its facts hold one (`named`), else by its id; `url` leads there."""

    at: datetime
    icon: str
    text: str
    who: str
    about: str
    named: bool
    url: str


def told(events: Iterable[Event], slug: str = "") -> list[Happening]:
    """The events in words; with the `slug` of a partner, linked to its pages."""
    found = list(events)
    facts = Payload.objects.in_bulk([event.pk for event in found])
    return [_told(event, redacted(facts[event.pk].data) if event.pk in facts else {}, slug) for event in found]


def _sentence(description: str) -> str:
    """What happened; what programs read of it in `data` comes after a semicolon."""
    return f"{description.replace('`', '').partition(';')[0].rstrip('.')}."


def _told(event: Event, facts: dict[str, Any], slug: str) -> Happening:
    kind = TYPES.get(event.type)
    view = _PAGES.get(event.subject.split("_")[0], "")
    name = next((str(facts[name]) for name in _NAMES if facts.get(name)), "")
    return Happening(
        at=event.created_at,
        icon=_ICONS.get(event.type.split(".")[0], "activity"),
        text=_sentence(str(kind.description)) if kind else event.type,
        who=event.actor_label or str(_NOBODY.get(event.actor_kind, event.actor_kind)),
        about=name or event.subject,
        named=bool(name),
        url=navigation.find(view, slug=slug, public_id=event.subject) if slug and view else "",
    )

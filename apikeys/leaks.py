"""The intake of what was found in the open: whoever posts a credential of ours stops it, at once.

Where it was found is kept for operators, the page for the owner too; neither ever holds the credential itself.
"""

from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction

from apikeys import keys, rates
from apikeys.models import Key, Leak
from apikeys.oauth import applications
from core import crypto
from core.actors import Actor
from core.problems import RateLimited
from core.redaction import MASK, redacted

MOST_KEPT = 20
"""Places that are kept of one key."""


@dataclass(frozen=True, slots=True)
class Report:
    """A credential that somebody found, and where."""

    text: str
    url: str = ""
    note: str = ""


@transaction.atomic
def report(*, text: str, url: str = "", note: str = "", source: str = "public", by: Actor) -> None:
    """A real key, operator's token, client secret, access or refresh token stops at once and its owner is told. Anything else is
    ignored, and the caller can't tell the difference."""
    text = text.strip()
    key = Key.objects.filter(digest=crypto.digest(text)).first()
    url = _clean(url, text)[: Leak.LONGEST_URL] if urlsplit(url).scheme in {"http", "https"} else ""
    if key is not None and key.leaks.count() < MOST_KEPT:
        note = _clean(note, text)[: Leak.LONGEST_NOTE]
        Leak.objects.create(key=key, url=url, note=note, source=source, reported_from=by.address, reported_by=by.label)
    keys.report_leak(text=text, found_at=url, by=by)
    applications.report_leak(text=text, by=by)


@transaction.atomic
def mark(*, key: Key, reason: str = "", by: Actor) -> None:
    """An operator knows that a key got out, without having its text. Raises StaleState for one that no longer works anyway."""
    keys.leak(key=key, by=by)
    source = Leak.Source.OPERATOR
    Leak.objects.create(key=key, note=reason, source=source, reported_from=by.address, reported_by=by.label)


def require_room(address: str | None) -> None:
    """Raises RateLimited for an address (an IPv6 /64) that reports too much."""
    if not rates.take_report(address):
        raise RateLimited(
            limit=settings.LEAK_REPORT_RATE, window=60, headers={"Retry-After": str(60 // settings.LEAK_REPORT_RATE + 1)}
        )


def _clean(words: str, text: str) -> str:
    """What a stranger wrote, without the credential in it."""
    return str(redacted(words.replace(text, MASK) if text else words))

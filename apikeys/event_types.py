"""What happens to keys. No event ever holds a credential."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from apikeys.models import Key
from core.events import EventType, register

TEXT = {"type": "string"}
PROPERTIES = {
    "id": TEXT,
    "name": TEXT,
    "environment": {"enum": ["live", "test"]},
    "hint": TEXT,
    "scopes": {"type": "array", "items": TEXT},
}
SCHEMA = {"type": "object", "required": list(PROPERTIES), "properties": PROPERTIES}
EXAMPLE = {
    "id": "key_01jd3x8q4vf2r9kq6m5t7w8y9z",
    "name": "Back end",
    "environment": "live",
    "hint": "pk_live_…x7Kq",
    "scopes": ["requests:read"],
}


def facts(key: Key) -> dict[str, Any]:
    """What an event says of a key."""
    return {
        "id": key.public_id,
        "name": key.name,
        "environment": str(key.environment),
        "hint": key.hint,
        "scopes": list(key.scopes),
    }


def _type(name: str, description: Any, schema: dict[str, Any] | None = None, **example: Any) -> EventType:
    properties = {**PROPERTIES, **(schema or {})}
    return EventType(name, description, {**SCHEMA, "properties": properties}, {**EXAMPLE, **example})


KEY_ISSUED = _type("key.issued", _("A key was created."))
KEY_UPDATED = _type(
    "key.updated",
    _("A key's name, scopes, addresses, limit or expiry changed; `changes` has the value before and after of each."),
    {"changes": {"type": "object"}},
    changes={"name": ["Back end", "Orders"]},
)
KEY_ROTATED = _type(
    "key.rotated",
    _("A key was rotated; `successor` takes its place, and it works on until `expires_at`."),
    {"successor": TEXT, "expires_at": TEXT},
    successor="key_01jd3x9f0e8ydt6h1m2n3p4q5r",
    expires_at="2026-01-31T12:00:00+00:00",
)
KEY_REVOKED = _type("key.revoked", _("A key was revoked for good."), {"reason": TEXT}, reason="")
KEY_DISABLED = _type("key.disabled", _("A key was switched off."))
KEY_ENABLED = _type("key.enabled", _("A key was switched on again."))
KEY_SUSPENDED = _type(
    "key.suspended",
    _("A key was suspended, because of how it was used; `reason` says what was seen, `incident` names it."),
    {"reason": TEXT, "incident": TEXT},
    reason="300 of 310 calls in 10 minutes asked for what isn't there (on 250 paths).",
    incident="inc_01jd3x8q4vf2r9kq6m5t7w8y9z",
)
KEY_RESUMED = _type("key.resumed", _("A suspended key works again."))
KEY_LEAKED = _type(
    "key.leaked",
    _("A key was reported as leaked, and stopped at once; `found_at` is where it was found, if that was said."),
    {"found_at": TEXT},
    found_at="https://github.com/acme/shop/blob/main/settings.py",
)
KEY_SECRET_ROTATED = _type("key.secret_rotated", _("A key has a new secret; the one before stopped at once."))
END: dict[str, Any] = {
    "expires_at": TEXT,
    "days": {"type": "integer"},
    "last_used_at": {"type": ["string", "null"]},
    "successor": {"type": ["string", "null"]},
}
ENDING: dict[str, Any] = {"expires_at": "2026-02-14T12:00:00+00:00", "last_used_at": None, "successor": None}
KEY_EXPIRING = _type(
    "key.expiring",
    _("A key expires in 14 days, 3 days or one day; `days` says which, `successor` is the key that takes its place, if any."),
    END,
    **ENDING,
    days=14,
)
KEY_EXPIRED = _type("key.expired", _("A key expired."), END, **ENDING, days=0)

register(KEY_ISSUED, KEY_UPDATED, KEY_ROTATED, KEY_REVOKED, KEY_DISABLED, KEY_ENABLED, KEY_LEAKED)
register(KEY_SUSPENDED, KEY_RESUMED, KEY_SECRET_ROTATED, KEY_EXPIRING, KEY_EXPIRED)

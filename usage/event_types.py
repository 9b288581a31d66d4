"""What happens to a partner's use of the API."""

from django.utils.translation import gettext_lazy as _

from core.events import EventType, register

INTEGER = {"type": "integer"}
PROPERTIES = {
    "percent": {"enum": [50, 80, 100]},
    "used": INTEGER,
    "limit": INTEGER,
    "over_quota": {"enum": ["stop", "charge"]},
    "resets_at": {"type": "string"},
}

QUOTA_REACHED = EventType(
    "usage.quota_reached",
    _("Half, most or all of the month's live calls are used; `over_quota` says what becomes of calls beyond all of them."),
    {"type": "object", "required": list(PROPERTIES), "properties": PROPERTIES},
    {"percent": 80, "used": 8_000, "limit": 10_000, "over_quota": "charge", "resets_at": "2026-02-01T00:00:00+00:00"},
)

register(QUOTA_REACHED)

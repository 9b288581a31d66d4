"""Event types of this product. Results aren't part of an event: they can be large, and `GET /requests/{id}` has them."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from core.events import EventType, register

_TEXT = {"type": "string"}
_TIME = {"type": "string", "format": "date-time"}
_PROPERTIES: dict[str, Any] = {
    "request_id": _TEXT,
    "type": _TEXT,
    "status": {"type": "string", "enum": ["SUBMITTED", "PROCESSING", "COMPLETED", "FAILED"]},
    "attempts": {"type": "integer", "minimum": 0},
    "due_at": _TIME,
}
_EXAMPLE = {
    "request_id": "req_01jd3qz6v8e9xtqk7n5m2c4b1a",
    "type": "ONBOARDING",
    "status": "SUBMITTED",
    "attempts": 0,
    "due_at": "2026-01-31T12:00:00+00:00",
}


def _schema(**more: Any) -> dict[str, Any]:
    return {"type": "object", "required": [*_PROPERTIES, *more], "properties": _PROPERTIES | more}


REQUEST_SUBMITTED = EventType("request.submitted", _("A request was handed in."), _schema(), _EXAMPLE)
REQUEST_COMPLETED = EventType(
    "request.completed",
    _("A request is done; its result can be fetched."),
    _schema(completed_at=_TIME),
    _EXAMPLE | {"status": "COMPLETED", "attempts": 1, "completed_at": "2026-01-30T12:00:02+00:00"},
)
REQUEST_FAILED = EventType(
    "request.failed",
    _("A request failed for good; `error` says why."),
    _schema(failed_at=_TIME, error={"type": ["string", "object"]}),
    _EXAMPLE
    | {"status": "FAILED", "attempts": 5, "failed_at": "2026-01-30T12:07:40+00:00", "error": "The CRM refused the address."},
)
REQUEST_SLA_BREACHED = EventType(
    "request.sla_breached",
    _("A request was not finished by the time it was due."),
    _schema(breached_at=_TIME),
    _EXAMPLE | {"status": "PROCESSING", "attempts": 1, "breached_at": "2026-01-31T12:00:01+00:00"},
)

register(REQUEST_SUBMITTED, REQUEST_COMPLETED, REQUEST_FAILED, REQUEST_SLA_BREACHED)

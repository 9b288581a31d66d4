"""The AsyncAPI 3 document of what webhooks tell: an operation for each family of event types, a message for each type."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.utils import translation

from core.events import EventType
from developers.event_types import body_of, families

HEADERS = {
    "type": "object",
    "required": ["webhook-id", "webhook-timestamp", "webhook-signature"],
    "properties": {
        "webhook-id": {"type": "string", "description": "The event's id, the same in each attempt."},
        "webhook-timestamp": {"type": "string", "description": "Seconds since 1970, of this attempt."},
        "webhook-signature": {"type": "string", "description": "Standard Webhooks signatures, separated by a blank."},
    },
}
TEXT = {"type": "string"}
ENVELOPE = {"id": TEXT, "type": TEXT, "timestamp": {"type": "string", "format": "date-time"}, "partner_id": TEXT}
TEST = {"type": "boolean", "description": "True for a test that somebody sent; else left out."}


def document() -> tuple[bytes, str]:
    """The document as JSON, and its entity tag."""
    with translation.override(settings.LANGUAGE_CODE):
        spelled = json.dumps(describe(), ensure_ascii=False).encode()
    return spelled, f'"{hashlib.sha256(spelled).hexdigest()[:32]}"'


def describe() -> dict[str, Any]:
    """The document."""
    found = families()
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Portico webhooks",
            "version": settings.VERSION,
            "description": "What is posted to webhook endpoints, signed by Standard Webhooks. Each message is one POST to the"
            " address that a partner gave; 2xx within 15 seconds accepts it.",
        },
        "defaultContentType": "application/json",
        "channels": {
            family.name: {
                "address": None,
                "title": f"{family.name}.*",
                "messages": {kind.name: {"$ref": f"#/components/messages/{kind.name}"} for kind in family.kinds},
            }
            for family in found
        },
        "operations": {
            family.name: {"action": "send", "channel": {"$ref": f"#/channels/{family.name}"}, "summary": f"Tell {family.name}.*"}
            for family in found
        },
        "components": {"messages": {kind.name: _message(kind) for family in found for kind in family.kinds}},
    }


def _message(kind: EventType) -> dict[str, Any]:
    place = f"#/components/messages/{kind.name}/payload/properties/data"
    named = {"type": {"type": "string", "const": kind.name}, "test": TEST}
    properties = {**ENVELOPE, **named, "data": _within(kind.schema, place)}
    return {
        "name": kind.name,
        "title": kind.name,
        "summary": str(kind.description),
        "contentType": "application/json",
        "headers": HEADERS,
        "payload": {"type": "object", "required": [*ENVELOPE, "data"], "properties": properties},
        "examples": [{"payload": body_of(kind)}],
        "externalDocs": {"url": f"{settings.BASE_URL}/developers/events/{kind.name}"},
        "x-version": kind.version,
        **({"x-retired": True} if kind.retired else {}),
    }


def _within(schema: Any, place: str) -> Any:
    """The schema with its inner references told from the root of the document."""
    if isinstance(schema, list):
        return [_within(each, place) for each in schema]
    if not isinstance(schema, Mapping):
        return schema
    told = {name: _within(value, place) for name, value in schema.items()}
    if isinstance(inner := schema.get("$ref"), str) and inner.startswith("#"):
        told["$ref"] = place + inner[1:]
    return told

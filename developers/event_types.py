"""Event types as a developer reads them: families, and a schema as rows of a table."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from django.utils.translation import gettext as _

from core.events import EventType
from webhooks import catalogue

DEEPEST = 6
_BOUNDS = (
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "pattern",
)


@dataclass(frozen=True, slots=True)
class Field:
    """A place in an event's data: its path, what it may hold, and what the schema says of it."""

    path: str
    kind: str
    required: bool
    words: str


@dataclass(frozen=True, slots=True)
class Family:
    """The types whose names begin alike."""

    name: str
    kinds: list[EventType]


def family_of(name: str) -> str:
    """What a type's name begins with."""
    return name.partition(".")[0]


def families(words: str = "", family: str = "") -> list[Family]:
    """The catalogue by family: the types whose name or description has all the words."""
    wanted = words.lower().split()
    found = [
        kind
        for kind in catalogue.entries()
        if (not family or family_of(kind.name) == family)
        and all(word in f"{kind.name} {kind.description}".lower() for word in wanted)
    ]
    return [Family(name, list(kinds)) for name, kinds in groupby(found, key=lambda kind: family_of(kind.name))]


def body_of(kind: EventType) -> dict[str, Any]:
    """An example of what is posted."""
    return {
        "id": "evt_01jd3x8k5te9fr2m4n6p8q0s1v",
        "type": kind.name,
        "timestamp": "2026-01-31T12:00:00Z",
        "partner_id": "ptn_01jd3x8q4vf2r9kq6m5t7w8y9z",
        "data": kind.example,
    }


def page(kind: EventType) -> dict[str, Any]:
    """What a type's page shows."""
    return {"kind": kind, "body": _pretty(body_of(kind)), "versions": [_version(each) for each in catalogue.versions(kind)]}


def _version(kind: EventType) -> dict[str, Any]:
    rows = list(fields(kind.schema))
    return {
        "kind": kind,
        "fields": rows,
        "noted": any(row.words for row in rows),
        "schema": _pretty(kind.schema),
        "example": _pretty(kind.example),
    }


def fields(schema: Any, path: str = "", depth: int = 0) -> Iterator[Field]:
    """The rows of a schema's table, each object followed by what is in it."""
    if not isinstance(schema, Mapping) or depth == DEEPEST:
        return
    required = schema.get("required", ())
    properties = schema.get("properties", {})
    for name, inner in properties.items():
        place = f"{path}.{name}" if path else name
        yield Field(place, _kind(inner), name in required, _words(inner))
        yield from fields(inner, place, depth + 1)
        if isinstance(inner, Mapping) and "items" in inner:
            yield from fields(inner["items"], f"{place}[]", depth + 1)


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _kind(schema: Any) -> str:
    if not isinstance(schema, Mapping):
        return _("anything")
    if "const" in schema:
        return str(schema["const"])
    if "enum" in schema:
        return " | ".join(str(value) for value in schema["enum"])
    kinds = schema.get("type", "")
    named = " | ".join(kinds) if isinstance(kinds, list) else str(kinds)
    if named == "array" and "items" in schema:
        return _("list of {kind}").format(kind=_kind(schema["items"]))
    if "format" in schema:
        return f"{named} ({schema['format']})"
    return named or _("anything")


def _words(schema: Any) -> str:
    if not isinstance(schema, Mapping):
        return ""
    bounds = [f"{name} {schema[name]}" for name in _BOUNDS if name in schema]
    return " · ".join(filter(None, [str(schema.get("description", "")), *bounds]))

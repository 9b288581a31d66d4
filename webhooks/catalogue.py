"""The catalogue of event types: what the code declares, and what operators added."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.utils.translation import gettext_lazy as _
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from referencing.exceptions import Unresolvable

from core import schemas
from core.events import TYPES, EventType, UnstorablePayload, normal
from core.problems import ValidationError
from webhooks import models


def entries() -> list[EventType]:
    """Every type that a webhook may be told of, by name."""
    added = [as_type(row) for row in models.EventType.objects.all()]
    declared = [kind for kind in TYPES.values() if not kind.internal]
    return sorted({kind.name: kind for kind in [*added, *declared]}.values(), key=lambda kind: kind.name)


def names() -> set[str]:
    """The names of `entries`."""
    return {kind.name for kind in TYPES.values() if not kind.internal} | set(
        models.EventType.objects.values_list("name", flat=True)
    )


def find(name: str) -> EventType | None:
    """The type of this name that a webhook may be told of, or None."""
    kind = TYPES.get(name)
    if kind is not None:
        return None if kind.internal else kind
    row = models.EventType.objects.filter(name=name).first()
    return as_type(row) if row else None


def sendable(name: str, *, pointer: str = "/type") -> EventType:
    """The same; raises ValidationError where there is none, of what stands at `pointer`."""
    kind = find(name)
    if kind is None:
        detail = str(_("{name} is not in the catalogue of event types.")).format(name=name)
        raise ValidationError([{"pointer": pointer, "code": "unknown_event_type", "detail": detail}])
    return kind


def as_type(row: models.EventType) -> EventType:
    """An operator's type in the catalogue's terms, as it is now."""
    retired = row.retired_at is not None
    return EventType(row.name, row.description, row.schema, row.example, published=True, version=row.version, retired=retired)


def at_version(kind: EventType, version: int) -> EventType:
    """The type as it was in this version. Raises ValidationError if it never was."""
    if version == kind.version:
        return kind
    row = models.EventTypeVersion.objects.filter(event_type__name=kind.name, version=version).first()
    if row is None:
        detail = str(_("{name} has no version {version}.")).format(name=kind.name, version=version)
        raise ValidationError([{"pointer": "/version", "code": "unknown_version", "detail": detail}])
    return replace(kind, schema=row.schema, example=row.example, version=version)


def versions(kind: EventType) -> list[EventType]:
    """All versions that there were, the newest first."""
    earlier = models.EventTypeVersion.objects.filter(event_type__name=kind.name, version__lt=kind.version)
    return [kind, *(replace(kind, schema=row.schema, example=row.example, version=row.version) for row in earlier)]


def require_valid(kind: EventType, data: Mapping[str, Any], *, pointer: str = "/data") -> None:
    """Raises ValidationError that names each place in `data` that doesn't fit the type's schema."""
    errors = [
        {"pointer": pointer + found.pointer, "code": f"schema_{found.keyword}", "detail": found.detail}
        for found in schemas.misfits(kind.schema, data)
    ]
    if errors:
        raise ValidationError(errors)


def require_storable(data: Mapping[str, Any]) -> None:
    """Raises ValidationError for what JSON in the database can't hold, as NUL."""
    try:
        normal(data)
    except UnstorablePayload as error:
        raise ValidationError([{"pointer": "/data", "code": "not_storable", "detail": str(error)}]) from error


def require_schema(schema: Any, example: Any) -> None:
    """Raises ValidationError unless `schema` is a JSON Schema of objects, complete in itself, that the example fits."""
    if not isinstance(schema, dict):
        raise ValidationError({"schema": [str(_("A JSON Schema is an object."))]})
    try:
        Draft202012Validator.check_schema(schema)
        require_valid(EventType("example", "", schema), example, pointer="/example")
    except SchemaError as error:
        raise ValidationError({"schema": [error.message[:300]]}) from error
    except (Unresolvable, RecursionError) as error:
        detail = _("References must lead to places within the schema itself, and not back to where they stand.")
        raise ValidationError({"schema": [str(detail)]}) from error

"""Event types of the operator's own: added, changed, retired. What was published keeps the version it was published under."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Count
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from core import clock, events
from core.actors import Actor
from core.problems import Conflict, ValidationError
from core.states import swap
from webhooks import catalogue, compatibility, models, patterns
from webhooks.event_types import EVENT_TYPE_CHANGED, EVENT_TYPE_CREATED, EVENT_TYPE_RESTORED, EVENT_TYPE_RETIRED

ANY: dict[str, Any] = {"type": "object"}
NAMED = 20


class EventTypeExists(Conflict):
    detail = _("An event type named {name} exists already.")


class EventTypeRetired(Conflict):
    detail = _("{name} is retired. Restore it first.")


class StillSubscribed(Conflict):
    detail = _("{name} is wanted by {who}. Send confirm: true to retire it all the same.")


@dataclass(frozen=True, slots=True)
class Subscribers:
    """How many endpoints would be told of a type, and whose they are: the first NAMED partners with their endpoints' number."""

    endpoints: int
    partners: int
    named: list[tuple[str, int]]

    def __str__(self) -> str:
        if not self.endpoints:
            return str(_("nobody"))
        told = ngettext("{count} endpoint", "{count} endpoints", self.endpoints).format(count=self.endpoints)
        names = ", ".join(f"{name} ({count})" for name, count in self.named)
        return f"{told}: {names}{', …' if self.partners > len(self.named) else ''}"


def subscribers(name: str) -> Subscribers:
    """Whose endpoints, in both environments, want this type, by its name or by a wildcard."""
    wanting = models.Endpoint.objects.present().filter(event_types__overlap=patterns.matching(name))
    counted = wanting.values_list("partner__name").annotate(count=Count("pk")).order_by("-count", "partner__name")
    found = [(str(partner), int(count)) for partner, count in counted]
    return Subscribers(sum(count for _name, count in found), len(found), found[:NAMED])


def check(*, name: str, description: str = "", schema: Any = None, example: Any = None) -> None:
    """Raises EventTypeExists for a name of the platform's own; ValidationError for a bad name, schema or example."""
    if name in events.TYPES:
        raise EventTypeExists(name=name)
    if name.startswith(patterns.ABOUT_WEBHOOKS):
        raise ValidationError({"name": [str(_("Names that begin with webhook. are the platform's."))]})
    catalogue.require_schema(schema or ANY, example or {})


@transaction.atomic
def create(
    *, name: str, description: str, by: Actor, schema: dict[str, Any] | None = None, example: dict[str, Any] | None = None
) -> models.EventType:
    """Add a type to the catalogue. Raises EventTypeExists; ValidationError for a bad name, schema or example."""
    check(name=name, schema=schema, example=example)
    row = models.EventType(name=name, description=description, schema=schema or ANY, example=example or {})
    row.clean_fields()
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as error:
        raise EventTypeExists(name=name) from error
    events.emit(type=EVENT_TYPE_CREATED, subject=row, actor=by, data={"name": name, "description": description})
    return row


def check_change(row: models.EventType, *, schema: Mapping[str, Any], example: Mapping[str, Any], new_version: bool) -> None:
    """Raises EventTypeRetired; ValidationError for a bad schema or example, or one that may surprise receivers."""
    if row.retired_at:
        raise EventTypeRetired(name=row.name)
    catalogue.require_schema(schema, example)
    if not new_version and (broken := compatibility.breaks(row.schema, schema)):
        detail = str(
            _("Receivers of version {version} may be surprised here. Send new_version: true to make it another version.")
        )
        detail = detail.format(version=row.version)
        raise ValidationError([{"pointer": f"/schema{at}", "code": "incompatible", "detail": detail} for at in broken])


@transaction.atomic
def change(
    *,
    event_type: models.EventType,
    by: Actor,
    description: str | None = None,
    schema: dict[str, Any] | None = None,
    example: dict[str, Any] | None = None,
    new_version: bool = False,
) -> models.EventType:
    """Change what is given. A schema that receivers may be surprised by needs a `new_version`: it gets the next number, and the
    one before stays as it was. Raises as `check_change` does."""
    row = models.EventType.objects.select_for_update().get(pk=event_type.pk)
    row.description = row.description if description is None else description
    wanted, shown = row.schema if schema is None else schema or ANY, row.example if example is None else example
    check_change(row, schema=wanted, example=shown, new_version=new_version)
    if new_version:
        row.versions.create(version=row.version, schema=row.schema, example=row.example)
    row.schema, row.example, row.version = wanted, shown, row.version + new_version
    row.clean_fields()
    row.save(update_fields=["description", "schema", "example", "version"])
    data = {"name": row.name, "description": row.description, "version": row.version, "schema": row.schema}
    events.emit(type=EVENT_TYPE_CHANGED, subject=row, actor=by, data=data)
    return row


@transaction.atomic
def retire(*, event_type: models.EventType, by: Actor, confirm: bool = False) -> None:
    """Take a type out of use: it can't be published any more, and stays in the catalogue as retired.

    Raises StillSubscribed if endpoints want it and that isn't confirmed, StaleState if it is retired.
    """
    told = subscribers(event_type.name)
    if told.endpoints and not confirm:
        raise StillSubscribed(name=event_type.name, who=str(told))
    swap(event_type, where={"retired_at": None}, retired_at=clock.now())
    data = {"name": event_type.name, "endpoints": told.endpoints, "partners": told.partners}
    events.emit(type=EVENT_TYPE_RETIRED, subject=event_type, actor=by, data=data)


@transaction.atomic
def restore(*, event_type: models.EventType, by: Actor) -> None:
    """Take a retired type back into use. Raises StaleState if it is in use."""
    swap(event_type, where={"retired_at__isnull": False}, retired_at=None)
    events.emit(type=EVENT_TYPE_RESTORED, subject=event_type, actor=by, data={"name": event_type.name})

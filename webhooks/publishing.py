"""Events of the operator's own systems: published to one partner's subscribers or to everybody's, and their types."""

import json
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from core import events
from core.actors import Actor
from core.models import Environment, Event
from core.problems import Conflict, ValidationError
from webhooks import catalogue, models, patterns
from webhooks.event_types import EVENT_TYPE_CREATED

LARGEST = 256 * 1024
ANY: dict[str, Any] = {"type": "object"}


class EventTypeExists(Conflict):
    detail = _("An event type named {name} exists already.")


@transaction.atomic
def publish(*, type: str, data: dict[str, Any], by: Actor, partner: Any = None, environment: str = Environment.LIVE) -> Event:
    """Write the event down; subscribers are told as of any other. Without a partner it goes to every partner's subscribers.

    Raises ValidationError for a type that operators don't publish and for data that doesn't fit its schema.
    """
    kind = catalogue.sendable(type)
    if not kind.published:
        detail = str(_("{name} is a fact of the platform's own; only the platform says it.")).format(name=type)
        raise ValidationError([{"pointer": "/type", "code": "not_publishable", "detail": detail}])
    if len(json.dumps(data)) > LARGEST:
        detail = str(_("The data may have {most} bytes at most.")).format(most=LARGEST)
        raise ValidationError([{"pointer": "/data", "code": "too_large", "detail": detail}])
    catalogue.require_valid(kind, data)
    return events.emit(type=kind, partner=partner, environment=environment, actor=by, data=data)


def check_type(*, name: str, description: str = "", schema: Any = None, example: Any = None) -> None:
    """Raises EventTypeExists for a name of the platform's own; ValidationError for a bad name, schema or example."""
    if name in events.TYPES and not models.EventType.objects.filter(name=name).exists():
        raise EventTypeExists(name=name)
    if name.startswith(patterns.ABOUT_WEBHOOKS):
        raise ValidationError({"name": [str(_("Names that begin with webhook. are the platform's."))]})
    catalogue.require_schema(schema or ANY, example or {})


@transaction.atomic
def create_type(
    *, name: str, description: str, by: Actor, schema: dict[str, Any] | None = None, example: dict[str, Any] | None = None
) -> models.EventType:
    """Add a type to the catalogue. Raises EventTypeExists; ValidationError for a bad name, schema or example."""
    check_type(name=name, schema=schema, example=example)
    row = models.EventType(name=name, description=description, schema=schema or ANY, example=example or {})
    row.clean_fields()
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as error:
        raise EventTypeExists(name=name) from error
    events.emit(type=EVENT_TYPE_CREATED, subject=row, actor=by, data={"name": name, "description": description})
    return row

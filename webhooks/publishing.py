"""Events of the operator's own systems: published to one partner's subscribers or to everybody's."""

import json
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from core import events
from core.actors import Actor
from core.events import EventType
from core.models import Environment, Event
from core.problems import ValidationError
from webhooks import catalogue, fan_out

LARGEST = 256 * 1024


def checked(*, type: str, data: dict[str, Any], version: int | None = None) -> EventType:
    """The type of what can be published so. Raises ValidationError that names what can't."""
    kind = catalogue.sendable(type)
    if not kind.published:
        detail = str(_("{name} is a fact of the platform's own; only the platform says it.")).format(name=type)
        raise ValidationError([{"pointer": "/type", "code": "not_publishable", "detail": detail}])
    if kind.retired:
        detail = str(_("{name} is retired.")).format(name=type)
        raise ValidationError([{"pointer": "/type", "code": "retired_event_type", "detail": detail}])
    if version is not None:
        kind = catalogue.at_version(kind, version)
    if len(json.dumps(data)) > LARGEST:
        detail = str(_("The data may have {most} bytes at most.")).format(most=LARGEST)
        raise ValidationError([{"pointer": "/data", "code": "too_large", "detail": detail}])
    catalogue.require_valid(kind, data)
    return kind


@transaction.atomic
def publish(
    *,
    type: str,
    data: dict[str, Any],
    by: Actor,
    partner: Any = None,
    environment: str = Environment.LIVE,
    version: int | None = None,
    subject: str = "",
) -> Event:
    """Write the event down; subscribers are told as of any other. Without a partner it goes to every partner's subscribers.

    `version` is that of the type's schema which the data is written by: the newest, unless given. `subject` names what it is
    about, for receivers that are told in order (`webhooks.lanes`). Raises ValidationError for a type that operators don't
    publish and for data that doesn't fit its schema.
    """
    kind = checked(type=type, data=data, version=version)
    return events.emit(type=kind, partner=partner, environment=environment, subject=subject, actor=by, data=data)


def told(*, type: str, data: dict[str, Any], partner: Any = None, environment: str = Environment.LIVE, subject: str = "") -> int:
    """How many endpoints would be told of such an event now, those among them whose deliveries are held."""
    event = Event(type=type, partner_id=getattr(partner, "pk", partner), environment=environment, subject=subject)
    return fan_out.count(event, data)

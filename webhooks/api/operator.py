"""Events and event types by API, for the operator's back end."""

import json
from typing import Any

from django.apps import apps
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from core import idempotency
from core.api.pagination import WholeListing
from core.api.views import ApiView, Created
from core.events import canonical, normal
from core.models import Event
from core.problems import NotFound, ValidationError
from webhooks import catalogue, models, own_types, publishing
from webhooks.api.serializers import (
    ChangeEventTypeSerializer,
    CreateEventTypeSerializer,
    EventTypeSerializer,
    OperatorEventTypeSerializer,
    PublishedSerializer,
    PublishSerializer,
    RetireEventTypeSerializer,
)

EVENT = {
    "type": "course.completed",
    "partner_id": "ptn_01jd3qz6v8e9xtqk7n5m2c4b1a",
    "data": {"course_id": "c_77", "user_id": "u_1024", "completed_at": "2026-01-31T12:00:00Z"},
}


class OperatorEventsView(ApiView):
    """Facts of the operator's own systems."""

    audience = "operator"
    scopes = {"write": "events:write"}

    @extend_schema(
        operation_id="publishEvent",
        summary="Publish an event",
        request=PublishSerializer,
        responses={202: PublishedSerializer},
        examples=[OpenApiExample("To one partner", EVENT, request_only=True)],
    )
    def post(self, request: Request) -> Any:
        """Tell one partner's subscribers, or every partner's. The same `idempotency_key` publishes once within 24 hours."""
        body = self.read(PublishSerializer)
        key = body.pop("idempotency_key", None)
        if not key:
            return Response(self._publish(body), status=202)

        def work() -> idempotency.Answer:
            answer = json.dumps(self._publish(body)).encode()
            return idempotency.Answer(202, {"Content-Type": "application/json"}, answer, answer)

        mark = idempotency.fingerprint("POST", request.path, canonical(normal(body)))
        answer = idempotency.once(caller=f"{self.caller.name}:events", key=key, request=mark, work=work)
        return HttpResponse(answer.body, status=answer.status, headers=answer.told)

    def _publish(self, body: dict[str, Any]) -> dict[str, str]:
        named = body.pop("partner_id", None)
        partner = None
        if named:
            partner = apps.get_model("partners", "Partner").objects.present().public(named).first()
            if partner is None:
                raise ValidationError({"partner_id": ["There is no such partner."]})
        event: Event = publishing.publish(partner=partner, by=self.actor, **body)
        return {"id": event.public_id, "type": event.type}


class OperatorEventTypesView(ApiView):
    """The catalogue of event types, to read and to add to."""

    audience = "operator"
    scopes = {"read": "events:write", "write": "events:write"}
    pagination_class = WholeListing

    @extend_schema(operation_id="operatorListEventTypes", summary="List event types", responses=EventTypeSerializer(many=True))
    def get(self, request: Request) -> Response:
        """Every type of the catalogue, by name."""
        return Response({"data": EventTypeSerializer(catalogue.entries(), many=True).data, "next_cursor": None})

    @extend_schema(
        operation_id="createEventType",
        summary="Add an event type",
        request=CreateEventTypeSerializer,
        responses={201: EventTypeSerializer},
    )
    def post(self, request: Request) -> Response:
        """Add a type, with the JSON Schema that its data must fit."""
        row = own_types.create(by=self.actor, **self.read(CreateEventTypeSerializer))
        return Created(EventTypeSerializer(catalogue.as_type(row)).data)


class OneEventTypeView(ApiView):
    """One type of the catalogue; the operator's own can be changed."""

    audience = "operator"
    scopes = {"read": "events:write", "write": "events:write"}

    def own(self, name: str) -> models.EventType:
        """The operator's type of this name. Raises NotFound."""
        row = models.EventType.objects.filter(name=name).first()
        if row is None:
            raise NotFound()
        return row

    def shown(self, row: models.EventType) -> Response:
        """The type as it is now."""
        return Response(OperatorEventTypeSerializer(catalogue.as_type(row)).data)


class OperatorEventTypeView(OneEventTypeView):
    """A type, to read and to change."""

    @extend_schema(operation_id="operatorGetEventType", summary="Get an event type", responses=OperatorEventTypeSerializer)
    def get(self, request: Request, name: str) -> Response:
        """Its versions, and how many endpoints want it."""
        kind = catalogue.find(name)
        if kind is None:
            raise NotFound()
        return Response(OperatorEventTypeSerializer(kind).data)

    @extend_schema(
        operation_id="changeEventType",
        summary="Change an event type",
        request=ChangeEventTypeSerializer,
        responses=OperatorEventTypeSerializer,
        examples=[OpenApiExample("Another version", {"schema": {"type": "object"}, "new_version": True}, request_only=True)],
    )
    def patch(self, request: Request, name: str) -> Response:
        """Change an own type. A schema that receivers may be surprised by is refused, naming the places, unless `new_version`."""
        return self.shown(own_types.change(event_type=self.own(name), by=self.actor, **self.read(ChangeEventTypeSerializer)))


class RetireEventTypeView(OneEventTypeView):
    """Take an own type out of use."""

    @extend_schema(
        operation_id="retireEventType",
        summary="Retire an event type",
        request=RetireEventTypeSerializer,
        responses=OperatorEventTypeSerializer,
        examples=[OpenApiExample("Although endpoints want it", {"confirm": True}, request_only=True)],
    )
    def post(self, request: Request, name: str) -> Response:
        """It can't be published any more. While endpoints want it that is a 409 that says whose, unless `confirm`."""
        row = self.own(name)
        own_types.retire(event_type=row, by=self.actor, **self.read(RetireEventTypeSerializer))
        return self.shown(row)


class RestoreEventTypeView(OneEventTypeView):
    """Take a retired type back into use."""

    @extend_schema(
        operation_id="restoreEventType", summary="Restore an event type", request=None, responses=OperatorEventTypeSerializer
    )
    def post(self, request: Request, name: str) -> Response:
        """It can be published again, in the version it had."""
        row = self.own(name)
        own_types.restore(event_type=row, by=self.actor)
        return self.shown(row)

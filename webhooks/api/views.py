"""Webhooks by API, for partners: endpoints, their deliveries, the events and the catalogue of their types."""

from datetime import timedelta
from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response

from core import listing, problems
from core.api.pagination import CursorListing, WholeListing
from core.api.views import ApiView, Created, ListMixin, PartnerViewSet, RetrieveMixin
from core.models import Event, Payload
from webhooks import catalogue, deliveries, endpoints, fan_out, log, replays
from webhooks.api.filters import EndpointFilter, EventFilter
from webhooks.api.serializers import (
    CreatedEndpointSerializer,
    CreateEndpointSerializer,
    DeliveryDetailSerializer,
    DeliverySerializer,
    EnableSerializer,
    EndpointSerializer,
    EventSerializer,
    EventTypeDetailSerializer,
    EventTypeSerializer,
    MatchedSerializer,
    ReplayedSerializer,
    ReplayEventSerializer,
    ReplaySerializer,
    ReplayStateSerializer,
    RotateSecretSerializer,
    SecretSerializer,
    SendTestSerializer,
    SentTestSerializer,
    StatsSerializer,
)
from webhooks.filters import DeliveryFilter, LogFilter
from webhooks.models import Delivery, Endpoint, Replay
from webhooks.replays import Selection

SCOPES = {"read": "webhooks:read", "write": "webhooks:write"}
NEW = {"url": "https://example.com/hooks", "event_types": ["course.*", "payment.processed"], "description": "Production"}
OPTIONS = {
    "filter": {"data.currency": ["USD", "EUR"], "data.amount": [{"numeric": [">", 100]}]},
    "headers": {"authorization": "Bearer of-your-choice"},
}
MADE = NEW | {
    "id": "whk_01jd3x8k5te9fr2m4n6p8q0s1v",
    "environment": "live",
    "status": "active",
    "status_reason": "",
    "signature": "hmac",
    "public_key": "",
    "previous_public_key": "",
    "health": {
        "circuit": "closed",
        "failures_in_a_row": 0,
        "failing_since": None,
        "next_try_at": None,
        "disabled_from": None,
        "last_error": "",
    },
    "filter": {"data.currency": ["USD", "EUR"]},
    "headers": {"authorization": "•••"},
    "previous_secret_until": None,
    "created_at": "2026-01-31T12:00:00Z",
}
CREATE = OpenApiExample("Courses and payments", NEW, request_only=True)
PICKY = OpenApiExample("Large payments, with a header", NEW | OPTIONS, request_only=True)
CREATED = OpenApiExample("Created", MADE | {"secret": "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"}, response_only=True)
KEY = {"signature": "ed25519", "public_key": "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", "secret": None}
CREATED_KEY = OpenApiExample("Created, signed by a private key", MADE | KEY, response_only=True)
EXISTING = OpenApiExample("An endpoint", MADE, response_only=True)


@extend_schema_view(
    list=extend_schema(operation_id="listWebhooks", summary="List webhook endpoints"),
    retrieve=extend_schema(operation_id="getWebhook", summary="Get a webhook endpoint", examples=[EXISTING]),
)
class EndpointViewSet(PartnerViewSet, ListMixin, RetrieveMixin):
    """The calling partner's webhook endpoints in the calling key's environment."""

    queryset = Endpoint.objects.select_related("health")
    serializer_class = EndpointSerializer
    filterset_class = EndpointFilter
    scopes = SCOPES

    def get_queryset(self) -> Any:
        return super().get_queryset().present()

    @extend_schema(
        operation_id="createWebhook",
        summary="Add a webhook endpoint",
        request=CreateEndpointSerializer,
        responses={201: CreatedEndpointSerializer},
        examples=[CREATE, PICKY, CREATED, CREATED_KEY],
    )
    def create(self, request: Request) -> Response:
        """Add an endpoint. The signing secret is in this answer only; with `signature: ed25519` there's a public key instead."""
        body = self.read(CreateEndpointSerializer)
        made = endpoints.create(partner=self.partner, environment=self.caller.environment, by=self.actor, **body)
        return Created({**EndpointSerializer(made.endpoint).data, "secret": made.secret}, secret=("secret",))

    @extend_schema(operation_id="updateWebhook", summary="Change a webhook endpoint", request=EndpointSerializer)
    def partial_update(self, request: Request, public_id: str) -> Response:
        """Change address, event types, description or options."""
        endpoint = self.get_object()
        endpoints.update(endpoint=endpoint, by=self.actor, **self.read(EndpointSerializer, partial=True))
        return self._as_it_stands(endpoint)

    @extend_schema(operation_id="deleteWebhook", summary="Remove a webhook endpoint", responses={204: None})
    def destroy(self, request: Request, public_id: str) -> Response:
        """Take the endpoint away; what was not sent yet is cancelled."""
        endpoints.remove(endpoint=self.get_object(), by=self.actor)
        return Response(status=204)

    @extend_schema(operation_id="pauseWebhook", summary="Pause a webhook endpoint", request=None)
    def pause(self, request: Request, public_id: str) -> Response:
        """Hold what happens from now on."""
        endpoint = self.get_object()
        endpoints.pause(endpoint=endpoint, by=self.actor)
        return self._as_it_stands(endpoint)

    @extend_schema(operation_id="enableWebhook", summary="Enable a webhook endpoint", request=EnableSerializer)
    def enable(self, request: Request, public_id: str) -> Response:
        """Go on sending to a paused or disabled endpoint; what was held goes out first, unless `send_held` is false."""
        endpoint = self.get_object()
        endpoints.enable(endpoint=endpoint, by=self.actor, **self.read(EnableSerializer))
        return self._as_it_stands(endpoint)

    @extend_schema(
        operation_id="rotateWebhookSecret",
        summary="Rotate a signing secret",
        request=RotateSecretSerializer,
        responses=SecretSerializer,
    )
    def rotate_secret(self, request: Request, public_id: str) -> Response:
        """A new secret, in this answer only, or a new private key; deliveries carry both signatures for the time of the overlap.
        `signature` changes from the one kind to the other."""
        endpoint, body = self.get_object(), self.read(RotateSecretSerializer)
        overlap = timedelta(seconds=body.pop("overlap_seconds"))
        secret = endpoints.rotate_secret(endpoint=endpoint, by=self.actor, overlap=overlap, **body)
        answer = {**EndpointSerializer(endpoint).data, "secret": secret}
        return Created(SecretSerializer(answer).data, secret=("secret",), status=200)

    @extend_schema(operation_id="endWebhookOverlap", summary="End a rotation's overlap", request=None)
    def end_overlap(self, request: Request, public_id: str) -> Response:
        """Stop sending the signature of before, sooner than `overlap_seconds` had it. 409 if none is being sent."""
        endpoint = self.get_object()
        endpoints.end_overlap(endpoint=endpoint, by=self.actor)
        return self._as_it_stands(endpoint)

    @extend_schema(
        operation_id="testWebhook", summary="Send a test event", request=SendTestSerializer, responses={202: SentTestSerializer}
    )
    def test(self, request: Request, public_id: str) -> Response:
        """Send this endpoint, and no other, an event of any type; by default `webhook.test`."""
        delivery = endpoints.send_test(endpoint=self.get_object(), by=self.actor, **self.read(SendTestSerializer))
        described = DeliverySerializer(delivery).data
        return Response({"event_id": described["event_id"], "delivery_id": described["id"]}, status=202)

    @extend_schema(
        operation_id="replayWebhook",
        summary="Send events again",
        request=ReplaySerializer,
        responses={202: ReplayedSerializer},
        examples=[
            OpenApiExample("What failed", {"since": "2026-01-31T00:00:00Z", "only_failed": True}, request_only=True),
            OpenApiExample("On its way", {"matched": 250, "replay_id": "rpl_01jd3x8k5te9fr2m4n6p8q0s1v"}, response_only=True),
        ],
    )
    def replay(self, request: Request, public_id: str) -> Response:
        """Send the endpoint again what it was sent, under the same ids; `dry_run` only counts. `only_failed` means what was given
        up and what waits to be tried again. `GET /replays/{replay_id}` tells how far it has come."""
        endpoint, body = self.get_object(), self.read(ReplaySerializer)
        counts_only = body.pop("dry_run")
        selection = Selection(**body)
        if counts_only:
            return Response({"matched": selection.count(endpoint)}, status=202)
        replay = replays.start(endpoint=endpoint, selection=selection, by=self.actor)
        answer = {"matched": replay.matched, "replay_id": replay.public_id} if replay else {"matched": 0}
        return Response(answer, status=202)

    @extend_schema(operation_id="getWebhookStats", summary="Get an endpoint's statistics", responses=StatsSerializer)
    def stats(self, request: Request, public_id: str) -> Response:
        """How the endpoint has been doing over the last seven days."""
        return Response(StatsSerializer(deliveries.stats(self.get_object())).data)

    def _as_it_stands(self, endpoint: Endpoint) -> Response:
        endpoint.refresh_from_db()
        return Response(EndpointSerializer(endpoint).data)


class EndpointReplaysView(PartnerViewSet):
    """Replays to one endpoint of the calling partner."""

    queryset = Replay.objects.all()
    serializer_class = ReplayStateSerializer
    scopes = SCOPES

    @extend_schema(
        operation_id="listWebhookReplays", summary="List an endpoint's replays", responses=ReplayStateSerializer(many=True)
    )
    def list(self, request: Request, public_id: str) -> Response:
        """The endpoint's replays, newest first."""
        own = Endpoint.objects.for_caller(self.caller.partner_id, self.caller.environment).present()
        endpoint = own.public(public_id).first()
        if endpoint is None:
            raise problems.NotFound()
        return self.listed(self.get_queryset().filter(endpoint=endpoint))


@extend_schema_view(retrieve=extend_schema(operation_id="getReplay", summary="Get a replay and its progress"))
class ReplayViewSet(PartnerViewSet, RetrieveMixin):
    """Replays of the calling partner."""

    queryset = Replay.objects.select_related("endpoint")
    serializer_class = ReplayStateSerializer
    scopes = SCOPES

    @extend_schema(operation_id="cancelReplay", summary="Cancel a replay", request=None, responses={200: ReplayStateSerializer})
    def cancel(self, request: Request, public_id: str) -> Response:
        """Send nothing more of it; what was not sent again yet stays as it was."""
        replay = self.get_object()
        replays.cancel(replay=replay, by=self.actor)
        return Response(ReplayStateSerializer(replay).data)


class DeliveryListing(CursorListing):
    """Pages of the log of deliveries, which looks for some things in stretches."""

    def find(self, queryset: Any, *, ordering: str, cursor: str, limit: int) -> listing.Page[Any]:
        return listing.stretch(queryset, ordering=ordering, cursor=cursor, limit=limit)


NARROWED = (
    f"`status`, `event_type` and `answer` are looked for among {listing.STRETCH:,} deliveries a page: a page may have few rows or"
    " none, and the next one more. Go on while there is a `next_cursor`."
)


class EndpointDeliveriesViewSet(PartnerViewSet):
    """Deliveries to one endpoint of the calling partner."""

    pagination_class = DeliveryListing

    queryset = Delivery.objects.all()
    serializer_class = DeliverySerializer
    filterset_class = DeliveryFilter
    scopes = SCOPES

    @extend_schema(
        operation_id="listWebhookDeliveries",
        summary="List an endpoint's deliveries",
        description=f"The endpoint's deliveries, newest first. {NARROWED}",
        responses=DeliverySerializer(many=True),
    )
    def list(self, request: Request, public_id: str) -> Response:
        own = Endpoint.objects.for_caller(self.caller.partner_id, self.caller.environment).present()
        endpoint = own.public(public_id).first()
        if endpoint is None:
            raise problems.NotFound()
        return self.listed(self.get_queryset().filter(endpoint=endpoint))


class LogView(PartnerViewSet):
    """Deliveries to all endpoints of the calling partner."""

    pagination_class = DeliveryListing
    queryset = Delivery.objects.all()
    serializer_class = DeliverySerializer
    filterset_class = LogFilter
    scopes = SCOPES

    @extend_schema(
        operation_id="listDeliveries",
        summary="List deliveries",
        description=f"Deliveries to every endpoint, newest first. {NARROWED}",
        responses=DeliverySerializer(many=True),
    )
    def list(self, request: Request) -> Response:
        return self.listed(self.get_queryset())


@extend_schema_view(retrieve=extend_schema(operation_id="getDelivery", summary="Get a delivery with its attempts"))
class DeliveryViewSet(PartnerViewSet, RetrieveMixin):
    """Deliveries of the calling partner."""

    queryset = Delivery.objects.select_related("endpoint")
    serializer_class = DeliveryDetailSerializer
    scopes = SCOPES

    @extend_schema(
        operation_id="retryDelivery", summary="Send a delivery again", request=None, responses={202: DeliverySerializer}
    )
    def retry(self, request: Request, public_id: str) -> Response:
        """Send it again now, whatever came of it before."""
        delivery = self.get_object()
        deliveries.retry(delivery=delivery, by=self.actor)
        return Response(DeliverySerializer(delivery).data, status=202)


class EventListing(CursorListing):
    """Of the event log, which is in two chains: the partner's, and the one of what concerns everybody."""

    partner: Any = None

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> Any:
        self.partner = view.caller.partner_id
        if request.query_params.get("ordering") == f"-{log.SEALED}":
            raise problems.ValidationError({"ordering": [str(_("The log is read in the order it was sealed in, not back."))]})
        return super().paginate_queryset(queryset, request, view)

    def find(self, queryset: Any, *, ordering: str, cursor: str, limit: int) -> Any:
        return log.page(queryset, partner=self.partner, ordering=ordering, cursor=cursor, limit=limit)


@extend_schema_view(
    list=extend_schema(operation_id="listEvents", summary="List events"),
    retrieve=extend_schema(operation_id="getEvent", summary="Get an event"),
)
class EventViewSet(PartnerViewSet):
    """The log of what webhooks tell, to be polled by receivers that can't be reached; it holds each event once."""

    queryset = Event.objects.all()
    serializer_class = EventSerializer
    filterset_class = EventFilter
    pagination_class = EventListing
    ordering_fields = (log.SEALED,)
    scopes = SCOPES

    def get_queryset(self) -> Any:
        if getattr(self, "swagger_fake_view", False):
            return Event.objects.none()
        return log.events_of(self.caller.partner_id, self.caller.environment)

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Newest first. To poll, take `ordering=sealed` and keep `next_cursor`, which is always given: asked with it again, the
        list goes on with what has come since, and misses nothing."""
        rows = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        paginator: Any = self.paginator
        answer: Response = paginator.get_paginated_response(self._told(rows))
        return answer

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return Response(self._told([self.get_object()])[0])

    @extend_schema(
        operation_id="replayEvent",
        summary="Send an event again",
        request=ReplayEventSerializer,
        responses={202: MatchedSerializer},
    )
    def replay(self, request: Request, public_id: str) -> Response:
        """Send one event to one endpoint, or to all that want its type, again or for the first time."""
        event = self.get_object()
        own = Endpoint.objects.for_caller(self.caller.partner_id, self.caller.environment).present()
        chosen = self.read(ReplayEventSerializer).get("endpoint_id")
        if chosen:
            targets = list(own.public(chosen))
            if not targets:
                raise problems.ValidationError({"endpoint_id": ["There is no such endpoint."]})
        else:
            payload = Payload.objects.filter(pk=event.pk).first()
            targets = [row for row in own if fan_out.wants(row, event, payload.data if payload else {})]
        return Response({"matched": deliveries.replay_event(event=event, endpoints=targets, by=self.actor)}, status=202)

    def _told(self, rows: Any) -> Any:
        payloads = Payload.objects.filter(pk__in=[event.pk for event in rows])
        context = {"view": self, "payloads": {payload.pk: payload.data for payload in payloads}}
        return EventSerializer(rows, many=True, context=context).data


class EventTypesView(ApiView):
    """The catalogue of event types."""

    scopes = SCOPES
    pagination_class = WholeListing

    @extend_schema(operation_id="listEventTypes", summary="List event types", responses=EventTypeSerializer(many=True))
    def get(self, request: Request) -> Response:
        """Every type that an endpoint can subscribe to, by name."""
        return Response({"data": EventTypeSerializer(catalogue.entries(), many=True).data, "next_cursor": None})


class EventTypeView(ApiView):
    """One entry of the catalogue."""

    scopes = SCOPES

    @extend_schema(operation_id="getEventType", summary="Get an event type", responses=EventTypeDetailSerializer)
    def get(self, request: Request, name: str) -> Response:
        """Its schema and an example of its data, now and in earlier versions."""
        kind = catalogue.find(name)
        if kind is None:
            raise problems.NotFound()
        return Response(EventTypeDetailSerializer(kind).data)

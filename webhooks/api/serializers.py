"""Webhooks on the wire."""

from typing import Any

from django.core.validators import RegexValidator
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core import ids
from core.api.serializers import Strict
from core.events import EventType
from core.models import Environment, Event
from webhooks import catalogue, circuits, models, own_headers, own_types, replays
from webhooks.models import Attempt, Delivery, Endpoint, Replay
from webhooks.patterns import LONGEST

WEEK = 7 * 24 * 3600
ANY_OBJECT = {"type": "object", "additionalProperties": True}


@extend_schema_field(ANY_OBJECT)
class ObjectField(serializers.DictField):
    """Any JSON object."""


class EventTypesField(serializers.ListField):
    """Names, families or `*`."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(child=serializers.CharField(max_length=LONGEST), **kwargs)


class EndpointHealthSerializer(Strict):
    """How an endpoint does: its circuit opens after ten failures in a row, and nothing but probes is sent until one succeeds."""

    circuit = serializers.ChoiceField(["closed", "open", "half_open"], read_only=True)
    failures_in_a_row = serializers.IntegerField(read_only=True)
    failing_since = serializers.DateTimeField(read_only=True, allow_null=True)
    next_try_at = serializers.DateTimeField(read_only=True, allow_null=True, help_text="When an open circuit is probed next.")
    disabled_from = serializers.DateTimeField(
        read_only=True, allow_null=True, help_text="From when on the next failure switches the endpoint off."
    )
    last_error = serializers.CharField(read_only=True)


class HeadersField(serializers.DictField):
    """Headers of their own; in answers with a mask for each value."""

    def __init__(self, **kwargs: Any) -> None:
        child = serializers.CharField(max_length=own_headers.LONGEST_VALUE, trim_whitespace=False)
        super().__init__(child=child, **kwargs)

    def get_attribute(self, instance: Endpoint) -> dict[str, str]:
        return own_headers.shown(instance)


@extend_schema_field({"type": "integer", "minimum": 1, "maximum": models.FASTEST})
class RateField(serializers.IntegerField):
    """Deliveries a second; the verb checks the bounds."""


@extend_schema_field({"type": "integer", "minimum": 1, "maximum": models.MOST_AT_ONCE})
class ConcurrencyField(serializers.IntegerField):
    """Posts at once; the verb checks the bounds."""


class EndpointSerializer(Strict):
    """An endpoint, without its secret. Where `signature` is `ed25519`, `public_key` verifies what is sent."""

    id = serializers.CharField(source="public_id", read_only=True)
    url = serializers.CharField(max_length=2_000)
    event_types = EventTypesField(help_text="Names of event types, families like `course.*`, or `*`.")
    description = serializers.CharField(max_length=200, required=False, allow_blank=True)
    filter = ObjectField(required=False, help_text='Only events whose data fits: `{"data.currency": ["USD"]}`; see the guide.')
    headers = HeadersField(
        required=False,
        help_text="Sent with each delivery. Values are masked in answers; a masked value that is sent stays as it is.",
    )
    rate_per_second = RateField(
        required=False, allow_null=True, help_text="Deliveries a second at most; null, as by default, for no limit."
    )
    concurrency = ConcurrencyField(
        required=False, allow_null=True, help_text="Posts at once at most; null, as by default, for 5."
    )
    fifo = serializers.BooleanField(required=False, help_text="One by one for each subject, in the order of the events.")
    environment = serializers.ChoiceField(Environment.choices, read_only=True)
    status = serializers.ChoiceField(Endpoint.Status.choices, read_only=True)
    status_reason = serializers.CharField(read_only=True)
    signature = serializers.ChoiceField(Endpoint.Signature.choices, read_only=True)
    public_key = serializers.CharField(read_only=True)
    previous_public_key = serializers.CharField(read_only=True)
    health = serializers.SerializerMethodField()
    previous_secret_until = serializers.DateTimeField(source="overlaps_until", read_only=True, allow_null=True)
    created_at = serializers.DateTimeField(read_only=True)

    @extend_schema_field(EndpointHealthSerializer)
    def get_health(self, endpoint: Endpoint) -> Any:
        return EndpointHealthSerializer(circuits.of(endpoint)).data


class CreateEndpointSerializer(EndpointSerializer):
    """An endpoint to make, signed by a shared secret unless it asks for Ed25519."""

    signature = serializers.ChoiceField(Endpoint.Signature.choices, default=Endpoint.Signature.HMAC)


class CreatedEndpointSerializer(EndpointSerializer):
    """An endpoint just made: its signing secret is in this answer only, and null where a private key signs."""

    secret = serializers.CharField(read_only=True, allow_null=True)


class EnableSerializer(Strict):
    """Whether what was held meanwhile goes out."""

    send_held = serializers.BooleanField(default=True)


class RotateSecretSerializer(Strict):
    """How long the old secret or key signs on beside the new one, and of which kind that is; by default as before."""

    overlap_seconds = serializers.IntegerField(min_value=0, max_value=WEEK, default=24 * 3600)
    signature = serializers.ChoiceField(Endpoint.Signature.choices, required=False)


class SecretSerializer(Strict):
    """A new signing secret, in this answer only; null where a private key signs, whose public half is `public_key`."""

    id = serializers.CharField(read_only=True)
    signature = serializers.ChoiceField(Endpoint.Signature.choices, read_only=True)
    secret = serializers.CharField(read_only=True, allow_null=True)
    public_key = serializers.CharField(read_only=True)
    previous_public_key = serializers.CharField(read_only=True)
    previous_secret_until = serializers.DateTimeField(read_only=True, allow_null=True)


class SendTestSerializer(Strict):
    """What to send: a type of the catalogue, and data of its shape; by default its example."""

    event_type = serializers.CharField(max_length=LONGEST, default="webhook.test")
    data = ObjectField(required=False)  # type: ignore[assignment]  # the field's name hides an attribute of the base


class SentTestSerializer(Strict):
    """Where to see what came of it."""

    event_id = serializers.CharField(read_only=True)
    delivery_id = serializers.CharField(read_only=True)


class ReplaySerializer(Strict):
    """What to send again: events from `since` on and before `until`, of these types, all or only what was given up."""

    since = serializers.DateTimeField(required=False)
    until = serializers.DateTimeField(required=False)
    event_types = EventTypesField(required=False)
    only_failed = serializers.BooleanField(default=False)
    dry_run = serializers.BooleanField(default=False, help_text="Only count.")


class ReplayedSerializer(Strict):
    """How many deliveries fit, and the replay that sends them again; none for a dry run, or if none fits."""

    matched = serializers.IntegerField(read_only=True)
    replay_id = serializers.CharField(required=False)  # one that is read only would be required


class ReplayStateSerializer(Strict):
    """A replay and how far it has come: `progress` is the share (0–100) of its deliveries that were attempted again."""

    id = serializers.CharField(source="public_id", read_only=True)
    endpoint_id = serializers.SerializerMethodField()
    status = serializers.ChoiceField(Replay.Status.choices, read_only=True)
    since = serializers.DateTimeField(read_only=True, allow_null=True)
    until = serializers.DateTimeField(read_only=True, allow_null=True)
    event_types = EventTypesField(read_only=True)
    only_failed = serializers.BooleanField(read_only=True)
    matched = serializers.IntegerField(read_only=True)
    progress = serializers.SerializerMethodField()
    deliveries = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField(read_only=True)
    finished_at = serializers.DateTimeField(read_only=True, allow_null=True)

    @extend_schema_field(OpenApiTypes.STR)
    def get_endpoint_id(self, replay: Replay) -> str:
        return ids.encode(Endpoint.id_prefix, replay.endpoint_id)

    @extend_schema_field(OpenApiTypes.INT)
    def get_progress(self, replay: Replay) -> int:
        return replays.progress(replay).percent

    @extend_schema_field({"type": "object", "additionalProperties": {"type": "integer"}})
    def get_deliveries(self, replay: Replay) -> dict[str, int]:
        found = replays.progress(replay)
        names = ("waiting", "succeeded", "retrying", "failed")
        return {name: getattr(found, name) for name in names}


class MatchedSerializer(Strict):
    """How many deliveries were, or would be, sent again."""

    matched = serializers.IntegerField(read_only=True)


class StatsSerializer(Strict):
    """How an endpoint has been doing over the last days."""

    period_days = serializers.IntegerField(read_only=True)
    deliveries = serializers.DictField(child=serializers.IntegerField(), read_only=True)
    success_rate = serializers.FloatField(read_only=True, allow_null=True)
    attempts = serializers.IntegerField(read_only=True)
    failed_attempts = serializers.IntegerField(read_only=True)
    mean_duration_ms = serializers.IntegerField(read_only=True, allow_null=True)
    slowest_ms = serializers.IntegerField(read_only=True, allow_null=True)


class AttemptSerializer(Strict):
    """One POST and what came of it."""

    id = serializers.CharField(source="public_id", read_only=True)
    at = serializers.DateTimeField(source="created_at", read_only=True)
    number = serializers.IntegerField(read_only=True)
    url = serializers.CharField(read_only=True)
    succeeded = serializers.BooleanField(read_only=True)
    status_code = serializers.IntegerField(read_only=True, allow_null=True)
    duration_ms = serializers.IntegerField(read_only=True)
    explanation = serializers.CharField(read_only=True)
    request_headers = ObjectField(read_only=True)
    response_headers = ObjectField(read_only=True)
    response_body = serializers.CharField(read_only=True)


class DeliverySerializer(Strict):
    """One event on its way to one endpoint."""

    id = serializers.CharField(source="public_id", read_only=True)
    event_id = serializers.SerializerMethodField()
    event_type = serializers.CharField(read_only=True)
    endpoint_id = serializers.SerializerMethodField()
    status = serializers.ChoiceField(Delivery.Status.choices, read_only=True)
    attempt_count = serializers.IntegerField(read_only=True)
    status_code = serializers.IntegerField(read_only=True, allow_null=True)
    explanation = serializers.CharField(read_only=True)
    created_at = serializers.DateTimeField(read_only=True)
    last_attempt_at = serializers.DateTimeField(read_only=True, allow_null=True)
    next_attempt_at = serializers.DateTimeField(
        read_only=True, allow_null=True, help_text="Null also while it waits behind another of its subject."
    )
    succeeded_at = serializers.DateTimeField(read_only=True, allow_null=True)

    @extend_schema_field(OpenApiTypes.STR)
    def get_event_id(self, delivery: Delivery) -> str:
        return ids.encode(Event.id_prefix, delivery.event_id)

    @extend_schema_field(OpenApiTypes.STR)
    def get_endpoint_id(self, delivery: Delivery) -> str:
        return ids.encode(Endpoint.id_prefix, delivery.endpoint_id)


class DeliveryDetailSerializer(DeliverySerializer):
    """A delivery with all its attempts, oldest first."""

    attempts = serializers.SerializerMethodField()

    @extend_schema_field(AttemptSerializer(many=True))
    def get_attempts(self, delivery: Delivery) -> Any:
        return AttemptSerializer(Attempt.objects.of(delivery), many=True).data


class EventSerializer(Strict):
    """An event as webhooks tell it; `data` is null once it has outlived its retention."""

    id = serializers.CharField(source="public_id", read_only=True)
    type = serializers.CharField(read_only=True)
    timestamp = serializers.DateTimeField(source="created_at", read_only=True)
    partner_id = serializers.SerializerMethodField()
    type_version = serializers.IntegerField(read_only=True, help_text="Version of the type's schema that the data fits.")
    subject = serializers.CharField(read_only=True)
    data = serializers.SerializerMethodField()  # type: ignore[assignment]  # the field's name hides an attribute of the base

    @extend_schema_field({"type": "string"})
    def get_partner_id(self, event: Event) -> str:
        return ids.encode("ptn", event.partner_id or self.context["view"].caller.partner_id)

    @extend_schema_field({"type": ["object", "null"], "additionalProperties": True})
    def get_data(self, event: Event) -> Any:
        return self.context["payloads"].get(event.pk)


class ReplayEventSerializer(Strict):
    """To which endpoint; by default to all that want its type."""

    endpoint_id = serializers.CharField(required=False, max_length=40)


class EventTypeSerializer(Strict):
    """An entry of the catalogue."""

    name = serializers.CharField(read_only=True)
    description = serializers.CharField(read_only=True)
    schema = ObjectField(read_only=True)
    example = ObjectField(read_only=True)
    version = serializers.IntegerField(read_only=True, help_text="Of the schema; events keep the one they were written under.")
    published = serializers.BooleanField(read_only=True, help_text="Whether operators publish it by API.")
    retired = serializers.BooleanField(read_only=True, help_text="Whether it is no longer published.")


class EventTypeVersionSerializer(Strict):
    """What a type's data was in one version."""

    version = serializers.IntegerField(read_only=True)
    schema = ObjectField(read_only=True)
    example = ObjectField(read_only=True)


class EventTypeDetailSerializer(EventTypeSerializer):
    """An entry of the catalogue with all its versions, the newest first."""

    versions = serializers.SerializerMethodField()

    @extend_schema_field(EventTypeVersionSerializer(many=True))
    def get_versions(self, kind: EventType) -> Any:
        return EventTypeVersionSerializer(catalogue.versions(kind), many=True).data


class SubscribersSerializer(Strict):
    """How many endpoints, of how many partners, would be told."""

    endpoints = serializers.IntegerField(read_only=True)
    partners = serializers.IntegerField(read_only=True)


class OperatorEventTypeSerializer(EventTypeDetailSerializer):
    """The same, with who subscribes."""

    subscribers = serializers.SerializerMethodField()

    @extend_schema_field(SubscribersSerializer)
    def get_subscribers(self, kind: EventType) -> Any:
        return SubscribersSerializer(own_types.subscribers(kind.name)).data


class ChangeEventTypeSerializer(Strict):
    """What to change of a type."""

    description = serializers.CharField(max_length=300, required=False)
    schema = ObjectField(required=False)
    example = ObjectField(required=False)
    new_version = serializers.BooleanField(
        default=False, help_text="Give the schema the next version number, as a change that receivers may be surprised by needs."
    )


class RetireEventTypeSerializer(Strict):
    """Whether to retire it although endpoints want it."""

    confirm = serializers.BooleanField(default=False)


class CreateEventTypeSerializer(Strict):
    """A type to add to the catalogue."""

    name = serializers.CharField(max_length=LONGEST, validators=[RegexValidator(models.EVENT_TYPE_NAME, models.NAME_ADVICE)])
    description = serializers.CharField(max_length=300)
    schema = ObjectField(required=False)
    example = ObjectField(required=False)


class PublishSerializer(Strict):
    """An event to publish; without `partner_id` to every partner's subscribers."""

    type = serializers.CharField(max_length=LONGEST)
    partner_id = serializers.CharField(max_length=40, required=False, allow_null=True)
    environment = serializers.ChoiceField(Environment.choices, default=Environment.LIVE)
    data = ObjectField()  # type: ignore[assignment]  # the field's name hides an attribute of the base
    version = serializers.IntegerField(
        min_value=1,
        max_value=32_767,
        required=False,
        help_text="Of the type's schema that the data is written by; the newest, unless given.",
    )
    subject = serializers.CharField(
        max_length=80,
        required=False,
        help_text="What it is about, such as an id of yours: endpoints that are told in order get each subject's one by one.",
    )
    idempotency_key = serializers.CharField(max_length=255, required=False, allow_null=True)


class PublishedSerializer(Strict):
    """The event's id, which deliveries carry as `webhook-id`."""

    id = serializers.CharField(read_only=True)
    type = serializers.CharField(read_only=True)

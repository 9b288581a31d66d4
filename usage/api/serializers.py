"""Usage on the wire. Latencies are in ms; percentiles are null where there were no calls."""

from typing import Any

from django.db.models import Model
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core import ids
from core.api.serializers import Strict, StrictModel
from core.models import Environment
from usage import explanations
from usage.models import Bodies, Call


class PercentilesSerializer(Strict):
    p50 = serializers.FloatField(allow_null=True)
    p95 = serializers.FloatField(allow_null=True)
    p99 = serializers.FloatField(allow_null=True)


class SummarySerializer(Strict):
    """`errors` counts answers of 400 and above; `unknown` calls were lost with a process that died, and are not billed."""

    requests = serializers.IntegerField()
    errors: Any = serializers.IntegerField()
    metered = serializers.IntegerField()
    unknown = serializers.IntegerField()
    bytes_in = serializers.IntegerField()
    bytes_out = serializers.IntegerField()
    latency = PercentilesSerializer()
    meters = serializers.SerializerMethodField()

    @extend_schema_field({"type": "object", "additionalProperties": {"type": "number"}})
    def get_meters(self, summary: Any) -> dict[str, int]:
        return {"calls": summary.metered}


class PointSerializer(Strict):
    """An hour, a day, or whichever interval was asked for."""

    at = serializers.DateTimeField()
    requests = serializers.IntegerField()
    errors: Any = serializers.IntegerField()
    bytes_in = serializers.IntegerField()
    bytes_out = serializers.IntegerField()


class IntegrationIdField(serializers.UUIDField):
    """`int_…`, or null for the platform's own API."""

    def to_representation(self, value: Any) -> str:
        return ids.encode("int", value)


class OperationUsageSerializer(Strict):
    operation = serializers.CharField()
    integration = IntegrationIdField(source="integration_id", allow_null=True)
    requests = serializers.IntegerField()
    errors: Any = serializers.IntegerField()
    p50 = serializers.FloatField(source="latency.p50", allow_null=True)
    p95 = serializers.FloatField(source="latency.p95", allow_null=True)
    p99 = serializers.FloatField(source="latency.p99", allow_null=True)


class FailureSerializer(Strict):
    """`last_hour` is the hour in which it was last seen."""

    status = serializers.IntegerField()
    code = serializers.CharField()
    operation = serializers.CharField()
    requests = serializers.IntegerField()
    last_hour = serializers.DateTimeField(source="last_at")


class KeyUsageSerializer(SummarySerializer):
    """A key's period: in sum, by day, and its errors by kind. First and last use are of ever."""

    key = serializers.CharField(source="key.public_id")
    environment = serializers.ChoiceField(Environment.choices, source="key.environment")
    first_used_at = serializers.DateTimeField(source="key.first_used_at", allow_null=True)
    last_used_at = serializers.DateTimeField(source="key.last_used_at", allow_null=True)
    last_used_address = serializers.IPAddressField(source="key.last_used_address", allow_null=True)
    last_used_agent = serializers.CharField(source="key.last_used_agent")
    days = PointSerializer(many=True)
    failures = FailureSerializer(many=True)


class BucketSerializer(serializers.Serializer[Any]):
    """Calls that took from `from` to before `to`."""

    def to_representation(self, bucket: Any) -> dict[str, Any]:
        return dict(zip(("from", "to", "requests"), bucket, strict=True))

    def get_fields(self) -> dict[str, Any]:
        return {
            "from": serializers.FloatField(),
            "to": serializers.FloatField(),
            "requests": serializers.IntegerField(),
        }


class LatencySerializer(PercentilesSerializer):
    p50 = serializers.FloatField(source="percentiles.p50", allow_null=True)
    p95 = serializers.FloatField(source="percentiles.p95", allow_null=True)
    p99 = serializers.FloatField(source="percentiles.p99", allow_null=True)
    buckets = BucketSerializer(many=True)


class RateSerializer(Strict):
    name = serializers.CharField()
    limit = serializers.IntegerField()
    window_seconds = serializers.IntegerField()
    remaining = serializers.IntegerField()


class QuotaSerializer(Strict):
    limit = serializers.IntegerField(allow_null=True)
    used = serializers.IntegerField()
    remaining = serializers.IntegerField(allow_null=True)
    resets_at = serializers.DateTimeField()


class ConcurrencySerializer(Strict):
    limit = serializers.IntegerField(allow_null=True)
    used = serializers.IntegerField()
    remaining = serializers.IntegerField(allow_null=True)


class LimitsSerializer(Strict):
    """Of the caller's environment; test calls count apart and are never billed."""

    environment = serializers.ChoiceField(Environment.choices)
    rate = RateSerializer(many=True)
    quota = QuotaSerializer()
    concurrency = ConcurrencySerializer()


class CallSerializer(StrictModel):
    """One call. `client_request_id` is the `X-Request-Id` that the client sent; the answer's was `id`."""

    key = serializers.SerializerMethodField()
    application = serializers.SerializerMethodField()
    integration = IntegrationIdField(source="integration_id", allow_null=True, read_only=True)
    latency_ms = serializers.SerializerMethodField()

    class Meta:
        model: type[Model] = Call
        fields: list[str] = [
            "id",
            "at",
            "method",
            "path",
            "operation",
            "integration",
            "status",
            "code",
            "latency_ms",
            "bytes_in",
            "bytes_out",
            "key",
            "application",
            "address",
            "user_agent",
            "client_request_id",
            "metered",
        ]
        read_only_fields = fields

    def get_key(self, call: Call) -> str | None:
        return call.caller if call.caller and call.caller.startswith("key_") else None

    def get_application(self, call: Call) -> str | None:
        return call.caller if call.caller and call.caller.startswith("app_") else None

    def get_latency_ms(self, call: Call) -> float:
        return call.latency_us / 1000


class ExplanationSerializer(Strict):
    title = serializers.CharField()
    advice = serializers.CharField()
    url = serializers.CharField()


class BodiesSerializer(Strict):
    """What a failed test call sent and was answered, for a week, without what looks like a secret. `…_cut`: there was more."""

    request = serializers.CharField()
    request_cut = serializers.BooleanField()
    response = serializers.CharField()
    response_cut = serializers.BooleanField()


class CallDetailSerializer(CallSerializer):
    """With what its answer meant, the call as a command line without its credential, and what is kept of its bodies."""

    bodies = serializers.SerializerMethodField()
    explanation = serializers.SerializerMethodField()
    curl = serializers.SerializerMethodField()

    class Meta(CallSerializer.Meta):
        fields = [*CallSerializer.Meta.fields, "explanation", "curl", "bodies"]
        read_only_fields = fields

    @extend_schema_field(ExplanationSerializer(allow_null=True))
    def get_explanation(self, call: Call) -> Any:
        found = explanations.explain(call)
        return ExplanationSerializer(found).data if found else None

    def get_curl(self, call: Call) -> str:
        return explanations.curl(call, self._bodies(call))

    @extend_schema_field(BodiesSerializer(allow_null=True))
    def get_bodies(self, call: Call) -> Any:
        found = self._bodies(call)
        return BodiesSerializer(found).data if found else None

    def _bodies(self, call: Call) -> Bodies | None:
        found: Bodies | None = Bodies.objects.for_caller(call.partner_id, call.environment).filter(pk=call.pk).first()
        return found

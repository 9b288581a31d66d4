"""The marketplace on the wire."""

from typing import Any

from drf_spectacular.utils import extend_schema_field, inline_serializer
from rest_framework import serializers

from core import scopes
from core.api.serializers import PublicIdField, Strict, StrictModel
from marketplace.models import Category, Installation, Integration, Version

TUNING = ("connect_timeout", "head_timeout", "idle_timeout", "stream_idle_timeout", "retries", "websocket")
PRICE = {
    "type": ["object", "null"],
    "description": "Of one call; null where calls are free.",
    "required": ["amount", "currency"],
    "properties": {"amount": {"type": "string"}, "currency": {"type": "string"}},
}


@extend_schema_field(PRICE)
class PriceField(serializers.Field[Any, Any, Any, Any]):
    """The price of a call, which may be a fraction of a minor unit, so it is no `Money`; for reading."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(source="*", read_only=True, **kwargs)

    def to_representation(self, value: Any) -> dict[str, str] | None:
        return {"amount": f"{value.price.normalize():f}", "currency": value.currency} if value.price else None


class CategorySerializer(Strict):
    """A place in the tree; `within` is the slug of the one above it."""

    slug = serializers.CharField(read_only=True)
    name = serializers.CharField(read_only=True)
    description = serializers.CharField(read_only=True)
    within = serializers.CharField(source="parent.slug", read_only=True, allow_null=True, default=None)


CategoryListSerializer = inline_serializer(
    "CategoryList", {"data": CategorySerializer(many=True), "next_cursor": serializers.CharField(allow_null=True)}
)


class SellerSerializer(Strict):
    """Whose integration it is."""

    slug = serializers.CharField(read_only=True)
    name = serializers.CharField(read_only=True)


class WantedScopeSerializer(Strict):
    name = serializers.CharField(read_only=True)
    description = serializers.CharField(read_only=True)


class ListedSerializer(StrictModel):
    """An integration as anybody may see it: on the terms of the version that was reviewed."""

    category = serializers.CharField(source="category.slug", read_only=True, allow_null=True, default=None)
    partner = SellerSerializer(read_only=True)
    version = serializers.CharField(source="current.number", read_only=True)
    pricing = serializers.CharField(source="current.pricing", read_only=True)
    price_per_call = serializers.SerializerMethodField()
    scopes = serializers.SerializerMethodField()
    base_url = serializers.CharField(read_only=True)

    class Meta:
        model = Integration
        fields: list[str] = [
            "id",
            "slug",
            "name",
            "summary",
            "description",
            "category",
            "partner",
            "version",
            "pricing",
            "price_per_call",
            "scopes",
            "base_url",
            "published_at",
        ]
        read_only_fields = fields

    @extend_schema_field(PriceField)
    def get_price_per_call(self, integration: Integration) -> dict[str, str] | None:
        return PriceField().to_representation(integration.current)

    @extend_schema_field(WantedScopeSerializer(many=True))
    def get_scopes(self, integration: Integration) -> list[dict[str, str]]:
        names = integration.current.scopes if integration.current else []
        found = scopes.find(names)
        return [{"name": name, "description": str(found[name].description) if name in found else name} for name in names]


class VersionSerializer(StrictModel):
    """A release."""

    price_per_call = PriceField()

    class Meta:
        model = Version
        fields: list[str] = ["id", "number", "notes", "scopes", "pricing", "price_per_call", "released_at", "created_at"]
        read_only_fields = fields


class NewVersionSerializer(Strict):
    number = serializers.CharField(max_length=20)
    notes = serializers.CharField(max_length=5_000, allow_blank=True, default="")


class IntegrationSerializer(StrictModel):
    """One's own integration: the copy that is worked on. `status_reason` is what an operator said."""

    category = serializers.CharField(source="category.slug", read_only=True, allow_null=True, default=None)
    version = serializers.CharField(source="current.number", read_only=True, allow_null=True, default=None)
    price_per_call = PriceField()

    class Meta:
        model = Integration
        fields: list[str] = [
            "id",
            "environment",
            "slug",
            "name",
            "summary",
            "description",
            "category",
            "upstream_url",
            "scopes",
            "pricing",
            "price_per_call",
            *TUNING,
            "status",
            "status_reason",
            "version",
            "created_at",
            "submitted_at",
            "published_at",
        ]
        read_only_fields = fields


class UpstreamHealthSerializer(Strict):
    """How the upstream did in the last five minutes, as the gateways see it. `state` is `closed` while calls pass, `open` while
    they are refused, `half_open` while one tries, `unknown` before the first."""

    state = serializers.ChoiceField(choices=["unknown", "closed", "half_open", "open"], read_only=True)
    calls = serializers.IntegerField(read_only=True)
    failures = serializers.IntegerField(read_only=True)
    failure_rate = serializers.FloatField(read_only=True, allow_null=True)
    p95_ms = serializers.IntegerField(read_only=True, allow_null=True)
    last_success_at = serializers.DateTimeField(read_only=True, allow_null=True)
    last_error_at = serializers.DateTimeField(read_only=True, allow_null=True)
    last_error = serializers.CharField(read_only=True)
    open_since = serializers.DateTimeField(read_only=True, allow_null=True)


class ShownIntegrationSerializer(IntegrationSerializer):
    """One's own integration, with how its upstream does."""

    health = UpstreamHealthSerializer(read_only=True)

    class Meta(IntegrationSerializer.Meta):
        fields = [*IntegrationSerializer.Meta.fields, "health"]
        read_only_fields = fields


class CreatedIntegrationSerializer(IntegrationSerializer):
    """With the secret that signs what the gateway sends to the upstream; in this answer only."""

    signing_secret = serializers.CharField(read_only=True)

    class Meta(IntegrationSerializer.Meta):
        fields = [*IntegrationSerializer.Meta.fields, "signing_secret"]
        read_only_fields = fields


class OperatorIntegrationSerializer(IntegrationSerializer):
    """Any partner's, for the review."""

    partner = PublicIdField(read_only=True)

    class Meta(IntegrationSerializer.Meta):
        fields = ["id", "partner", *IntegrationSerializer.Meta.fields[1:]]
        read_only_fields = fields


class PriceInput(Strict):
    amount = serializers.DecimalField(max_digits=12, decimal_places=6, min_value=0)
    currency = serializers.CharField(max_length=3)


class TuningSerializer(Strict):
    """How patiently the gateway treats the upstream; timeouts are seconds."""

    connect_timeout = serializers.IntegerField(min_value=1, max_value=30, required=False)
    head_timeout = serializers.IntegerField(min_value=1, max_value=3_600, required=False)
    idle_timeout = serializers.IntegerField(min_value=1, max_value=3_600, required=False)
    stream_idle_timeout = serializers.IntegerField(min_value=1, max_value=32_000, required=False)
    retries = serializers.IntegerField(min_value=0, max_value=2, required=False)
    websocket = serializers.BooleanField(required=False)


class ChangesSerializer(TuningSerializer):
    """What a partner may set. A `price_per_call` of null makes calls free; `category` is a slug or null."""

    slug = serializers.CharField(max_length=60)
    name = serializers.CharField(max_length=80)
    summary = serializers.CharField(max_length=160)
    description = serializers.CharField(max_length=10_000, allow_blank=True)
    category = serializers.SlugRelatedField(slug_field="slug", queryset=Category.objects.all(), allow_null=True)
    upstream_url = serializers.CharField(max_length=500)
    scopes = serializers.ListField(child=serializers.CharField(max_length=64), max_length=50)
    price_per_call = PriceInput(allow_null=True)

    def to_internal_value(self, data: Any) -> Any:
        values = super().to_internal_value(data)
        if "price_per_call" in values:
            values |= _price(values.pop("price_per_call"))
        return values


class NewIntegrationSerializer(ChangesSerializer):
    description = serializers.CharField(max_length=10_000, allow_blank=True, required=False)
    category = serializers.SlugRelatedField(slug_field="slug", queryset=Category.objects.all(), allow_null=True, required=False)
    scopes = serializers.ListField(child=serializers.CharField(max_length=64), max_length=50, required=False)
    price_per_call = PriceInput(allow_null=True, required=False)


class SubmitVersionSerializer(Strict):
    """The number of the version that is handed in (the next one if left out), and what is new in it."""

    version = serializers.CharField(max_length=20, allow_blank=True, default="")
    notes = serializers.CharField(max_length=5_000, allow_blank=True, default="")


class ReviewReasonSerializer(Strict):
    reason = serializers.CharField(max_length=2_000)


class InstallSerializer(Strict):
    """`scopes` says what is agreed to, in full; left out, it is whatever the integration asks for at this moment. With `version`,
    it is 409 if another one is released meanwhile, perhaps at another price."""

    scopes = serializers.ListField(child=serializers.CharField(max_length=64), max_length=50, required=False)
    version = serializers.CharField(max_length=20, required=False)


class InstalledSerializer(Strict):
    """The integration of an installation."""

    id = serializers.CharField(source="public_id", read_only=True)
    slug = serializers.CharField(read_only=True)
    name = serializers.CharField(read_only=True)


class InstallationSerializer(StrictModel):
    """What was agreed to, and where to call."""

    integration = InstalledSerializer(read_only=True)
    version = serializers.CharField(source="version.number", read_only=True)
    price_per_call = PriceField()
    base_url = serializers.CharField(source="integration.base_url", read_only=True)

    class Meta:
        model = Installation
        fields: list[str] = [
            "id",
            "integration",
            "environment",
            "status",
            "version",
            "granted_scopes",
            "price_per_call",
            "base_url",
            "installed_at",
            "uninstalled_at",
        ]
        read_only_fields = fields


def _price(given: dict[str, Any] | None) -> dict[str, Any]:
    """The model's fields for a price on the wire."""
    if not given or not given["amount"]:
        return {"pricing": "free", "price": 0, **({"currency": given["currency"]} if given else {})}
    return {"pricing": "per_call", "price": given["amount"], "currency": given["currency"]}

"""Bases of serializers: nothing in a body is ignored."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.money import Money


class Strict(serializers.Serializer[Any]):
    """Unknown and read-only fields in the body are errors, told together with the others."""

    def to_internal_value(self, data: Any) -> Any:
        errors: dict[str, Any] = {}
        for name in data if isinstance(data, dict) else ():
            if name not in self.fields:
                errors[name] = [_("Unknown field.")]
            elif self.fields[name].read_only:
                errors[name] = [_("This field can't be set.")]
        try:
            value = super().to_internal_value(data)
        except serializers.ValidationError as refused:
            if errors and isinstance(refused.detail, dict):
                raise serializers.ValidationError({**errors, **refused.detail}) from refused
            raise
        if errors:
            raise serializers.ValidationError(errors)
        return value


class StrictModel(Strict, serializers.ModelSerializer[Any]):
    """The same for a model. Its id is the public id."""

    id = serializers.CharField(source="public_id", read_only=True)


@extend_schema_field(
    {
        "type": "object",
        "required": ["amount", "currency"],
        "properties": {"amount": {"type": "string"}, "currency": {"type": "string"}},
    }
)
class MoneyField(serializers.Field[Money, Any, dict[str, str], Any]):
    """`{"amount": "12.34", "currency": "USD"}`; for reading."""

    def to_representation(self, value: Money) -> dict[str, str]:
        return value.as_json()


@extend_schema_field(OpenApiTypes.STR)
class PublicIdField(serializers.Field[Any, Any, str, Any]):
    """The public id of a related row; for reading."""

    def to_representation(self, value: Any) -> str:
        return str(value.public_id)

"""Bases of serializers: nothing in a body is ignored."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.money import Money


class Strict(serializers.Serializer[Any]):
    """Unknown and read-only fields in the body are errors."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            errors: dict[str, list[str]] = {}
            for name in data:
                if name not in self.fields:
                    errors[name] = [str(_("Unknown field."))]
                elif self.fields[name].read_only:
                    errors[name] = [str(_("This field can't be set."))]
            if errors:
                raise serializers.ValidationError(errors)
        return super().to_internal_value(data)


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

"""Bases of serializers: nothing in a body is ignored."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

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
            if not isinstance(refused.detail, dict):
                raise
            others = {name: _naming_choices(self.fields.get(name), detail) for name, detail in refused.detail.items()}
            raise serializers.ValidationError({**errors, **others}) from refused
        if errors:
            raise serializers.ValidationError(errors)
        return value


def _naming_choices(field: Any, detail: Any) -> Any:
    """A field's mistakes; that of a value that isn't among the choices says which there are."""
    if isinstance(detail, dict):
        return {name: _naming_choices(getattr(field, "child", None), each) for name, each in detail.items()}
    if not isinstance(field, serializers.ChoiceField) or not isinstance(detail, list):
        return detail
    choices = _("One of: {choices}.").format(choices=", ".join(map(str, field.choices)))
    return [ErrorDetail(choices, each.code) if each.code == "invalid_choice" else each for each in detail]


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

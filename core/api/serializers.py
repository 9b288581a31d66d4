"""Bases of serializers: nothing in a body is ignored."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from core.money import Money

# What stands in JSON for a field, where the framework would take more: "5" for a number, 0 for false, 7 for a text.
KINDS: dict[type[serializers.Field[Any, Any, Any, Any]], tuple[type, ...]] = {
    serializers.BooleanField: (bool,),
    serializers.CharField: (str,),
    serializers.FloatField: (int, float),
    serializers.IntegerField: (int, float),
}


def _is_of_its_kind(field: Any, value: Any) -> bool:
    """Whether a value of JSON is of the field's type; null and what KINDS doesn't have is the field's own to judge."""
    if isinstance(field, serializers.ListField) and isinstance(value, list):
        return all(_is_of_its_kind(field.child, each) for each in value)
    kinds = next((kinds for kind, kinds in KINDS.items() if isinstance(field, kind)), None)
    if value is None or kinds is None:
        return True
    return isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool))


class Strict(serializers.Serializer[Any]):
    """Unknown and read-only fields in the body are errors, told together with the others."""

    def to_internal_value(self, data: Any) -> Any:
        errors: dict[str, Any] = {}
        for name in data if isinstance(data, dict) else ():
            if name not in self.fields:
                errors[name] = [_("Unknown field.")]
            elif self.fields[name].read_only:
                errors[name] = [_("This field can't be set.")]
            elif type(data) is dict and not _is_of_its_kind(self.fields[name], data[name]):  # of JSON; forms are of texts
                errors[name] = [_("This is another type of value than the one that is described.")]
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

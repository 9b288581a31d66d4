"""Filters by instants, and by yes or no."""

from datetime import UTC, datetime
from typing import Any

import django_filters
from django import forms
from django.utils.translation import gettext_lazy as _
from django_filters.fields import IsoDateTimeField


class InstantField(IsoDateTimeField):
    """An instant in UTC. PostgreSQL takes no offset beyond sixteen hours, which ISO 8601 allows."""

    def to_python(self, value: Any) -> datetime | None:
        try:
            found = super().to_python(value)
            return found.astimezone(UTC) if found else None
        except OverflowError as error:  # beyond the years 1 and 9999
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid") from error


class InstantFilter(django_filters.IsoDateTimeFilter):
    """By an instant, as ISO 8601 writes it."""

    field_class = InstantField


class _TrueOrFalse(forms.NullBooleanField):
    widget = forms.TextInput

    def to_python(self, value: Any) -> bool | None:  # type: ignore[override]  # None: left empty
        if value in (None, ""):
            return None
        try:
            return {"true": True, "false": False}[str(value).lower()]
        except KeyError as error:
            raise forms.ValidationError(_("It is either true or false."), code="invalid") from error


class BooleanFilter(django_filters.BooleanFilter):
    """`true` or `false`; what is neither is an error, not left out."""

    field_class = _TrueOrFalse

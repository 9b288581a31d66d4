"""How a log of calls is narrowed, for the API and the page alike."""

import django_filters
from django.utils.translation import gettext_lazy as _

from core import ids
from core.problems import ValidationError
from usage.models import Call, CallQuerySet


class CallFilter(django_filters.FilterSet):
    """`status` is a code (`404`) or a class (`4xx`), `key` an id, `operation` as in `/usage/endpoints`; times are half-open."""

    status = django_filters.CharFilter(method="by_status", label=_("Status"))
    key = django_filters.CharFilter(method="by_key", label=_("Key"))
    operation = django_filters.CharFilter(field_name="operation", label=_("Operation"))
    since = django_filters.IsoDateTimeFilter(method="by_since", label=_("Since"))
    until = django_filters.IsoDateTimeFilter(method="by_until", label=_("Until"))

    class Meta:
        model = Call
        fields: list[str] = []

    def by_status(self, queryset: CallQuerySet, name: str, value: str) -> CallQuerySet:
        if len(value) == 3 and value[0] in "12345" and value[1:] == "xx":
            return queryset.filter(status__gte=int(value[0]) * 100, status__lt=int(value[0]) * 100 + 100)
        if len(value) == 3 and value.isascii() and value.isdigit():
            return queryset.filter(status=int(value))
        raise ValidationError({"status": [str(_("A status such as 404, or a class such as 4xx."))]})

    def by_key(self, queryset: CallQuerySet, name: str, value: str) -> CallQuerySet:
        try:
            return queryset.filter(credential_id=ids.decode("key", value))
        except ids.MalformedId:
            return queryset.none()

    def by_since(self, queryset: CallQuerySet, name: str, value: object) -> CallQuerySet:
        return queryset.filter(pk__gte=ids.earliest(value))  # type: ignore[arg-type]  # the filter gives datetimes

    def by_until(self, queryset: CallQuerySet, name: str, value: object) -> CallQuerySet:
        return queryset.filter(pk__lt=ids.earliest(value))  # type: ignore[arg-type]  # the filter gives datetimes

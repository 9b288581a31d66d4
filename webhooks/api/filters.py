"""Filters of webhook lists."""

from typing import Any

import django_filters

from core.filters import InstantFilter
from core.models import Event
from webhooks.models import Endpoint


class EndpointFilter(django_filters.FilterSet):
    """By status."""

    status = django_filters.ChoiceFilter(choices=Endpoint.Status.choices)

    class Meta:
        model = Endpoint
        fields = ["status"]


class EventFilter(django_filters.FilterSet):
    """By type, family of types, what it is about, and time."""

    type = django_filters.CharFilter()
    family = django_filters.CharFilter(method="of_family", max_length=80)
    subject = django_filters.CharFilter()
    since = InstantFilter(field_name="created_at", lookup_expr="gte")
    until = InstantFilter(field_name="created_at", lookup_expr="lt")

    class Meta:
        model = Event
        fields = ["type", "family", "subject", "since", "until"]

    def of_family(self, rows: Any, name: str, value: str) -> Any:
        """Those whose type begins so, as `course` or `course.*`."""
        return rows.filter(type__startswith=f"{value.removesuffix('*').removesuffix('.')}.")

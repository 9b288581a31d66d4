"""Filters of webhook lists."""

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
    """By type, what it is about, and time."""

    type = django_filters.CharFilter()
    subject = django_filters.CharFilter()
    since = InstantFilter(field_name="created_at", lookup_expr="gte")
    until = InstantFilter(field_name="created_at", lookup_expr="lt")

    class Meta:
        model = Event
        fields = ["type", "subject", "since", "until"]

"""Filters of request lists."""

from typing import Any

import django_filters
from django.db.models import QuerySet

from core import ids
from core.models import Environment
from products.requests.models import Request


class RequestFilter(django_filters.FilterSet):
    """By type and status."""

    type = django_filters.CharFilter()
    status = django_filters.ChoiceFilter(choices=Request.Status.choices)

    class Meta:
        model = Request
        fields = ["type", "status"]


class OperatorRequestFilter(RequestFilter):
    """Also by partner and environment."""

    partner_id = django_filters.CharFilter(method="of_partner")
    environment = django_filters.ChoiceFilter(choices=Environment.choices)

    class Meta(RequestFilter.Meta):
        fields = ["type", "status", "partner_id", "environment"]

    def of_partner(self, queryset: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        try:
            return queryset.filter(partner_id=ids.decode("ptn", value))
        except ids.MalformedId:
            return queryset.none()

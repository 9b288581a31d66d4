"""Filters of billing's lists."""

from typing import Any

import django_filters
from django.db.models import QuerySet

from billing.models import Earning, Invoice, Payout
from core import ids


class InvoiceFilter(django_filters.FilterSet):
    """By status."""

    status = django_filters.ChoiceFilter(choices=Invoice.Status.choices)

    class Meta:
        model = Invoice
        fields = ["status"]


class EarningFilter(django_filters.FilterSet):
    """By status and kind."""

    status = django_filters.ChoiceFilter(choices=Earning.Status.choices)
    kind = django_filters.ChoiceFilter(choices=Earning.Kind.choices)

    class Meta:
        model = Earning
        fields = ["status", "kind"]


class PayoutFilter(django_filters.FilterSet):
    """By status."""

    status = django_filters.ChoiceFilter(choices=Payout.Status.choices)

    class Meta:
        model = Payout
        fields = ["status"]


class OfPartner(django_filters.FilterSet):
    """Also by partner, for operators."""

    partner_id = django_filters.CharFilter(method="of_partner")

    def of_partner(self, queryset: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        try:
            return queryset.filter(partner_id=ids.decode("ptn", value))
        except ids.MalformedId:
            return queryset.none()


class OperatorInvoiceFilter(InvoiceFilter, OfPartner):
    class Meta(InvoiceFilter.Meta):
        fields = ["status", "partner_id"]


class OperatorPayoutFilter(PayoutFilter, OfPartner):
    class Meta(PayoutFilter.Meta):
        fields = ["status", "partner_id"]

"""Filters of partners and of what happened to them."""

import ipaddress

import django_filters
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from core import ids
from core.filters import BooleanFilter, InstantFilter
from core.models import Event
from core.problems import ValidationError
from partners.models import Industry, Notice, Partner
from partners.models.partners import PartnerQuerySet


class ProfileFilter(django_filters.FilterSet):
    """By type, industry, country served, and words of name and summary."""

    q = django_filters.CharFilter(method="worded", label=_("Words of the name or the summary."))
    type = django_filters.ChoiceFilter(choices=Partner.Type.choices)
    industry = django_filters.ChoiceFilter(field_name="industries", choices=Industry.choices, method="listing")
    country = django_filters.CharFilter(field_name="countries", method="listing", label=_("Code of two letters (ISO 3166-1)."))

    class Meta:
        model = Partner
        fields = ["q", "type", "industry", "country"]

    def worded(self, queryset: PartnerQuerySet, name: str, value: str) -> PartnerQuerySet:
        return queryset.matching(value)

    def listing(self, queryset: PartnerQuerySet, name: str, value: str) -> PartnerQuerySet:
        return queryset.filter(**{f"{name}__contains": [value]})


class OperatorPartnerFilter(ProfileFilter):
    """Also by status and tier; `deleted=true` shows those that were deleted, and only them."""

    q = django_filters.CharFilter(method="named", label=_("Words of the name, or the start of the slug."))
    status = django_filters.ChoiceFilter(choices=Partner.Status.choices)
    tier = django_filters.CharFilter(field_name="tier__slug")
    deleted = BooleanFilter(method="deletion")

    class Meta(ProfileFilter.Meta):
        fields = [*ProfileFilter.Meta.fields, "status", "tier", "deleted"]

    def named(self, queryset: PartnerQuerySet, name: str, value: str) -> PartnerQuerySet:
        return queryset.filter(Q(name__icontains=value) | Q(slug__startswith=value.lower()))

    def deletion(self, queryset: PartnerQuerySet, name: str, value: bool) -> PartnerQuerySet:
        return queryset  # `OperatorPartnerViewSet.get_queryset` has chosen already


class EventFilter(django_filters.FilterSet):
    """By type (also `key.*`), subject, doer (a kind, or the id of a member, a key, …), address and time (half-open)."""

    type = django_filters.CharFilter(method="of_type", label=_("A type, or a family of types: key.*"))
    subject = django_filters.CharFilter()
    actor = django_filters.CharFilter(method="done_by", label=_("A kind of doer, as `member`, or the id of one: mem_…, key_…"))
    address = django_filters.CharFilter(method="from_address", label=_("An IP address."))
    since = InstantFilter(field_name="created_at", lookup_expr="gte")
    until = InstantFilter(field_name="created_at", lookup_expr="lt")

    class Meta:
        model = Event
        fields = ["type", "subject", "actor", "address", "since", "until"]

    def of_type(self, queryset: QuerySet[Event], name: str, value: str) -> QuerySet[Event]:
        if value.endswith(".*"):
            return queryset.filter(type__startswith=value.removesuffix("*"))
        return queryset.filter(type=value)

    def done_by(self, queryset: QuerySet[Event], name: str, value: str) -> QuerySet[Event]:
        try:
            return queryset.filter(actor_id=ids.decode(value.rpartition("_")[0], value))
        except ids.MalformedId:
            return queryset.filter(actor_kind=value)

    def from_address(self, queryset: QuerySet[Event], name: str, value: str) -> QuerySet[Event]:
        try:
            return queryset.filter(address=str(ipaddress.ip_address(value.strip())))
        except ValueError as error:
            raise ValidationError({name: [str(_("This is no IP address."))]}) from error


class NotificationFilter(django_filters.FilterSet):
    """`unread=true` leaves out what was read; `member` says whose."""

    member = django_filters.CharFilter(method="whose", label=_("Id of a member; without it, the owner's."))
    unread = BooleanFilter(field_name="read_at", lookup_expr="isnull")
    kind = django_filters.CharFilter()

    class Meta:
        model = Notice
        fields = ["member", "unread", "kind"]

    def whose(self, queryset: QuerySet[Notice], name: str, value: str) -> QuerySet[Notice]:
        return queryset  # `NotificationViewSet.list` has chosen already

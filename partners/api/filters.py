"""Filters of partners and of what happened to them."""

import django_filters
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from core.filters import InstantFilter
from core.models import Event
from partners.models import Partner


class ProfileFilter(django_filters.FilterSet):
    """By type, and by words of the name."""

    q = django_filters.CharFilter(method="named", label=_("Words of the name."))
    type = django_filters.ChoiceFilter(choices=Partner.Type.choices)

    class Meta:
        model = Partner
        fields = ["q", "type"]

    def named(self, queryset: QuerySet[Partner], name: str, value: str) -> QuerySet[Partner]:
        return queryset.filter(Q(name__icontains=value) | Q(slug__startswith=value.lower()))


class OperatorPartnerFilter(ProfileFilter):
    """Also by status and tier; `deleted=true` shows those that were deleted, and only them."""

    status = django_filters.ChoiceFilter(choices=Partner.Status.choices)
    tier = django_filters.CharFilter(field_name="tier__slug")
    deleted = django_filters.BooleanFilter(method="deletion")

    class Meta(ProfileFilter.Meta):
        fields = ["q", "type", "status", "tier", "deleted"]

    def deletion(self, queryset: QuerySet[Partner], name: str, value: bool) -> QuerySet[Partner]:
        return queryset  # `OperatorPartnerViewSet.get_queryset` has chosen already


class EventFilter(django_filters.FilterSet):
    """By type (also `key.*`), subject, doer and time (half-open)."""

    type = django_filters.CharFilter(method="of_type", label=_("A type, or a family of types: key.*"))
    subject = django_filters.CharFilter()
    actor = django_filters.CharFilter(field_name="actor_kind")
    since = InstantFilter(field_name="created_at", lookup_expr="gte")
    until = InstantFilter(field_name="created_at", lookup_expr="lt")

    class Meta:
        model = Event
        fields = ["type", "subject", "actor", "since", "until"]

    def of_type(self, queryset: QuerySet[Event], name: str, value: str) -> QuerySet[Event]:
        if value.endswith(".*"):
            return queryset.filter(type__startswith=value.removesuffix("*"))
        return queryset.filter(type=value)

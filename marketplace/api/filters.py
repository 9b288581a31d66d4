"""Filters of the marketplace's lists."""

import django_filters

from marketplace.models import Category, Installation, Integration, IntegrationQuerySet, Pricing


class ListedFilter(django_filters.FilterSet):
    """`q` finds words in names, summaries and descriptions; a category takes those below it along."""

    q = django_filters.CharFilter(method="by_words")
    category = django_filters.CharFilter(method="by_category")
    pricing = django_filters.ChoiceFilter(field_name="current__pricing", choices=Pricing.choices)

    class Meta:
        model = Integration
        fields: list[str] = []

    def by_words(self, queryset: IntegrationQuerySet, name: str, value: str) -> IntegrationQuerySet:
        return queryset.matching(value)

    def by_category(self, queryset: IntegrationQuerySet, name: str, value: str) -> IntegrationQuerySet:
        return queryset.filter(category__in=Category.below(value))


class OwnFilter(django_filters.FilterSet):
    status = django_filters.ChoiceFilter(choices=Integration.Status.choices)

    class Meta:
        model = Integration
        fields = ["status"]


class ReviewFilter(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(field_name="status", choices=Integration.Status.choices)

    class Meta:
        model = Integration
        fields: list[str] = []


class InstallationFilter(django_filters.FilterSet):
    status = django_filters.ChoiceFilter(choices=Installation.Status.choices)

    class Meta:
        model = Installation
        fields = ["status"]

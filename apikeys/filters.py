"""How keys are narrowed, for the API and the page alike."""

import django_filters
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apikeys.models import Key, KeyQuerySet
from core import ids

STATES = [*Key.Status.choices, ("expired", _("Expired")), ("expiring", _("Expires within 14 days"))]


class KeyFilter(django_filters.FilterSet):
    """`status` is the one that a key shows (`expired` is none of `active`), or `expiring`; `q` is a part of its name or hint, or
    its id."""

    status = django_filters.ChoiceFilter(choices=STATES, method="by_status")
    q = django_filters.CharFilter(method="by_words", label=_("Search"))

    class Meta:
        model = Key
        fields: list[str] = []

    def by_status(self, queryset: KeyQuerySet, name: str, value: str) -> KeyQuerySet:
        return queryset.in_state(value)

    def by_words(self, queryset: KeyQuerySet, name: str, value: str) -> KeyQuerySet:
        try:
            return queryset.filter(pk=ids.decode(Key.id_prefix, value.strip()))
        except ids.MalformedId:
            return queryset.filter(Q(name__icontains=value.strip()) | Q(hint__icontains=value.strip()))

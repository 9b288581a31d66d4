"""Filters of the console's lists by partner."""

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import TextFilter

from core import ids
from core.console_lists import of_partner
from partners.models import Partner


class PartnerFilter(TextFilter):
    """By a partner's id, slug or whole name. Stands last among the filters: it takes the newest of what the others leave."""

    title = _("partner (id, slug or name)")
    parameter_name = "of"

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        words = (self.value() or "").strip()
        if not words:
            return queryset
        found = _found(words)
        return of_partner(queryset, found) if found else queryset.none()


def _found(words: str) -> Any:
    try:
        return ids.decode("ptn", words)
    except ids.MalformedId:
        pass
    by_slug = Partner.objects.filter(slug=words.lower()).values_list("pk", flat=True).first()
    return by_slug or Partner.objects.filter(name__iexact=words).values_list("pk", flat=True).first()

"""Filters that refuse what they don't know."""

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from django_filters import rest_framework as filters
from rest_framework.request import Request
from rest_framework.views import APIView

from core.api.pagination import PARAMETERS
from core.problems import ValidationError


class StrictFilterBackend(filters.DjangoFilterBackend):
    """django-filter by the view's `filterset_class`; an unknown query parameter is a validation error, not ignored."""

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: APIView) -> QuerySet[Any]:
        filterset_class = self.get_filterset_class(view, queryset)
        known = set(filterset_class.base_filters) if filterset_class else set()
        refuse_unknown(request, known | PARAMETERS | set(getattr(view, "query_parameters", ())))
        filtered: QuerySet[Any] = super().filter_queryset(request, queryset, view)
        return filtered


def refuse_unknown(request: Request, known: set[str] | frozenset[str]) -> None:
    """Raises ValidationError that names each query parameter that is not known."""
    unknown = sorted(set(request.query_params) - known - {"format"})
    if unknown:
        detail = str(_("Unknown parameter. Known here: {known}.")).format(known=", ".join(sorted(known)) or "–")
        raise ValidationError({name: [detail] for name in unknown})

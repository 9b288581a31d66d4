"""`?limit=` and `?cursor=` in, `{"data", "next_cursor"}` out."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core import listing
from core.problems import ValidationError

PARAMETERS = frozenset({"limit", "cursor", "ordering"})


class CursorListing(BasePagination):
    """Keyset pagination (`core.listing`) over the view's `ordering_fields`; the default is `ordering`, newest first."""

    page: listing.Page[Any]

    def paginate_queryset(self, queryset: Any, request: Request, view: APIView | None = None) -> list[Any]:
        query = request.query_params
        ordering = str(query.get("ordering") or getattr(view, "ordering", "-id"))
        allowed = {getattr(view, "ordering", "-id").removeprefix("-"), *getattr(view, "ordering_fields", ())}
        names = {"created_at": "id"}  # ids sort by time
        if ordering.removeprefix("-") not in allowed | {"created_at"}:
            choices = ", ".join(sorted(allowed - {"id"} | {"created_at"}))
            raise ValidationError({"ordering": [str(_("Order by one of: {choices}.")).format(choices=choices)]})
        sign = "-" if ordering.startswith("-") else ""
        name = ordering.removeprefix("-")
        self.page = self.find(
            queryset, ordering=sign + names.get(name, name), cursor=query.get("cursor", ""), limit=_limit(query.get("limit"))
        )
        return self.page.rows

    def find(self, queryset: Any, *, ordering: str, cursor: str, limit: int) -> listing.Page[Any]:
        """The page itself."""
        return listing.page(queryset, ordering=ordering, cursor=cursor, limit=limit)

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"data": data, "next_cursor": self.page.next_cursor})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return {
            "type": "object",
            "required": ["data", "next_cursor"],
            "properties": {
                "data": schema,
                "next_cursor": {"type": ["string", "null"], "description": "The cursor of the next page."},
            },
        }

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        fields = sorted({"created_at", *getattr(view, "ordering_fields", ())} - {"id"})
        return [
            {
                "name": "limit",
                "in": "query",
                "description": "Rows a page.",
                "schema": {"type": "integer", "minimum": 1, "maximum": listing.LONGEST, "default": listing.USUAL},
            },
            {"name": "cursor", "in": "query", "description": "`next_cursor` of the page before.", "schema": {"type": "string"}},
            {
                "name": "ordering",
                "in": "query",
                "allowEmptyValue": True,
                "description": "Field to order by; `-` before it for descending.",
                "schema": {"type": "string", "enum": [sign + field for field in fields for sign in ("", "-")]},
            },
        ]


class WholeListing(CursorListing):
    """As the document describes lists of a few rows, which are given whole."""

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        return []


def _limit(raw: str | None) -> int:
    if raw is None:
        return listing.USUAL
    if not raw.isascii() or not raw.isdigit() or len(raw) > 3 or not 1 <= int(raw) <= listing.LONGEST:
        raise ValidationError({"limit": [str(_("A whole number from 1 to {most}.")).format(most=listing.LONGEST)]})
    return int(raw)

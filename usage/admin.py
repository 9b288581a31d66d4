"""The operators' console for usage: calls and their hours, to look at."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from core import ids
from usage.models import Call, HourRollup


class LookOnly(ModelAdmin):
    """Nobody edits what was counted."""

    show_full_result_count = False
    list_per_page = 50

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Call)
class CallAdmin(LookOnly):
    """The log of all calls. Search by the `X-Request-Id` of an answer."""

    list_display = ("at", "method", "path", "status", "code", "environment", "address", "metered")
    list_filter = ("environment", "metered")
    search_fields = ("id",)
    search_help_text = "call_…"

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        if not search_term:
            return queryset, False
        try:
            return queryset.filter(pk=ids.decode("call", search_term.strip())), False
        except ids.MalformedId:
            return queryset.none(), False


@admin.register(HourRollup)
class HourAdmin(LookOnly):
    """What totals and invoices are made from."""

    list_display = ("at", "environment", "operation", "status", "code", "requests", "metered", "bytes_out")
    list_filter = ("environment", "status")

"""The operators' console for usage: calls and their hours, to look at."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from core import ids
from core.console_lists import ConsoleList, among
from core.models import Environment
from usage.models import Call, HourRollup


class LookOnly(ConsoleList):
    """Nobody edits what was counted."""

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
    search_fields = ("id",)
    search_help_text = "call_…, ptn_…"

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        """One call, or those of a partner."""
        words = search_term.strip()
        for prefix, column in (("call", "pk"), ("ptn", "partner_id")):
            try:
                return queryset.filter(**{column: ids.decode(prefix, words)}), False
            except ids.MalformedId:
                continue
        return queryset.none() if words else queryset, False


@admin.register(HourRollup)
class HourAdmin(LookOnly):
    """What totals and invoices are made from."""

    list_display = ("at", "environment", "operation", "status", "code", "requests", "metered", "bytes_out")
    list_filter = (among("environment", _("environment"), lambda: Environment.choices),)
    ordering = ["-at", "-pk"]

"""The operators' console for usage: calls and their hours, to look at."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from core.console_lists import ConsoleList, DaysFilter, among, rows_named
from core.models import Environment
from partners.console_filters import PartnerFilter
from usage.filters import CREDENTIALS, CallFilter
from usage.models import Call, HourRollup


class LookOnly(ConsoleList):
    """Nobody edits what was counted."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class AnswerFilter(admin.SimpleListFilter):
    """By how it was answered."""

    title = _("answer")
    parameter_name = "answer"
    CONDITIONS: ClassVar = {"fulfilled": Q(status__lt=400), "refused": Q(status__gte=400), "broken": Q(status__gte=500)}

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("fulfilled", _("Fulfilled (below 400)")),
            ("refused", _("Refused or failed (400 and above)")),
            ("broken", _("Failed on our side or a seller's (500 and above)")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Call]) -> QuerySet[Call]:
        return queryset.filter(self.CONDITIONS.get(self.value() or "", Q()))


@admin.register(Call)
class CallAdmin(LookOnly):
    """The log of all calls. Search by either side's `X-Request-Id`, or by the id of a partner, key or application."""

    list_display = ("at", "method", "path", "status", "code", "environment", "address", "metered")
    list_filter = (AnswerFilter, "environment", ("at", DaysFilter), PartnerFilter)
    list_filter_submit = True
    search_fields = ("id",)
    search_help_text = _("call_…, a client’s own X-Request-Id, ptn_…, key_… or app_…")

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        """One call, or those of a partner or credential; nothing else is known of calls that an index finds."""
        words = search_term.strip()
        if not words:
            return queryset, False
        if words.startswith(tuple(f"{prefix}_" for prefix in CREDENTIALS)):
            return CallFilter({"key": words}, queryset=queryset).qs, False
        named = rows_named(queryset, words)
        return (CallFilter({"id": words}, queryset=queryset).qs if named is None else named), False


@admin.register(HourRollup)
class HourAdmin(LookOnly):
    """What totals and invoices are made from."""

    list_display = ("at", "environment", "operation", "status", "code", "requests", "metered", "bytes_out")
    list_filter = (among("environment", _("environment"), lambda: Environment.choices),)
    ordering = ["-at", "-pk"]

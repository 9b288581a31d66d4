"""The operator's console for requests."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from core.console import Rows, each, operator_of
from core.console_lists import ConsoleList, among
from products.requests import requests
from products.requests.models import Request, RequestType


@admin.register(RequestType)
class RequestTypeAdmin(ConsoleList):
    """SLA, attempts and pauses of each type."""

    list_display = ["name", "description", "sla", "max_attempts", "backoff", "longest_backoff"]
    search_fields = ["name", "description"]


def types() -> list[tuple[str, str]]:
    """Those that have settings."""
    return [(name, name) for name in RequestType.objects.order_by("name").values_list("name", flat=True)]


@admin.register(Request)
class RequestAdmin(Rows):
    """Requests can be looked at, retried and ended; partners and workers make everything else happen."""

    list_display = ["public_id", "partner", "type", "status", "progress", "attempts", "due_at", "breached_at", "created_at"]
    list_filter = ["status", among("type", _("type"), types), ("breached_at", admin.EmptyFieldListFilter)]
    list_select_related = ["partner"]
    search_fields = ["partner__name", "partner__slug"]
    actions = ["try_again", "end_as_failed"]
    fields = [
        ("public_id", "type"),
        ("partner", "environment"),
        ("status", "progress", "attempts"),
        "payload",
        ("result", "error"),
        ("claimed_by", "leased_until", "next_attempt_at"),
        ("due_at", "breached_at"),
        ("created_at", "finished_at"),
    ]

    @admin.action(description=_("Try failed requests again"), permissions=["act"])
    def try_again(self, request: HttpRequest, queryset: Any) -> None:
        each(request, queryset, lambda row: requests.retry(request=row, by=operator_of(request)))

    @admin.action(description=_("End unfinished requests as failed"), permissions=["act"])
    def end_as_failed(self, request: HttpRequest, queryset: Any) -> None:
        reason = str(_("Ended by the operator."))
        each(request, queryset, lambda row: requests.abandon(request=row, error=reason, by=operator_of(request)))

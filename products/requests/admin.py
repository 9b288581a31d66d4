"""The operator's console for requests."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from core.console import Deed, Rows
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
    actions = ["try_again_selected", "end_as_failed_selected"]
    actions_detail = ["try_again", "end_as_failed"]
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

    try_again = Deed(
        verb=requests.retry,
        states={Request.Status.FAILED},
        label=_("Try again"),
        icon="replay",
        text=_("It is worked anew, with all its attempts."),
        chosen=_("Try failed requests again"),
    )
    end_as_failed = Deed(
        verb=requests.abandon,
        states={Request.Status.SUBMITTED, Request.Status.PROCESSING},
        label=_("End as failed"),
        icon="cancel",
        text=_("Nobody works it any more; the partner reads that the operator ended it."),
        takes=lambda row, request: {"request": row, "error": str(_("Ended by the operator."))},
        chosen=_("End unfinished requests as failed"),
    )

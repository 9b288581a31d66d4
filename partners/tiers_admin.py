"""The operators' queue of partners that ask for another tier."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from core.console import Deed, NoteForm, ReasonForm, Rows
from partners import offers, tier_requests
from partners.models import TierRequest

LABELS = {"waiting": "info", "approved": "warning", "applied": "success", "declined": "danger", "withdrawn": ""}


def deciding(row: TierRequest, request: HttpRequest) -> dict[str, Any]:
    """What the verbs take that write down who decided."""
    return {"request": row, "operator": request.user}


@admin.register(TierRequest)
class TierRequestAdmin(Rows):
    """Oldest first; what the tier asks for and the partner has not brought stands on the request."""

    list_display = ["partner", "previous", "tier", "shown_status", "created_at", "effective_at", "decided_by"]
    list_filter = ["status", "tier"]
    list_select_related = ["partner", "previous", "tier", "decided_by"]
    search_fields = ["partner__name", "partner__slug"]
    ordering = ["id"]
    actions_detail = ["approve", "decline"]
    fields = [
        "partner",
        "previous",
        "tier",
        "note",
        "missing",
        "status",
        "reason",
        "created_at",
        "decided_at",
        "decided_by",
        "effective_at",
    ]

    @display(description=_("status"), ordering="status", label=LABELS)
    def shown_status(self, obj: TierRequest) -> tuple[str, str]:
        return obj.status, obj.get_status_display()

    @display(description=_("still missing"))
    def missing(self, obj: TierRequest) -> str:
        return format_html_join(", ", "{}", ((each,) for each in offers.missing(obj.partner, obj.tier))) or "–"

    approve = Deed(
        verb=tier_requests.approve,
        states={TierRequest.Status.WAITING},
        label=_("Approve"),
        icon="check_circle",
        text=_("The way up takes effect at once, the way down at the end of the month. The partner is told by mail."),
        asks=NoteForm,
        takes=deciding,
    )
    decline = Deed(
        verb=tier_requests.decline,
        states={TierRequest.Status.WAITING},
        label=_("Decline"),
        icon="cancel",
        text=_("The partner stays where it is, and is told why by mail."),
        asks=ReasonForm,
        takes=deciding,
    )

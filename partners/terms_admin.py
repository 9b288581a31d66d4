"""The operators' console for the terms of service: write a version, look at it, publish it, and see who accepted it."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.decorators import display

from core.console import Deed, ReadOnly, Rows
from core.console_lists import ConsoleList
from partners import terms
from partners.models import Acceptance, Terms

STATES = {"draft": _("Draft"), "scheduled": _("Published, not in effect yet"), "published": _("Published")}


@admin.register(Terms)
class TermsAdmin(ConsoleList):
    """Versions of the terms. A published one stays as it is; what should change is a new version."""

    list_display = ["version", "shown_state", "effective_on", "published_at", "acceptances"]
    ordering = ["-effective_on", "-id"]
    fields = ["version", "effective_on", "summary", "text", "preview", "published_at"]
    readonly_fields = ["preview", "published_at"]
    actions_detail = ["publish"]

    publish = Deed(
        verb=terms.publish,
        label=_("Publish"),
        icon="publish",
        text=_("Everybody can read it, it can't be changed any more, and owners and admins of all partners get a mail."),
        states={"draft"},
        field="state",
    )

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(super().has_change_permission(request, obj)) and not (obj and obj.published_at)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(obj and not obj.published_at and super().has_delete_permission(request, obj))

    @display(description=_("state"), label={"draft": "warning", "scheduled": "info", "published": "success"})
    def shown_state(self, obj: Terms) -> tuple[str, Any]:
        return obj.state, STATES[obj.state]

    @display(description=_("accepted by"))
    def acceptances(self, obj: Terms) -> int:
        return Acceptance.objects.filter(terms=obj).count()

    @display(description=_("as partners see it"))
    def preview(self, obj: Terms) -> SafeString:
        return format_html('<div class="prose max-w-3xl">{}</div>', obj.html if obj.text else "–")


@admin.register(Acceptance)
class AcceptanceAdmin(Rows):
    """Who accepted which version, for which partner."""

    list_display = ["partner", "terms", "person", "actor_kind", "address", "created_at"]
    list_filter = ["terms"]
    list_select_related = ["partner", "terms", "user"]
    search_fields = ["partner__name", "partner__slug", "user__email"]
    fields = ["public_id", "partner", "terms", "person", "actor_kind", "actor_label", "address", "created_at"]

    @display(description=_("person"))
    def person(self, obj: Acceptance) -> str:
        return str(obj.user or "–")


class AcceptanceInline(ReadOnly, TabularInline):
    """On a partner's page."""

    model = Acceptance
    verbose_name_plural = _("accepted terms")
    fields = ["terms", "user", "actor_kind", "address", "created_at"]
    tab = True

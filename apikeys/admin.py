"""The operators' console for keys: look, switch off and on, revoke. Nobody sees a key."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.decorators import display

from apikeys import keys, leaks
from apikeys.models import Key, Leak
from apikeys.oauth import admin as oauth_admin  # noqa: F401  (what it registers)
from core.console import Deed, NoteForm, ReadOnly, ReasonForm, Rows
from partners.console_filters import PartnerFilter

LABELS = {
    "active": "success",
    "disabled": "warning",
    "suspended": "danger",
    "leaked": "danger",
    "revoked": "danger",
    "expired": "info",
}


class EndFilter(admin.SimpleListFilter):
    """By an end that is near, or over."""

    title = _("end")
    parameter_name = "end"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("expiring", _("Expires within 14 days")), ("expired", _("Expired"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.in_state(self.value()) if self.value() in {"expiring", "expired"} else queryset


class LeakInline(ReadOnly, TabularInline):
    """Where somebody found the key. The note is a stranger's."""

    model = Leak
    verbose_name_plural = _("found in the open")
    fields = ["source", "url", "note", "reported_from", "created_at"]
    tab = True


@admin.register(Key)
class KeyAdmin(Rows):
    """Keys of all partners."""

    list_display = ["name", "partner", "environment", "hint", "shown_state", "last_used_at", "expires_at", "created_at"]
    list_filter = ["environment", "status", EndFilter, PartnerFilter]
    list_filter_submit = True
    change_form_after_template = "admin/apikeys/key.html"
    list_select_related = ["partner"]
    search_fields = ["name", "hint", "partner__name", "partner__slug"]
    search_help_text = _("Name, hint, id, or partner.")
    actions = ["disable_selected", "enable_selected", "revoke_selected"]
    actions_detail = ["disable", "enable", "leak", "revoke"]
    inlines = [LeakInline]
    fields = [
        "public_id",
        "name",
        "partner",
        "environment",
        "hint",
        "scopes",
        "ip_allowlist",
        "rate_limit_per_minute",
        "status",
        "status_reason",
        "expires_at",
        "asks_for_secret",
        "first_used_at",
        "last_used_at",
        "last_used_address",
        "last_used_agent",
        "created_by",
        "created_at",
        "successor",
    ]

    @display(description=_("status"), ordering="status", label=LABELS)
    def shown_state(self, obj: Key) -> tuple[str, str]:
        return obj.state, obj.get_state_display()

    @display(description=_("secret asked for"), boolean=True)
    def asks_for_secret(self, obj: Key) -> bool:
        return obj.secret_digest is not None

    disable = Deed(
        verb=keys.disable,
        states={Key.Status.ACTIVE},
        label=_("Switch off"),
        icon="toggle_off",
        text=_("Its calls are refused until it is switched on again."),
        chosen=_("Switch off"),
    )
    enable = Deed(
        verb=keys.enable,
        states={Key.Status.DISABLED},
        label=_("Switch on"),
        icon="toggle_on",
        text=_("Its calls are let through again."),
        chosen=_("Switch on"),
    )
    leak = Deed(
        verb=leaks.mark,
        states=set(keys.UNSAFE),
        label=_("Leaked"),
        icon="report",
        text=_("It stops for good from the next call on. The team is told by mail, and what to do; the note is for operators."),
        asks=NoteForm,
    )
    revoke = Deed(
        verb=keys.revoke,
        states={*keys.UNSAFE, Key.Status.LEAKED},
        label=_("Revoke"),
        icon="key_off",
        text=_("Its calls are refused from the next one on. The team is told by mail."),
        asks=ReasonForm,
        chosen=_("Revoke"),
    )

"""The operators' console for keys: look, switch off and on, revoke. Nobody sees a key."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from apikeys import keys
from apikeys.models import Key
from core.console import Deed, ReasonForm, Rows

LABELS = {"active": "success", "disabled": "warning", "leaked": "danger", "revoked": "danger", "expired": "info"}


@admin.register(Key)
class KeyAdmin(Rows):
    """Keys of all partners."""

    list_display = ["name", "partner", "environment", "hint", "shown_state", "last_used_at", "expires_at", "created_at"]
    list_filter = ["environment", "status"]
    list_select_related = ["partner"]
    search_fields = ["name", "hint", "partner__name", "partner__slug"]
    search_help_text = _("Name, hint, id, or partner.")
    actions = ["disable_selected", "enable_selected", "revoke_selected"]
    actions_detail = ["disable", "enable", "revoke"]
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
        "expires_at",
        "last_used_at",
        "created_by",
        "created_at",
        "successor",
    ]

    @display(description=_("status"), ordering="status", label=LABELS)
    def shown_state(self, obj: Key) -> tuple[str, str]:
        return obj.state, obj.get_state_display()

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
    revoke = Deed(
        verb=keys.revoke,
        states={Key.Status.ACTIVE, Key.Status.DISABLED, Key.Status.LEAKED},
        label=_("Revoke"),
        icon="key_off",
        text=_("Its calls are refused from the next one on. The team is told by mail."),
        asks=ReasonForm,
        chosen=_("Revoke"),
    )

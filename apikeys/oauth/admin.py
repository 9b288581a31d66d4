"""The operators' console for applications, consents and signing keys. Nobody sees a secret or a token."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from apikeys.oauth import applications, consents, signing_keys
from apikeys.oauth.models import Application, Consent, SigningKey
from core.actors import Actor
from core.console import Deed, ReasonForm, Rows

LABELS = {"active": "success", "disabled": "warning", "revoked": "danger"}
KEY_LABELS = {"current": "success", "coming": "info", "past": "warning", "removed": "danger"}


@admin.register(Application)
class ApplicationAdmin(Rows):
    """OAuth applications of all partners."""

    list_display = ["name", "partner", "environment", "kind", "shown_status", "last_used_at", "created_at"]
    list_filter = ["environment", "status"]
    list_select_related = ["partner"]
    search_fields = ["name", "partner__name", "partner__slug"]
    search_help_text = _("Name, id, or partner.")
    actions = ["disable_selected", "enable_selected", "revoke_selected"]
    actions_detail = ["disable", "enable", "revoke"]
    fields = [
        "public_id",
        "name",
        "partner",
        "environment",
        "kind",
        "grant_types",
        "scopes",
        "redirect_uris",
        "ip_allowlist",
        "rate_limit_per_minute",
        "status",
        "last_used_at",
        "created_by",
        "created_at",
    ]

    @display(description=_("status"), ordering="status", label=LABELS)
    def shown_status(self, obj: Application) -> tuple[str, str]:
        return obj.status, obj.get_status_display()

    disable = Deed(
        verb=applications.disable,
        states={Application.Status.ACTIVE},
        label=_("Switch off"),
        icon="toggle_off",
        text=_("It gets no tokens, and its calls are refused until it is switched on again."),
        chosen=_("Switch off"),
    )
    enable = Deed(
        verb=applications.enable,
        states={Application.Status.DISABLED},
        label=_("Switch on"),
        icon="toggle_on",
        text=_("It gets tokens, and its calls are let through again."),
        chosen=_("Switch on"),
    )
    revoke = Deed(
        verb=applications.revoke,
        states={Application.Status.ACTIVE, Application.Status.DISABLED},
        label=_("End"),
        icon="key_off",
        text=_("Its calls are refused from the next one on, and every partner is disconnected. The team is told by mail."),
        asks=ReasonForm,
        chosen=_("End"),
    )


@admin.register(Consent)
class ConsentAdmin(Rows):
    """Which partners' applications act for whom."""

    list_display = ["application", "partner", "environment", "shown_status", "last_used_at", "created_at"]
    list_filter = ["environment", "status"]
    list_select_related = ["application", "partner"]
    search_fields = ["partner__name", "partner__slug"]
    search_help_text = _("Partner or id.")
    actions_detail = ["revoke"]
    fields = ["public_id", "application", "partner", "environment", "scopes", "member", "status", "last_used_at", "created_at"]

    @display(description=_("status"), ordering="status", label=LABELS)
    def shown_status(self, obj: Consent) -> tuple[str, str]:
        return obj.status, obj.get_status_display()

    revoke = Deed(
        verb=consents.revoke,
        states={Consent.Status.ACTIVE},
        label=_("Disconnect"),
        icon="link_off",
        text=_("The application may act for the partner no more, from its next call on. Both are told."),
    )


def _follow(*, signingkey: SigningKey, by: Actor) -> None:
    signing_keys.rotate(by=by)


def _replace(*, signingkey: SigningKey, by: Actor) -> None:
    signing_keys.rotate(by=by, at_once=True)


@admin.register(SigningKey)
class SigningKeyAdmin(Rows):
    """The keys that sign access tokens; they change by the clock."""

    list_display = ["public_id", "shown_state", "signs_from", "removed_at", "created_at"]
    actions_detail = ["follow", "replace"]
    fields = ["public_id", "shown_state", "signs_from", "removed_at", "created_at"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[SigningKey]:
        """Without the private half, which nobody is shown."""
        found: QuerySet[SigningKey] = super().get_queryset(request).defer("private_key")
        return found

    @display(description=_("state"), label=KEY_LABELS)
    def shown_state(self, obj: Any) -> tuple[str, str]:
        return obj.state, obj.state

    follow = Deed(
        verb=_follow,
        states={"current"},
        field="state",
        label=_("Let the next key follow"),
        icon="autorenew",
        text=_("The next key is published now and signs from tomorrow on. Nobody notices."),
    )
    replace = Deed(
        verb=_replace,
        states={"current", "coming", "past"},
        field="state",
        label=_("Replace at once"),
        icon="emergency",
        text=_("For a key that got out: a new one signs now, and no other is believed."),
    )

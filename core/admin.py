"""The operators' console for people and for operators' API tokens."""

import ipaddress
import json
from typing import Any, get_args

from django import forms
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import RangeDateFilter
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from core import audit_export, ids, operators, verifications
from core.actors import Kind
from core.console import Rows, each, may_change, operator_of
from core.events import TYPES
from core.models import Event, OperatorToken, User
from core.redaction import redacted


@admin.register(User)
class UserAdmin(ModelAdmin):
    """People: members of partners and operators. Passwords are theirs; a new operator sets one by "forgot password"."""

    list_display = ["email", "name", "is_staff", "is_active", "last_login", "created_at"]
    list_filter = ["is_staff", "is_superuser", "is_active"]
    search_fields = ["email", "name"]
    ordering = ["-id"]
    show_full_result_count = False
    fields = ["email", "name", "is_active", "is_staff", "is_superuser", "groups"]
    autocomplete_fields = ["groups"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Only superusers decide who is an operator; an address that is known to the sign-in is changed by its owner."""
        powers = [] if request.user.is_superuser else ["is_staff", "is_superuser", "groups"]
        return [*(["email"] if obj else []), *powers]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Superusers are changed by superusers."""
        above = obj is not None and obj.is_superuser and not request.user.is_superuser
        return not above and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        obj.email = obj.email.lower()
        if not change:
            obj.set_unusable_password()
        super().save_model(request, obj, form, change)
        operators.refresh(user=obj)


class TokenForm(forms.ModelForm):
    """A token to be made for the operator who fills this in."""

    scopes = forms.MultipleChoiceField(
        label=_("Scopes"),
        choices=[("*", _("Everything")), *((name, f"{name}: {text}") for name, text in operators.SCOPES.items())],
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )

    class Meta:
        model = OperatorToken
        fields = ["name", "scopes", "expires_at"]


@admin.register(OperatorToken)
class OperatorTokenAdmin(ModelAdmin):
    """Operators' API tokens. The text of a new one is on the page that answers, and nowhere else."""

    list_display = ["name", "user", "hint", "shown_state", "expires_at", "created_at"]
    list_filter = [("revoked_at", admin.EmptyFieldListFilter)]
    list_select_related = ["user"]
    search_fields = ["name", "hint", "user__email"]
    ordering = ["-id"]
    actions = ["revoke"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """A token may whatever its scopes say, and no group bounds those; so only superusers make one."""
        return bool(request.user.is_superuser)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_act_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether the operator may revoke."""
        return may_change(request, OperatorToken)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(request, obj, change, **({} if obj else {"form": TokenForm}), **kwargs)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        shown = ["public_id", "user", "hint", "created_at", "revoked_at"] if obj else []
        return ["name", "scopes", "expires_at", *shown]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return self.get_fields(request, obj) if obj else []

    def save_model(self, request: HttpRequest, obj: OperatorToken, form: Any, change: bool) -> None:
        user: Any = request.user
        issued = operators.issue(
            user=user, name=obj.name, scopes=form.cleaned_data["scopes"], by=operator_of(request), expires_at=obj.expires_at
        )
        obj.__dict__.update(issued.token.__dict__)
        request.issued = issued  # type: ignore[attr-defined]  # for response_add

    def response_add(self, request: HttpRequest, obj: OperatorToken, post_url_continue: str | None = None) -> HttpResponse:
        """Show the text in the answer itself, so that it is kept nowhere on its way."""
        issued: Any = request.issued  # type: ignore[attr-defined]  # by save_model
        context = {**self.admin_site.each_context(request), "title": _("Your new token"), "issued": issued}
        response = TemplateResponse(request, "admin/core/operatortoken/issued.html", context)
        response["Cache-Control"] = "no-store"
        return response

    @display(description=_("id"))
    def public_id(self, obj: OperatorToken) -> str:
        return obj.public_id

    @display(description=_("state"), label={"works": "success", "ended": "danger"})
    def shown_state(self, obj: OperatorToken) -> tuple[str, Any]:
        return ("ended", _("Ended")) if obj.has_ended else ("works", _("Works"))

    @action(description=_("Revoke"), permissions=["act"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[OperatorToken]) -> None:
        each(request, queryset, lambda row: operators.revoke(token=row, by=operator_of(request)))


class FamilyFilter(admin.SimpleListFilter):
    """By what stands before the dot of a type."""

    title = _("kind of event")
    parameter_name = "family"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in sorted({kind.partition(".")[0] for kind in TYPES})]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Event]) -> QuerySet[Event]:
        return queryset.filter(type__startswith=f"{self.value()}.") if self.value() else queryset


class ActorFilter(admin.SimpleListFilter):
    """By who did it."""

    title = _("who")
    parameter_name = "actor"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(kind, kind) for kind in get_args(Kind)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Event]) -> QuerySet[Event]:
        return queryset.filter(actor_kind=self.value()) if self.value() else queryset


@admin.register(Event)
class EventAdmin(Rows):
    """The audit log of all partners and of the platform itself. It can be read and exported, never changed."""

    list_display = ["created_at", "type", "subject", "whose", "actor_kind", "actor_label", "address", "number"]
    list_filter = [FamilyFilter, ActorFilter, "environment", ("created_at", RangeDateFilter)]
    list_filter_submit = True
    search_fields = ["=type", "=subject", "=actor_label"]
    search_help_text = _("An event's id, a partner's, an object's or a doer's; a type; an IP address.")
    sortable_by: list[str] = []
    actions = ["export_csv", "export_json"]
    fields = [
        "public_id",
        "whose",
        "number",
        "created_at",
        "environment",
        "type",
        "subject",
        "actor_kind",
        "actor_label",
        "actor_id",
        "address",
        "request_id",
        "facts",
        "chain",
    ]

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        """By an id of anything: the event itself, its partner, its doer, or what it is about; by an address; by exact words."""
        term = search_term.strip()
        try:
            return queryset.filter(address=str(ipaddress.ip_address(term))), False
        except ValueError:
            pass
        try:
            named = ids.decode(term.rpartition("_")[0], term)
        except ids.MalformedId:
            return super().get_search_results(request, queryset, search_term)
        return queryset.filter(Q(pk=named) | Q(partner_id=named) | Q(actor_id=named) | Q(subject=term)), False

    @display(description=_("partner"))
    def whose(self, obj: Event) -> str:
        return ids.encode("ptn", obj.partner_id) if obj.partner_id else str(_("the platform"))

    @display(description=_("what it says"))
    def facts(self, obj: Event) -> SafeString:
        shown = json.dumps(redacted(obj.data), indent=2, ensure_ascii=False, sort_keys=True)
        return format_html("<pre>{}</pre>", shown)

    @display(description=_("the chain it stands in"))
    def chain(self, obj: Event) -> str:
        return verifications.standing(obj.partner_id).sentence

    @action(description=_("Export as CSV"))
    def export_csv(self, request: HttpRequest, queryset: QuerySet[Event]) -> HttpResponseBase:
        return audit_export.as_csv(queryset)

    @action(description=_("Export as JSON"))
    def export_json(self, request: HttpRequest, queryset: QuerySet[Event]) -> HttpResponseBase:
        return audit_export.as_json(queryset)

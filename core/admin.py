"""The operators' console for people and for operators' API tokens."""

import ipaddress
import json
from typing import Any, get_args

import django.contrib.auth.admin  # noqa: F401  (registers what is taken back below)
from django import forms
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from core import (
    audit_export,
    blocks_admin,  # noqa: F401  (registers)
    ids,
    operators,
    roles,
    verifications,
)
from core.actors import Kind
from core.console import Deed, Rows, operator_of
from core.console_lists import ConsoleList, DaysFilter, newest, rows_named
from core.events import TYPES
from core.models import Event, OperatorToken, User
from core.redaction import redacted

admin.site.unregister(Group)

POWERS = ["is_staff", "is_superuser", "groups"]


class RolesField(forms.ModelMultipleChoiceField):
    """Groups, the operators' roles in words."""

    def label_from_instance(self, obj: Any) -> str:
        words = roles.DESCRIPTIONS.get(obj.name)
        return f"{roles.Role(obj.name).label}: {words}" if words else str(obj)


@admin.register(User)
class UserAdmin(ConsoleList):
    """People: members of partners and operators. Passwords are theirs; a new operator sets one by "forgot password"."""

    list_display = ["email", "name", "is_staff", "is_active", "last_login", "created_at"]
    list_filter = ["is_staff", "is_superuser", "is_active"]
    search_fields = ["email", "name"]
    ordering = ["-id"]
    fields = ["email", "name", "is_active", *POWERS]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Only superusers decide who is an operator, and not about themselves; an address is changed by its owner."""
        decides = request.user.is_superuser and obj != request.user
        own = ["is_active"] if obj == request.user else []
        return [*(["email"] if obj else []), *own, *([] if decides else POWERS)]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Operators are changed by superusers."""
        above = obj is not None and obj.is_staff and not request.user.is_superuser
        return not above and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "groups":
            return RolesField(
                label=_("Roles"),
                queryset=Group.objects.order_by("name"),
                required=False,
                widget=UnfoldAdminCheckboxSelectMultipleWidget,
            )
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        obj.email = obj.email.lower()
        if not change:
            obj.set_unusable_password()
        known = User.objects.filter(pk=obj.pk).first()
        obj.is_staff, obj.is_superuser = (known.is_staff, known.is_superuser) if known else (False, False)
        super().save_model(request, obj, form, change)
        if "is_active" in form.changed_data:
            operators.refresh(user=obj)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Roles are given by the verb, not by the form."""
        powers = {name: form.cleaned_data[name] for name in POWERS if name in form.cleaned_data}
        if powers:
            operators.appoint(user=form.instance, by=operator_of(request), **powers)


@admin.register(Group)
class GroupAdmin(ConsoleList):
    """Roles of operators. Those that come with the platform are as `core.roles` has them; an installation may add its own."""

    list_display = ["name", "people"]
    search_fields = ["name"]
    ordering = ["name"]
    filter_horizontal = ["permissions"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return not (obj and obj.name in roles.Role.values) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return not (obj and obj.name in roles.Role.values) and super().has_delete_permission(request, obj)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        for user in form.instance.user_set.filter(is_staff=True):
            operators.refresh(user=user)

    @display(description=_("operators"))
    def people(self, obj: Group) -> int:
        return obj.user_set.filter(is_staff=True).count()


class TokenForm(forms.ModelForm):
    """A token to be made for the operator who fills this in."""

    operator: User
    scopes = forms.MultipleChoiceField(label=_("Scopes"), widget=UnfoldAdminCheckboxSelectMultipleWidget)

    class Meta:
        model = OperatorToken
        fields = ["name", "scopes", "expires_at"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        own = operators.scopes_of(self.operator)
        scopes: Any = self.fields["scopes"]
        scopes.choices = [
            ("*", _("Everything that I may")),
            *((name, f"{name}: {text}") for name, text in operators.SCOPES.items() if name in own),
        ]


@admin.register(OperatorToken)
class OperatorTokenAdmin(ConsoleList):
    """Operators' API tokens. The text of a new one is on the page that answers, and nowhere else.

    Everybody has their own; superusers see all of them.
    """

    list_display = ["name", "user", "hint", "shown_state", "expires_at", "created_at"]
    list_filter = [("revoked_at", admin.EmptyFieldListFilter)]
    list_select_related = ["user"]
    search_fields = ["name", "hint", "user__email"]
    ordering = ["-id"]
    actions = ["revoke_selected"]
    actions_detail = ["revoke"]

    def get_queryset(self, request: HttpRequest) -> Any:
        rows = super().get_queryset(request)
        return rows if request.user.is_superuser else rows.filter(user=request.user)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        own = {} if obj else {"form": type("OwnTokenForm", (TokenForm,), {"operator": request.user})}
        return super().get_form(request, obj, change, **own, **kwargs)

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

    revoke = Deed(
        verb=operators.revoke,
        states={False},
        field="has_ended",
        label=_("Revoke"),
        icon="key_off",
        text=_("Its calls are refused from the next one on."),
        takes=lambda row, request: {"token": row},
        chosen=_("Revoke"),
    )


class FamilyFilter(admin.SimpleListFilter):
    """By what stands before the dot of a type."""

    title = _("kind of event")
    parameter_name = "family"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in sorted({kind.partition(".")[0] for kind in TYPES})]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Event]) -> QuerySet[Event]:
        chosen = [name for name in TYPES if name.startswith(f"{self.value()}.")]
        return queryset.filter(type__in=chosen) if self.value() else queryset


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
    list_filter = [FamilyFilter, ActorFilter, "environment", ("created_at", DaysFilter)]
    list_filter_submit = True
    list_disable_select_all = False
    search_fields = ["=type", "=subject", "=actor_label"]
    search_help_text = _("An event's id, a partner's, an object's or a doer's; a type; an IP address.")
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
        prefix = term.rpartition("_")[0]
        try:
            named = ids.decode(prefix, term)
        except ids.MalformedId:
            return super().get_search_results(request, queryset, search_term)
        if prefix in {"evt", "ptn"}:
            return rows_named(queryset, term), False
        found = {*newest(queryset.filter(subject=term)), *newest(queryset.filter(actor_id=named))}
        return queryset.filter(pk__any_of=list(found)), False

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

"""The operators' console for people and for operators' API tokens."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from core import operators
from core.console import each, may_change, operator_of
from core.models import OperatorToken, User


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

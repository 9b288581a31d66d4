"""The operators' console for the block list."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextInputWidget, UnfoldBooleanSwitchWidget

from core import blocks
from core.console import Deed, operator_of
from core.console_lists import ConsoleList
from core.models import Block
from core.problems import ValidationError


class BlockForm(forms.ModelForm):
    """An address or network to be blocked. What speaks against it is said beside the field, from the verb."""

    request: Any
    sure = forms.BooleanField(
        label=_("I am sure"),
        required=False,
        help_text=_("Wanted only for a very wide network, one with your own address, or one with a proxy of this installation."),
        widget=UnfoldBooleanSwitchWidget,
    )

    class Meta:
        model = Block
        fields = ["network", "reason", "expires_at"]
        widgets = {"network": UnfoldAdminTextInputWidget(attrs={"placeholder": "203.0.113.0/24", "spellcheck": "false"})}

    def clean(self) -> dict[str, Any]:
        """Block it: whoever reads the form's mistakes reads the verb's."""
        given: dict[str, Any] = super().clean() or {}
        if not self.errors:
            try:
                self.made = blocks.block(**given, by=operator_of(self.request))
            except ValidationError as problem:
                for error in problem.facts["errors"]:
                    self.add_error(error["pointer"].split("/")[1], error["detail"])
        return given


class HoldsFilter(admin.SimpleListFilter):
    """What holds now, unless others are asked for."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("holds", _("Blocked now")), ("over", _("Expired or lifted"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        if self.value() == "holds":
            return queryset.in_force()
        return queryset.over() if self.value() == "over" else queryset


@admin.register(Block)
class BlockAdmin(ConsoleList):
    """Blocked addresses and networks. A search for an address finds the networks that it lies in."""

    list_display = ["network", "reason", "shown_state", "expires_at", "blocked_by", "created_at"]
    list_filter = [HoldsFilter]
    search_fields = ["network", "reason"]
    search_help_text = _("An address finds the networks it lies in; or words of the reason.")
    actions = ["lift_selected"]
    actions_detail = ["lift"]

    lift = Deed(
        verb=blocks.lift,
        states={"holds"},
        field="state",
        label=_("Lift"),
        icon="lock_open",
        text=_("Calls and visits from there are let through again within a second."),
        chosen=_("Lift the block"),
    )

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        own = {} if obj else {"form": type("OwnBlockForm", (BlockForm,), {"request": request})}
        return super().get_form(request, obj, change, **own, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        shown = ["shown_state", "blocked_by", "created_at", "lifted_at", "lifted_by"] if obj else ["sure"]
        return ["network", "reason", "expires_at", *shown]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return self.get_fields(request, obj) if obj else []

    def save_model(self, request: HttpRequest, obj: Block, form: Any, change: bool) -> None:
        """The form's verb has made it."""
        obj.__dict__.update(form.made.__dict__)

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        around = queryset.containing(search_term)
        return (around, False) if around.exists() else super().get_search_results(request, queryset, search_term)

    @display(description=_("state"), label={"holds": "danger", "expired": "info", "lifted": "success"})
    def shown_state(self, obj: Block) -> tuple[str, Any]:
        words = {"holds": _("Blocked"), "expired": _("Expired"), "lifted": _("Lifted")}
        return obj.state, words[obj.state]

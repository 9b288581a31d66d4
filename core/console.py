"""What the apps' admin classes share: rows that are only looked at, and deeds done to them by verbs."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import flatten
from django.contrib.auth import get_permission_codename
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminTextareaWidget

from core import console_bulk
from core.actors import Actor
from core.console_lists import ConsoleList
from core.middleware import Call
from core.problems import Problem

Facts = Callable[[Any, HttpRequest], dict[str, Any]]

DONE = _("Done.")


class ReadOnly:
    """An admin class or inline whose rows can be looked at; what changes them are its actions, which ask for `act`."""

    extra = 0
    fields: Any = None
    readonly_fields: Any = ()
    model: Any

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return flatten(self.fields or self.readonly_fields)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_act_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether the operator may change these rows, though by no form."""
        return may_change(request, self.model)


class Rows(ReadOnly, ConsoleList):
    """The console of a model whose rows nobody types: newest first, found by their public id too."""

    ordering = ["-id"]

    @admin.display(description=_("id"), ordering="id")
    def public_id(self, obj: Any) -> str:
        return str(obj.public_id)


class SureForm(BaseDialogForm):
    """Asks for nothing but the yes."""


class ReasonForm(BaseDialogForm):
    """Asks why."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=2_000,
        help_text=_("The partner reads it."),
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
    )


class NoteForm(BaseDialogForm):
    """Asks for the yes, with room for a note."""

    reason = forms.CharField(
        label=_("Note"), max_length=2_000, required=False, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3})
    )


@dataclass(frozen=True, kw_only=True)
class Deed:
    """A button on a row's page that calls `verb` after a dialog; put it into the admin class under the action's name.

    It is offered to those who have the `permission` (usually Django's to change such rows; see `core.roles`), while the row's
    `field` is one of `states` (always, if there are none). The verb takes `by`, what `asks` has asked for, and what `takes` makes
    of row and request: the row, under its model's name. With words for `chosen`, it is done to the chosen rows of a list too: put
    its name and `_selected` into `actions`.
    """

    verb: Callable[..., Any]
    label: Any
    icon: str
    text: Any
    states: Collection[object] = ()
    field: str = "status"
    title: Any = ""
    said: Any = DONE
    asks: type[BaseDialogForm] = SureForm
    takes: Facts = lambda row, request: {row._meta.model_name: row}
    permission: str = ""
    chosen: Any = ""

    def __set_name__(self, owner: type, name: str) -> None:
        """Put the action and its permission into the admin class, as Unfold looks for them."""
        deed = self

        def act(console: Any, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
            return deed.do(console, request, form, object_id)

        def may(console: Any, request: HttpRequest, object_id: Any = None) -> bool:
            return deed.may(console, request, object_id)

        act.__name__ = name
        dialog = {
            "title": self.title or self.label,
            "description": self.text,
            "form_class": self.asks,
            "form_submit_text": self.label,
        }
        decorate = action(
            description=self.label, url_path=name.replace("_", "-"), permissions=[name], icon=self.icon, dialog=dialog
        )
        setattr(owner, name, decorate(act))
        setattr(owner, f"has_{name}_permission", may)
        if self.chosen:
            setattr(owner, f"{name}_selected", console_bulk.action(self, name))

    def may(self, console: Any, request: HttpRequest, object_id: Any) -> bool:
        """Whether this operator may, and the row is in a state for it."""
        if not self.is_for(request.user, console.model):
            return False
        if not object_id or not self.states:
            return True
        row = console.get_object(request, str(object_id))
        return row is None or self.fits(row)

    def fits(self, row: Any) -> bool:
        """Whether the row is in a state for it."""
        return not self.states or getattr(row, self.field) in self.states

    def asked(self, form: Any) -> dict[str, Any]:
        """What the form was told, for `call`."""
        return {name: value for name, value in form.cleaned_data.items() if not name.startswith("_")}

    def call(self, row: Any, request: HttpRequest, asked: dict[str, Any]) -> None:
        """Do it. Raises what the verb raises."""
        self.verb(**self.takes(row, request), **asked, by=operator_of(request))

    def is_for(self, user: Any, model: type[Model]) -> bool:
        """Whether an operator may do such things at all."""
        return bool(user.has_perm(self.permission or _change(model)))

    def do(self, console: Any, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        """Do it to the row, say what came of it, and let the dialog load the row's page anew."""
        row = console.get_object(request, str(object_id))
        if row is None:
            raise Http404
        try:
            self.call(row, request, self.asked(form))
        except Problem as problem:
            messages.error(request, problem.said)
        else:
            messages.success(request, self.said)
        page = reverse(f"admin:{console.opts.app_label}_{console.opts.model_name}_change", args=[object_id])
        return HttpResponse(headers={"HX-Redirect": page})


def may_change(request: HttpRequest, model: type[Model]) -> bool:
    """Whether the operator has Django's right to change rows of a model, also where nobody types into them."""
    return bool(request.user.has_perm(_change(model)))


def _change(model: type[Model]) -> str:
    return f"{model._meta.app_label}.{get_permission_codename('change', model._meta)}"


def operator_of(request: HttpRequest) -> Actor:
    """The operator as the audit log keeps them."""
    call: Call = request.call  # type: ignore[attr-defined]  # by core.middleware
    return Actor("operator", request.user.pk, request.user.get_username(), call.address, call.id)

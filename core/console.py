"""What the apps' admin classes share: who acts, what is only looked at, and a verb applied to many rows."""

from collections.abc import Callable, Iterable
from typing import Any

from django.contrib import messages
from django.contrib.auth import get_permission_codename
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import ngettext

from core.actors import Actor
from core.middleware import Call
from core.problems import Problem


class ReadOnly:
    """An admin class or inline whose rows can be looked at; what changes them are its actions, which ask for `act`."""

    extra = 0
    fields: Any = None
    readonly_fields: Any = ()

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fields or self.readonly_fields

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_act_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether the operator may change these rows, though by no form."""
        return may_change(request, self.model)  # type: ignore[attr-defined]


def may_change(request: HttpRequest, model: type[Model]) -> bool:
    """Whether the operator has Django's right to change rows of a model."""
    permission = get_permission_codename("change", model._meta)
    return request.user.has_perm(f"{model._meta.app_label}.{permission}")


class NothingToSave:
    """An admin class whose rows are changed by actions only: its pages have no button that would save nothing."""

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        hidden = {"show_save": False, "show_save_and_continue": False, "show_save_and_add_another": False}
        return super().render_change_form(request, context | hidden, *args, **kwargs)  # type: ignore[misc]


def operator_of(request: HttpRequest) -> Actor:
    """The operator as the audit log keeps them."""
    call: Call = request.call  # type: ignore[attr-defined]
    return Actor("operator", request.user.pk, request.user.get_username(), call.address, call.id)


def each(request: HttpRequest, rows: Iterable[Any], deed: Callable[[Any], Any]) -> None:
    """Do it to each row; say how many were done, and of each that refused why."""
    changed = 0
    for row in rows:
        try:
            deed(row)
            changed += 1
        except Problem as problem:
            messages.warning(request, f"{row}: {problem.said}")
    if changed:
        messages.success(request, ngettext("%d row changed.", "%d rows changed.", changed) % changed)

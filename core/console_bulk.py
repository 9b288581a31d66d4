"""What is done to the chosen rows of a list: a page says what will happen to how many, then each refusal is told in words."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.problems import Problem

MOST_AT_ONCE = 500
MOST_TOLD = 20
SURE = "_sure"


def action(deed: Any, name: str) -> Callable[[Any, HttpRequest, Any], HttpResponse | None]:
    """The list's action that does the deed called `name`, after asking."""

    def chosen(console: Any, request: HttpRequest, queryset: Any) -> HttpResponse | None:
        rows = list(queryset[: MOST_AT_ONCE + 1])
        if len(rows) > MOST_AT_ONCE:
            messages.error(request, _("At most %d at once. Choose fewer, or narrow the list.") % MOST_AT_ONCE)
            return None
        fitting = [row for row in rows if deed.fits(row)]
        sure = SURE in request.POST
        form = deed.asks(request=request, data=request.POST if sure else None)
        if sure and form.is_valid():
            _do(deed, request, fitting, deed.asked(form))
            return redirect(request.get_full_path())
        context = {
            **console.admin_site.each_context(request),
            "title": deed.chosen,
            "opts": console.opts,
            "deed": deed,
            "form": form,
            "fitting": fitting,
            "others": [(row, _state(row, deed.field)) for row in rows if row not in fitting],
            "action": f"{name}_selected",
            "checkbox": ACTION_CHECKBOX_NAME,
            "sure": SURE,
        }
        return TemplateResponse(request, "admin/confirm_chosen.html", context)

    chosen.__name__ = f"{name}_selected"
    chosen.short_description = deed.chosen  # type: ignore[attr-defined]  # as Django looks for it
    chosen.allowed_permissions = [name]  # type: ignore[attr-defined]
    return chosen


def _state(row: Any, field: str) -> str:
    said = getattr(row, f"get_{field}_display", None)
    return str(said() if said else "")


def _do(deed: Any, request: HttpRequest, rows: list[Any], asked: dict[str, Any]) -> None:
    """Each by itself: what one refuses leaves the others done."""
    refused = []
    for row in rows:
        try:
            deed.call(row, request, asked)
        except Problem as problem:
            refused.append(f"{row}: {problem.said}")
    done = len(rows) - len(refused)
    if done:
        messages.success(request, ngettext("%d row changed.", "%d rows changed.", done) % done)
    for said in refused[:MOST_TOLD]:
        messages.warning(request, said)
    more = len(refused) - MOST_TOLD
    if more > 0:
        messages.warning(request, ngettext("%d more refused.", "%d more refused.", more) % more)
    if not rows:
        messages.info(request, _("None of them is in a state for this. Nothing was changed."))

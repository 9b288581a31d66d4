"""The operator's console for requests."""

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.admin import ModelAdmin

from core.actors import Actor
from core.console import NothingToSave
from core.middleware import Call
from core.states import StaleState
from products.requests import requests
from products.requests.models import Request, RequestType


@admin.register(RequestType)
class RequestTypeAdmin(ModelAdmin):  # type: ignore[misc]
    """SLA, attempts and pauses of each type."""

    list_display = ["name", "description", "sla", "max_attempts", "backoff", "longest_backoff"]
    search_fields = ["name", "description"]


@admin.register(Request)
class RequestAdmin(NothingToSave, ModelAdmin):  # type: ignore[misc]
    """Requests can be looked at, retried and ended; partners and workers make everything else happen."""

    list_display = ["public_id", "partner", "type", "status", "progress", "attempts", "due_at", "breached_at", "created_at"]
    list_filter = ["status", "type", "environment", ("breached_at", admin.EmptyFieldListFilter)]
    list_select_related = ["partner"]
    search_fields = ["partner__name", "partner__slug", "type"]
    actions = ["try_again", "end_as_failed"]
    show_full_result_count = False
    ordering = ["-id"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        hidden = {"id", "lease", "claimant"}
        return ["public_id", *(field.name for field in Request._meta.fields if field.name not in hidden)]

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        found = Request.objects.public(search_term.strip())
        return (found, False) if found.exists() else super().get_search_results(request, queryset, search_term)

    @admin.display(description=_("id"), ordering="id")
    def public_id(self, obj: Request) -> str:
        return obj.public_id

    @admin.action(description=_("Try failed requests again"), permissions=["change"])
    def try_again(self, request: HttpRequest, queryset: Any) -> None:
        self._each(request, queryset, lambda row: requests.retry(request=row, by=_operator(request)))

    @admin.action(description=_("End unfinished requests as failed"), permissions=["change"])
    def end_as_failed(self, request: HttpRequest, queryset: Any) -> None:
        reason = str(_("Ended by the operator."))
        self._each(request, queryset, lambda row: requests.abandon(request=row, error=reason, by=_operator(request)))

    def _each(self, request: HttpRequest, queryset: Any, verb: Any) -> None:
        done = skipped = 0
        for row in queryset:
            try:
                verb(row)
                done += 1
            except StaleState:
                skipped += 1
        if done:
            messages.success(request, ngettext("%d request changed.", "%d requests changed.", done) % done)
        if skipped:
            text = ngettext("%d request is in another state.", "%d requests are in another state.", skipped)
            messages.warning(request, text % skipped)


def _operator(request: HttpRequest) -> Actor:
    call: Call = request.call  # type: ignore[attr-defined]
    return Actor("operator", request.user.pk, request.user.get_username(), call.address, call.id)

"""The operator's console for webhooks: looked at freely, changed by the same verbs as everywhere."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.formats import date_format
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.admin import ModelAdmin

from core.actors import Actor
from core.console import NothingToSave
from core.middleware import Call
from core.problems import Conflict, ValidationError
from webhooks import deliveries, endpoints, publishing
from webhooks.models import Attempt, Delivery, Endpoint, EventType


class ReadMostly(NothingToSave, ModelAdmin):  # type: ignore[misc]
    """Rows that nobody types: shown whole, found by their public id."""

    hidden: frozenset[str] = frozenset({"id"})
    show_full_result_count = False
    ordering = ["-id"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return self.get_readonly_fields(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["public_id", *(field.name for field in self.model._meta.fields if field.name not in self.hidden)]

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        found = queryset.public(search_term.strip())
        return (found, False) if found.exists() else super().get_search_results(request, queryset, search_term)

    @admin.display(description=_("id"), ordering="id")
    def public_id(self, obj: Any) -> str:
        return str(obj.public_id)

    def each(self, request: HttpRequest, rows: Any, verb: Callable[[Any], object]) -> None:
        """Do it to every row whose state allows it, and say to how many."""
        done = skipped = 0
        for row in rows:
            try:
                verb(row)
                done += 1
            except Conflict:
                skipped += 1
        if done:
            messages.success(request, ngettext("Done for %d row.", "Done for %d rows.", done) % done)
        if skipped:
            text = ngettext(
                "%d row is in a state that doesn't allow it.", "%d rows are in a state that doesn't allow it.", skipped
            )
            messages.warning(request, text % skipped)


@admin.register(Endpoint)
class EndpointAdmin(ReadMostly):
    """Endpoints of all partners. Secrets are not shown to operators."""

    hidden = frozenset({"id", "secret", "previous_secret"})
    list_display = ["url", "partner", "environment", "event_types", "status", "status_reason", "created_at"]
    list_filter = ["status", "environment"]
    list_select_related = ["partner"]
    search_fields = ["url", "partner__name", "partner__slug"]
    actions = ["pause", "enable"]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("secret", "previous_secret")

    @admin.action(description=_("Pause: hold what happens"), permissions=["change"])
    def pause(self, request: HttpRequest, queryset: Any) -> None:
        self.each(request, queryset, lambda row: endpoints.pause(endpoint=row, by=_operator(request)))

    @admin.action(description=_("Enable: send what was held"), permissions=["change"])
    def enable(self, request: HttpRequest, queryset: Any) -> None:
        self.each(request, queryset, lambda row: endpoints.enable(endpoint=row, by=_operator(request)))


@admin.register(Delivery)
class DeliveryAdmin(ReadMostly):
    """Deliveries of all partners, with their attempts."""

    list_display = ["public_id", "partner", "event_type", "endpoint", "status", "attempt_count", "status_code", "due_at"]
    list_filter = ["status", "environment", "event_type"]
    list_select_related = ["partner", "endpoint"]
    search_fields = ["endpoint__url", "partner__name", "partner__slug", "event_type"]
    actions = ["send_again"]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("endpoint__secret", "endpoint__previous_secret")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [*super().get_readonly_fields(request, obj), "attempts"]

    @admin.display(description=_("attempts"))
    def attempts(self, obj: Delivery) -> SafeString:
        rows = Attempt.objects.of(obj).values_list("number", "created_at", "status_code", "duration_ms", "explanation")
        shown = ((number, date_format(at, "j M Y, H:i:s"), code or "–", took, said) for number, at, code, took, said in rows)
        return format_html_join("", "<div>{}. {} · {} · {} ms · {}</div>", shown)

    @admin.action(description=_("Send again now"), permissions=["change"])
    def send_again(self, request: HttpRequest, queryset: Any) -> None:
        self.each(request, queryset, lambda row: deliveries.retry(delivery=row, by=_operator(request)))


class EventTypeForm(ModelForm):  # type: ignore[type-arg]
    """Asks the same questions as the API."""

    class Meta:
        model = EventType
        fields = ["name", "description", "schema", "example"]

    def clean(self) -> Any:
        facts = super().clean() or {}
        if not self.errors:
            try:
                publishing.check_type(**facts)
            except (ValidationError, Conflict) as problem:
                found = problem.facts.get("errors") or [{"detail": problem.said}]
                for error in found:
                    self.add_error(None, error["detail"])
        return facts


@admin.register(EventType)
class EventTypeAdmin(ModelAdmin):  # type: ignore[misc]
    """Types that operators added. A type stays as it is: receivers rely on its shape."""

    form = EventTypeForm
    list_display = ["name", "description", "created_at"]
    search_fields = ["name", "description"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        made = publishing.create_type(by=_operator(request), **form.cleaned_data)
        obj.pk = made.pk


def _operator(request: HttpRequest) -> Actor:
    call: Call = request.call  # type: ignore[attr-defined]
    return Actor("operator", request.user.pk, request.user.get_username(), call.address, call.id)

"""The operator's console for endpoints and deliveries: looked at freely, changed by the same verbs as everywhere."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.formats import date_format
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from core.console import Deed, Rows
from core.console_lists import DaysFilter
from partners.console_filters import PartnerFilter
from webhooks import (
    deliveries,
    endpoints,
    event_types_admin,  # noqa: F401  (registers it)
)
from webhooks.models import Attempt, Delivery, Endpoint


class Whole(Rows):
    """Rows that are shown with all their fields but the `hidden` ones."""

    hidden: frozenset[str] = frozenset({"id"})

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.get_readonly_fields(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ["public_id", *(field.name for field in self.model._meta.fields if field.name not in self.hidden)]


@admin.register(Endpoint)
class EndpointAdmin(Whole):
    """Endpoints of all partners. Secrets are not shown to operators."""

    hidden = frozenset({"id", "secret", "previous_secret"})
    list_display = ["url", "partner", "environment", "event_types", "status", "status_reason", "created_at"]
    list_filter = ["status", "environment"]
    list_select_related = ["partner"]
    search_fields = ["url", "partner__name", "partner__slug"]
    actions = ["pause_selected", "enable_selected"]
    actions_detail = ["pause", "enable"]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("secret", "previous_secret")

    pause = Deed(
        verb=endpoints.pause,
        states={Endpoint.Status.ACTIVE},
        label=_("Pause"),
        icon="pause",
        text=_("What happens is held until it is enabled again."),
        chosen=_("Pause: hold what happens"),
    )
    enable = Deed(
        verb=endpoints.enable,
        states={Endpoint.Status.PAUSED, Endpoint.Status.DISABLED},
        label=_("Enable"),
        icon="play_arrow",
        text=_("What was held is sent, oldest first."),
        chosen=_("Enable: send what was held"),
    )


@admin.register(Delivery)
class DeliveryAdmin(Whole):
    """Deliveries of all partners, with their attempts."""

    list_display = ["public_id", "partner", "event_type", "endpoint", "status", "attempt_count", "status_code", "due_at"]
    list_filter = ["status", "environment", ("created_at", DaysFilter), PartnerFilter]
    list_filter_submit = True
    list_select_related = ["partner", "endpoint"]
    search_fields = ["endpoint__url", "partner__name", "partner__slug"]
    actions = ["send_again_selected"]
    actions_detail = ["send_again"]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("endpoint__secret", "endpoint__previous_secret")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [*super().get_readonly_fields(request, obj), "attempts"]

    @admin.display(description=_("attempts"))
    def attempts(self, obj: Delivery) -> SafeString:
        rows = Attempt.objects.of(obj).values_list("number", "created_at", "status_code", "duration_ms", "explanation")
        shown = ((number, date_format(at, "j M Y, H:i:s"), code or "–", took, said) for number, at, code, took, said in rows)
        return format_html_join("", "<div>{}. {} · {} · {} ms · {}</div>", shown)

    send_again = Deed(
        verb=deliveries.retry,
        label=_("Send again"),
        icon="replay",
        text=_("The next attempt is made now, whatever came of the last."),
        chosen=_("Send again now"),
    )

"""The operator's console for endpoints, deliveries and replays: looked at freely, changed by the same verbs as everywhere."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.formats import date_format
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldBooleanSwitchWidget

from core import clock
from core.console import Deed, ReasonForm, Rows
from core.console_lists import DaysFilter
from partners.console_filters import PartnerFilter
from webhooks import (
    circuits,
    deliveries,
    endpoints,
    event_types_admin,  # noqa: F401  (registers it)
    halts,
    own_headers,
    queue,
    replays,
)
from webhooks.models import Attempt, Delivery, Endpoint, Halt, Replay
from webhooks.replays import Selection

MOST_FAILING = 100


class Whole(Rows):
    """Rows that are shown with all their fields but the `hidden` ones."""

    hidden: frozenset[str] = frozenset({"id"})

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.get_readonly_fields(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ["public_id", *(field.name for field in self.model._meta.fields if field.name not in self.hidden)]


class ReplayForm(BaseDialogForm):
    """Since when, and whether only what was given up."""

    hours = forms.IntegerField(
        label=_("Hours back"), min_value=1, max_value=24 * 90, initial=24, widget=UnfoldAdminIntegerFieldWidget
    )
    only_failed = forms.BooleanField(
        label=_("Only what was given up"), required=False, initial=True, widget=UnfoldBooleanSwitchWidget
    )

    def clean(self) -> Any:
        given = super().clean() or {}
        since = clock.now() - timedelta(hours=given.get("hours") or 1)
        return {"selection": Selection(since=since, only_failed=given.get("only_failed", False))}


@admin.register(Endpoint)
class EndpointAdmin(Whole):
    """Endpoints of all partners. Secrets are not shown to operators."""

    hidden = frozenset({"id", "headers", "secret", "previous_secret"})
    list_display = ["url", "partner", "environment", "event_types", "status", "status_reason", "created_at"]
    list_filter = ["status", "environment"]
    list_select_related = ["partner"]
    search_fields = ["url", "partner__name", "partner__slug"]
    actions = ["pause_selected", "enable_selected"]
    actions_detail = ["pause", "enable", "replay", "pause_all", "resume_all"]
    actions_list = ["queue"]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("headers", "secret", "previous_secret")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [*super().get_readonly_fields(request, obj), "header_names"]

    @admin.display(description=_("headers"))
    def header_names(self, obj: Endpoint) -> str:
        return ", ".join(own_headers.of(obj)) or "–"

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

    replay = Deed(
        verb=replays.start,
        states={Endpoint.Status.ACTIVE},
        label=_("Replay"),
        icon="replay",
        text=_("What happened since then is sent again, under the same ids."),
        asks=ReplayForm,
    )
    pause_all = Deed(
        verb=halts.halt,
        label=_("Pause all of this partner’s"),
        icon="front_hand",
        text=_("Every endpoint of the partner, live and test, is paused until you let them go on. What happens is held."),
        asks=ReasonForm,
        takes=lambda row, request: {"partner": row.partner},
    )
    resume_all = Deed(
        verb=halts.resume,
        label=_("Let all of this partner’s go on"),
        icon="play_circle",
        text=_("Those that were paused with all the others are active again, and what was held is sent."),
        takes=lambda row, request: {"partner": row.partner},
    )

    @action(description=_("Queue"), url_path="queue", permissions=["view"], icon="monitoring")
    def queue(self, request: HttpRequest) -> HttpResponse:
        """How deliveries get on as a whole, and which endpoints fail."""
        context = {
            **self.admin_site.each_context(request),
            "title": _("Webhook queue"),
            "depth": queue.depth(),
            "minute": queue.attempts(queue.MINUTE),
            "hour": queue.attempts(queue.HOUR),
            "failing": [(health, circuits.of(health.endpoint)) for health in queue.failing()[:MOST_FAILING]],
            "halts": Halt.objects.select_related("partner")[:MOST_FAILING],
        }
        return render(request, "admin/webhooks/queue.html", context)


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
        return super().get_queryset(request).defer("endpoint__headers", "endpoint__secret", "endpoint__previous_secret")

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


@admin.register(Replay)
class ReplayAdmin(Whole):
    """Replays of all partners, and how far they have come."""

    hidden = frozenset({"id", "position", "last"})
    list_display = ["public_id", "partner", "endpoint", "status", "matched", "queued", "created_at", "finished_at"]
    list_filter = ["status", "environment", ("created_at", DaysFilter), PartnerFilter]
    list_filter_submit = True
    list_select_related = ["partner", "endpoint"]
    search_fields = ["endpoint__url", "partner__name", "partner__slug"]
    actions_detail = ["stop"]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("endpoint__headers", "endpoint__secret", "endpoint__previous_secret")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [*super().get_readonly_fields(request, obj), "progress"]

    @admin.display(description=_("progress"))
    def progress(self, obj: Replay) -> str:
        so_far = replays.progress(obj)
        said = _(
            "{percent}%: {attempted} of {matched} sent, {succeeded} delivered, {retrying} to be tried again, {failed} given up"
        )
        facts = {name: getattr(so_far, name) for name in ("percent", "attempted", "matched", "succeeded", "retrying", "failed")}
        return str(said).format(**facts)

    stop = Deed(
        verb=replays.cancel,
        states=set(Replay.OPEN),
        label=_("Stop"),
        icon="cancel",
        text=_("Nothing more is sent again. What was not sent yet counts as delivered if it ever was, otherwise as failed."),
    )

"""The operator's console for its own event types: added, changed, retired, and published by hand."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.widgets import UnfoldBooleanSwitchWidget

from core.console import Deed, operator_of
from core.console_lists import ConsoleList
from core.problems import Problem
from webhooks import catalogue, own_types, publishing
from webhooks.models import EventType
from webhooks.publish_form import PublishForm, publish_once


class EventTypeForm(ModelForm):
    """Asks the same questions as the API."""

    new_version = forms.BooleanField(
        label=_("Make it another version"),
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        help_text=_("Needed when the schema changes so that receivers may be surprised. Earlier events keep their version."),
    )

    class Meta:
        model = EventType
        fields = ["name", "description", "schema", "example"]

    def clean(self) -> Any:
        facts = super().clean() or {}
        if self.errors:
            return facts
        asked = {"schema": facts["schema"], "example": facts["example"]}
        try:
            if self.instance.pk and not self.instance._state.adding:
                kept = EventType.objects.get(pk=self.instance.pk)
                own_types.check_change(kept, **asked, new_version=facts.get("new_version", False))
            else:
                own_types.check(name=facts["name"], **asked)
        except Problem as problem:
            for error in problem.facts.get("errors") or [{"detail": problem.said}]:
                self.add_error(None, " ".join(filter(None, [error.get("pointer"), error["detail"]])))
        return facts


@admin.register(EventType)
class EventTypeAdmin(ConsoleList):
    """Types that operators added, with who subscribes."""

    form = EventTypeForm
    list_display = ["name", "description", "version", "shown_state", "created_at"]
    search_fields = ["name", "description"]
    actions_list = ["publish"]
    actions_detail = ["retire", "restore"]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return ["name", "description", "schema", "example"]
        asked = ["new_version"] if self.has_change_permission(request, obj) else []
        return ["name", "version", "shown_state", "subscribers", "description", "schema", "example", *asked]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ["version", "shown_state", "subscribers", *(["name"] if obj else [])]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or obj.retired_at is None)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @display(description=_("state"), label={"in_use": "success", "retired": "warning"})
    def shown_state(self, obj: EventType) -> tuple[str, Any]:
        return obj.state, _("Retired") if obj.retired_at else _("In use")

    @admin.display(description=_("subscribers"))
    def subscribers(self, obj: EventType) -> str:
        return str(own_types.subscribers(obj.name)).capitalize()

    retire = Deed(
        verb=own_types.retire,
        states={"in_use"},
        field="state",
        label=_("Retire"),
        icon="inventory_2",
        text=_("Nobody can publish it any more; who subscribes stands on the page. It stays in the catalogue as retired."),
        takes=lambda row, request: {"event_type": row, "confirm": True},
    )
    restore = Deed(
        verb=own_types.restore,
        states={"retired"},
        field="state",
        label=_("Restore"),
        icon="unarchive",
        text=_("It can be published again, in the version it had."),
        takes=lambda row, request: {"event_type": row},
    )

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        facts = dict(form.cleaned_data)
        if change:
            facts.pop("name", None)
            own_types.change(event_type=obj, by=operator_of(request), **facts)
            return
        facts.pop("new_version", None)
        obj.pk = own_types.create(by=operator_of(request), **facts).pk

    def has_publish_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return bool(self.has_add_permission(request))

    @action(description=_("Publish an event"), url_path="publish", permissions=["publish"], icon="campaign")
    def publish(self, request: HttpRequest) -> HttpResponse:
        """Type and data, judged; then how many are told; then, confirmed, the event. One form publishes once."""
        form = PublishForm(request.POST) if request.method == "POST" else PublishForm.filled(request.GET.get("type", ""))
        told = None
        if request.method == "POST" and form.is_valid():
            try:
                if request.POST.get("publish") == form.mark:  # what is published is what was counted
                    event = publish_once(form, by=operator_of(request))
                    messages.success(request, _("{name} is published as {id}.").format(name=event["type"], id=event["id"]))
                    return redirect("admin:webhooks_eventtype_changelist")
                told = publishing.told(**form.facts)
            except Problem as problem:
                form.add_error(None, problem.said)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Publish an event"),
            "form": form,
            "told": told,
            "kinds": [kind for kind in catalogue.entries() if kind.published and not kind.retired],
        }
        return TemplateResponse(request, "admin/webhooks/publish.html", context, status=422 if form.errors else 200)

"""The operators' console for abuse: the rules, and what they found."""

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.postgres.forms import SimpleArrayField
from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminTextInputWidget

from abuse import incidents, patterns
from abuse.event_types import RULE_CHANGED
from abuse.models import Incident, Rule
from core import events, ids
from core.console import Deed, NoteForm, Rows, operator_of
from core.console_lists import ConsoleList

Status = Incident.Status


class RuleForm(forms.ModelForm):
    """A rule, with what doesn't fit together pointed out."""

    answers = SimpleArrayField(
        forms.CharField(max_length=64),
        label=_("Answers"),
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text=Rule._meta.get_field("answers").help_text,
    )

    class Meta:
        model = Rule
        fields = [
            "name", "status", "environment", "measure", "answers", "threshold", "least_share", "least_places", "window_minutes",
            "action", "partner_after", "partner_within_hours",
        ]  # fmt: skip

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        answers = given.get("answers") or []
        if wrong := list(patterns.mistakes(answers)):
            said = _("No problem code, status from 400 to 599, or class (4xx, 5xx): %s.")
            self.add_error("answers", str(said) % ", ".join(wrong))
        elif given.get("measure") == Rule.Measure.REFUSALS and not answers and "answers" not in self.errors:
            self.add_error("answers", _("Say which answers are counted."))
        if given.get("partner_after") and given.get("action") != Rule.Action.SUSPEND:
            self.add_error("partner_after", _("Only a rule that suspends keys can suspend their partner."))
        return given


@admin.register(Rule)
class RuleAdmin(ConsoleList):
    """Rules. One that is switched off looks at nothing; what it found stays."""

    form = RuleForm
    list_display = ["name", "shown_status", "said", "window_minutes", "environment", "shown_action"]
    ordering = ["name"]
    fieldsets = [
        (None, {"fields": ["name", "status", "environment"]}),
        (
            _("What it looks for, of one key"),
            {"fields": ["measure", "answers", "threshold", "least_share", "least_places", "window_minutes"]},
        ),
        (_("What is done"), {"fields": ["action", "partner_after", "partner_within_hours"]}),
    ]

    @display(description=_("state"), label={"on": "success", "off": "info"})
    def shown_status(self, obj: Rule) -> tuple[str, str]:
        return obj.status, obj.get_status_display()

    @display(description=_("looks for"))
    def said(self, obj: Rule) -> str:
        if obj.measure == Rule.Measure.NETWORKS:
            return str(_("%d networks")) % obj.threshold
        return f"{obj.threshold:,} × {', '.join(obj.answers)}" + (f", {obj.least_share} %" if obj.least_share else "")

    @display(description=_("what is done"), label={"notify": "info", "suspend": "danger"})
    def shown_action(self, obj: Rule) -> tuple[str, str]:
        return obj.action, obj.get_action_display()

    def save_model(self, request: HttpRequest, obj: Rule, form: Any, change: bool) -> None:
        with transaction.atomic():
            super().save_model(request, obj, form, change)
            data = {"name": obj.name, "changed": sorted(form.changed_data), "status": obj.status, "action": obj.action}
            events.emit(type=RULE_CHANGED, subject=obj, actor=operator_of(request), data=data)


COUNTED = {
    "matching": _("{number} that fit"),
    "calls": _("of {number} calls"),
    "paths": _("paths: {number}"),
    "networks": _("networks: {number}"),
    "window_minutes": _("within {number} minutes"),
}
"""What the evidence of an incident tells, in words."""


class OpenFilter(admin.SimpleListFilter):
    """The queue: keys that are suspended now."""

    title = _("queue")
    parameter_name = "open"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("Suspended now"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.open() if self.value() == "yes" else queryset


class DismissForm(NoteForm):
    """For how long the rule leaves the key alone."""

    days = forms.IntegerField(
        label=_("Days for which this rule leaves this key alone"),
        min_value=1,
        max_value=365,
        initial=30,
        widget=UnfoldAdminIntegerFieldWidget,
    )


@admin.register(Incident)
class IncidentAdmin(Rows):
    """What the rules found, with the evidence; suspensions are lifted, locked or marked as false alarms here."""

    list_display = ["partner", "key_name", "environment", "rule_name", "shown_status", "found", "created_at"]
    list_filter = [OpenFilter, "status"]
    list_select_related = ["partner", "key"]
    search_fields = ["partner__name", "partner__slug", "key__name", "key__hint"]
    search_help_text = _("Partner, key, or an id.")
    actions = ["lift_selected", "dismiss_selected"]
    actions_detail = ["lift", "lock", "dismiss"]
    fields = [
        "public_id",
        "partner",
        "key_link",
        "environment",
        "rule_name",
        "action",
        "status",
        "found",
        "counted",
        "samples",
        "created_at",
        "decided_at",
        "decided_by",
        "note",
    ]

    lift = Deed(
        verb=incidents.lift,
        states=set(Incident.OPEN),
        label=_("Lift"),
        icon="lock_open",
        text=_("The key works again from its next call on."),
        asks=NoteForm,
        chosen=_("Lift the suspension"),
    )
    lock = Deed(
        verb=incidents.lock,
        states={Status.SUSPENDED},
        label=_("Lock"),
        icon="lock",
        text=_("The partner can’t resume the key any more; its callers are told to write to support."),
        asks=NoteForm,
    )
    dismiss = Deed(
        verb=incidents.dismiss,
        states=set(Status) - {Status.FALSE_ALARM},
        label=_("False alarm"),
        icon="notifications_off",
        text=_("A suspended key works again, and the rule leaves this key alone for a while."),
        asks=DismissForm,
        chosen=_("Mark as false alarms"),
    )

    @display(description=_("key"))
    def key_name(self, obj: Incident) -> str:
        return str(obj.key)

    @display(description=_("key"))
    def key_link(self, obj: Incident) -> SafeString:
        url = reverse("admin:apikeys_key_change", args=[obj.key_id])
        return format_html('<a class="text-primary-600 dark:text-primary-500" href="{}">{}</a>', url, obj.key)

    @display(
        description=_("state"),
        label={"noted": "info", "suspended": "danger", "locked": "danger", "resumed": "warning", "lifted": "success"},
    )
    def shown_status(self, obj: Incident) -> tuple[str, str]:
        return obj.status, obj.get_status_display()

    @display(description=_("counted"))
    def counted(self, obj: Incident) -> str:
        told = [str(text).format(number=f"{obj.evidence[name]:,}") for name, text in COUNTED.items() if name in obj.evidence]
        if "first_at" in obj.evidence and "last_at" in obj.evidence:
            told += [_moment(obj.evidence["first_at"]) + " – " + _moment(obj.evidence["last_at"]) + " UTC"]
        return ", ".join(told) or "–"

    @display(description=_("samples"))
    def samples(self, obj: Incident) -> SafeString | str:
        links = [(_call_url(each), each) for each in obj.evidence.get("samples", ())]
        shown = '<a class="text-primary-600 dark:text-primary-500" href="{}">{}</a>'
        return format_html_join(", ", shown, links) if links and links[0][0] else ", ".join(each for _url, each in links) or "–"


def _moment(at: str) -> str:
    return date_format(datetime.fromisoformat(at), "j M Y, H:i:s")


def _call_url(public_id: str) -> str:
    try:
        return reverse("admin:usage_call_change", args=[ids.decode("call", public_id)])
    except ids.MalformedId:  # a network
        return ""

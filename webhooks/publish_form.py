"""What the console's page for publishing asks, and how its answer becomes one event and no second."""

import json
from typing import Any

from django import forms
from django.apps import apps
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from core import idempotency, ids
from core.actors import Actor
from core.events import EventType, UnstorablePayload, canonical, normal
from core.models import Environment
from core.problems import Problem
from webhooks import catalogue, publishing


class _Data(forms.JSONField):
    """JSON as people read it: by lines, in its own letters."""

    def prepare_value(self, value: Any) -> Any:
        return json.dumps(value, indent=2, ensure_ascii=False) if isinstance(value, dict) else super().prepare_value(value)


class PublishForm(forms.Form):
    """An event to publish."""

    type = forms.ChoiceField(label=_("Event type"), widget=UnfoldAdminSelectWidget)
    partner = forms.CharField(
        label=_("Partner"),
        required=False,
        max_length=80,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("Its id or short name. Left empty, the event concerns every partner."),
    )
    environment = forms.ChoiceField(label=_("Environment"), choices=Environment.choices, widget=UnfoldAdminSelectWidget)
    subject = forms.CharField(
        label=_("Subject"),
        required=False,
        max_length=80,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("What it is about, for endpoints that are told of each subject in order. It may be left empty."),
    )
    data = _Data(  # type: ignore[assignment]  # the field's name hides an attribute of the base
        label=_("Data"), widget=UnfoldAdminTextareaWidget(attrs={"rows": 14, "spellcheck": "false"})
    )
    once = forms.CharField(widget=forms.HiddenInput, max_length=40)

    found: Any = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered: Any = self.fields["type"]
        offered.choices = [(kind.name, kind.name) for kind in _offered()]

    @classmethod
    def filled(cls, name: str) -> "PublishForm":
        """A form for this type, or the first, with its example for data."""
        offered = {kind.name: dict(kind.example) for kind in _offered()}
        chosen = name if name in offered else next(iter(offered), "")
        facts = {"type": chosen, "data": offered.get(chosen, {})}
        return cls(initial={**facts, "environment": Environment.LIVE, "once": str(ids.new())})

    def clean_partner(self) -> Any:
        words = self.cleaned_data["partner"].strip()
        if not words:
            return None
        present = apps.get_model("partners", "Partner").objects.present()
        found = present.public(words).first() or present.filter(slug=words).first()
        if found is None:
            raise forms.ValidationError(_("There is no such partner."))
        return found

    def clean_data(self) -> dict[str, Any]:
        data = self.cleaned_data["data"]
        if not isinstance(data, dict):
            raise forms.ValidationError(_("The data of an event is a JSON object."))
        try:
            normal(data)
        except UnstorablePayload as error:
            raise forms.ValidationError(str(error)) from error
        return data

    def clean(self) -> Any:
        facts = super().clean() or {}
        if not self.errors:
            try:
                publishing.checked(type=facts["type"], data=facts["data"])
            except Problem as problem:
                for error in problem.facts.get("errors") or [{"detail": problem.said}]:
                    self.add_error("data", f"{error.get('pointer', '')}: {error['detail']}")
        return facts

    @property
    def audience(self) -> dict[str, Any]:
        """Whom it concerns."""
        return {name: self.cleaned_data[name] for name in ("type", "partner", "environment")}

    @property
    def facts(self) -> dict[str, Any]:
        """The event."""
        return {**self.audience, "subject": self.cleaned_data["subject"], "data": self.cleaned_data["data"]}

    @property
    def mark(self) -> str:
        """What makes two answers the same."""
        partner = self.cleaned_data["partner"]
        facts = {**self.facts, "partner": partner.public_id if partner else ""}
        return idempotency.fingerprint("POST", "console:publish", canonical(normal(facts))).hex()


def publish_once(form: PublishForm, *, by: Actor) -> dict[str, str]:
    """Publish, unless this form has: then say what it published. Raises IdempotencyMismatch if it had said something else."""

    def work() -> idempotency.Answer:
        event = publishing.publish(by=by, **form.facts)
        told = json.dumps({"id": event.public_id, "type": event.type}).encode()
        return idempotency.Answer(200, {}, told, told)

    key, mark = form.cleaned_data["once"], bytes.fromhex(form.mark)
    answer = idempotency.once(caller=f"console:{by.id}:events", key=key, request=mark, work=work)
    found: dict[str, str] = json.loads(answer.body)
    return found


def _offered() -> list[EventType]:
    return [kind for kind in catalogue.entries() if kind.published and not kind.retired]

"""Sending a test on pages: any type, with its example to edit."""

import json
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from core.events import EventType
from core.models import Payload
from core.problems import ValidationError
from partners.pages import PartnerRequest, partner_page
from webhooks import catalogue, endpoints, patterns
from webhooks.event_types import WEBHOOK_TEST
from webhooks.models import Delivery, Endpoint
from webhooks.page_parts import deliveries_of, frame, the_endpoint

LARGEST = 100_000


class TrialForm(forms.Form):
    """What to send as a test."""

    event_type = forms.ChoiceField(label=gettext_lazy("Event type"))
    data = forms.CharField(  # type: ignore[assignment]  # the field's name hides an attribute of the base
        label=gettext_lazy("Data"),
        required=False,
        max_length=LARGEST,
        widget=forms.Textarea(attrs={"rows": 12, "spellcheck": "false", "class": "mono"}),
        help_text=gettext_lazy("A JSON object that fits the type’s schema. Left empty, the example is sent."),
    )

    def __init__(self, *args: Any, endpoint: Endpoint, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.endpoint = endpoint
        self.kinds = {kind.name: kind for kind in catalogue.entries() if not kind.retired}
        wanted = [name for name in self.kinds if any(patterns.matches(each, name) for each in endpoint.event_types)]
        others = [name for name in self.kinds if name not in wanted and name != WEBHOOK_TEST.name]
        groups = {_("A plain test"): [WEBHOOK_TEST.name], _("What the endpoint wants"): wanted, _("Others"): others}
        field: Any = self.fields["event_type"]
        field.choices = [(label, [(name, name) for name in names]) for label, names in groups.items() if names]

    @property
    def kind(self) -> EventType:
        """The type that is chosen, as far as it is one."""
        return self.kinds.get(self["event_type"].value() or "", WEBHOOK_TEST)

    def clean_data(self) -> dict[str, Any] | None:
        text: str = self.cleaned_data["data"].strip()
        return parsed(text) if text else None

    def send(self, request: PartnerRequest) -> Delivery | None:
        """Send it; None, with the errors on their fields, where it doesn't fit the type."""
        try:
            return endpoints.send_test(endpoint=self.endpoint, by=request.actor, **self.cleaned_data)
        except ValidationError as error:
            for found in error.facts["errors"]:
                place = found["pointer"].removeprefix("/data").lstrip("/")
                self.add_error("data", f"{place}: {found['detail']}" if place else found["detail"])
            return None

    def shown_anew(self, *, example: bool) -> "TrialForm":
        """The same choice, not judged yet. Its data is the type's example if that is asked for, or if nothing was typed but
        examples; else what was typed."""
        typed = self["data"].value() or ""
        untouched = not typed.strip() or any(_same(typed, kind) for kind in self.kinds.values())
        kept = written(self.kind.example) if example or untouched else typed
        return TrialForm(initial={"event_type": self.kind.name, "data": kept}, endpoint=self.endpoint)


@require_http_methods(["GET", "POST"])
@partner_page("webhooks:write")
def test_send(request: PartnerRequest, public_id: str) -> HttpResponse:
    """Choose a type, edit its example, send it and see its delivery. `show` in a POST asks for the page, and sends nothing."""
    endpoint = the_endpoint(request, public_id)
    if request.method == "POST":
        form = TrialForm(request.POST, endpoint=endpoint)
        if "show" in request.POST:
            form = form.shown_anew(example=request.POST["show"] == "example")
        elif form.is_valid() and (sent := form.send(request)):
            messages.success(request, _("The test event is on its way."))
            return redirect("webhooks:delivery", slug=request.partner.slug, public_id=sent.public_id)
    else:
        form = TrialForm(initial=_beginning(request), endpoint=endpoint)
    context = {"form": form, "kind": form.kind, "endpoint": endpoint, **frame(request)}
    return render(request, "webhooks/test.html", context, status=422 if form.errors else 200)


def parsed(text: str) -> dict[str, Any]:
    """The JSON object in the text. Raises forms.ValidationError that says where it is none."""
    try:
        value = json.loads(text, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        place = {"line": error.lineno, "column": error.colno, "reason": error.msg}
        raise forms.ValidationError(_("This is not JSON. Line %(line)d, column %(column)d: %(reason)s."), params=place) from error
    except (ValueError, RecursionError) as error:
        raise forms.ValidationError(_("This is not JSON: %(reason)s."), params={"reason": str(error)}) from error
    if not isinstance(value, dict):
        raise forms.ValidationError(_("The data of an event is a JSON object: write it in braces."))
    return value


def written(data: Any) -> str:
    """JSON as people edit it."""
    return json.dumps(data, indent=2, ensure_ascii=False)


def _beginning(request: PartnerRequest) -> dict[str, str]:
    """What the form begins with: an earlier test's data (`?delivery=`), or a type's example (`?event_type=`)."""
    earlier = deliveries_of(request).filter(event__type=WEBHOOK_TEST.name).public(request.GET.get("delivery", "")).first()
    payload = Payload.objects.filter(pk=earlier.event_id).first() if earlier else None
    if earlier and payload:
        return {"event_type": earlier.event_type, "data": written(payload.data)}
    kind = catalogue.find(request.GET.get("event_type", "")) or WEBHOOK_TEST
    return {"event_type": kind.name, "data": written(kind.example)}


def _same(text: str, kind: EventType) -> bool:
    return "".join(text.split()) == "".join(written(kind.example).split())


def _no_constant(name: str) -> Any:
    raise ValueError(_("%(name)s is no number in JSON") % {"name": name})

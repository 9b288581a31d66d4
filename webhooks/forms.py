"""Forms of the webhook pages."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from core.problems import ValidationError
from partners.pages import PartnerRequest
from webhooks import catalogue, endpoints, own_headers, payload_filters
from webhooks.endpoints import Created
from webhooks.models import Endpoint
from webhooks.patterns import ABOUT_WEBHOOKS

EVERYTHING = "*"


class SignatureField(forms.ChoiceField):
    """How deliveries are signed; None where it was left out, for as it is."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            label=_("Signature"),
            choices=Endpoint.Signature.choices,
            help_text=_(
                "With a shared secret, which every library of Standard Webhooks can verify, or with a private key that only we "
                "have: your server verifies with the public one, which nobody needs to keep secret."
            ),
            **kwargs,
        )

    def clean(self, value: Any) -> Any:
        return super().clean(value) if value else None


class HeadersField(forms.CharField):
    """A header a line."""

    def __init__(self) -> None:
        super().__init__(
            label=_("Headers"),
            required=False,
            max_length=20_000,
            widget=forms.Textarea(
                attrs={"rows": 2, "spellcheck": "false", "class": "mono", "placeholder": "Authorization: Bearer …"}
            ),
            help_text=_(
                "Sent with each delivery, one a line. Values are kept encrypted and not shown again; ••• leaves one as it is."
            ),
        )

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(f"{name}: {shown}" for name, shown in value.items()) if isinstance(value, dict) else value

    def clean(self, value: Any) -> Any:
        headers: dict[str, str] = {}
        for line in str(super().clean(value)).splitlines():
            name, colon, content = line.partition(":")
            if not line.strip():
                continue
            if not colon or name.strip().lower() in headers:
                raise forms.ValidationError(_("Write each header once, on a line of its own: Name: value."))
            headers[name.strip().lower()] = content.strip()
        return headers


class EndpointForm(forms.Form):
    """Address and event types of an endpoint: whole families by box, single types by name."""

    url = forms.CharField(
        label=_("URL"),
        max_length=2_000,
        widget=forms.URLInput(
            attrs={"placeholder": "https://example.com/webhooks", "autocomplete": "off", "spellcheck": "false"}
        ),
        help_text=_("Your server's address. We send POST requests with JSON there; it answers 2xx within 15 seconds."),
    )
    description = forms.CharField(label=_("Description"), max_length=200, required=False)
    families = forms.MultipleChoiceField(label=_("Events"), widget=forms.CheckboxSelectMultiple, required=False)
    names = forms.CharField(
        label=_("Single event types"),
        max_length=4_000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false", "placeholder": "course.completed payment.processed"}),
        help_text=_("Names, separated by blanks. Types that begin with webhook. are sent only if they are named here."),
    )

    filter = forms.JSONField(
        label=_("Filter"),
        required=False,
        max_length=payload_filters.LARGEST,
        widget=forms.Textarea(
            attrs={"rows": 3, "spellcheck": "false", "class": "mono", "placeholder": '{"data.currency": ["USD"]}'}
        ),
        help_text=_("Only events whose data fits are sent: JSON, as the guide to webhooks has it. Left empty, all are."),
    )
    headers = HeadersField()
    rate_per_second = forms.IntegerField(
        label=_("Deliveries a second"),
        required=False,
        help_text=_("No more than so many are sent each second; the others wait for their turn. Left empty, there is no limit."),
    )
    concurrency = forms.IntegerField(
        label=_("Posts at once"),
        required=False,
        help_text=_("How many your server is sent beside each other. Left empty, it is 5."),
    )
    fifo = forms.BooleanField(
        label=_("In order, one by one for each subject"),
        required=False,
        help_text=_("The next event about the same thing is sent when the one before has arrived or was given up."),
    )
    signature = SignatureField()

    def __init__(self, *args: Any, endpoint: Endpoint | None = None, **kwargs: Any) -> None:
        families = _families()
        self.endpoint = endpoint
        if endpoint:
            boxes = [pattern for pattern in endpoint.event_types if pattern == EVERYTHING or pattern in families]
            rest = " ".join(pattern for pattern in endpoint.event_types if pattern not in boxes)
            kwargs["initial"] = {
                "url": endpoint.url,
                "description": endpoint.description,
                "families": boxes,
                "names": rest,
                "filter": endpoint.filter or None,
                "headers": own_headers.shown(endpoint),
                **{name: getattr(endpoint, name) for name in ("rate_per_second", "concurrency", "fifo")},
            }
        super().__init__(*args, **kwargs)
        if endpoint:
            del self.fields["signature"]  # another kind of key is a rotation
        box: Any = self.fields["families"]
        box.choices = [(EVERYTHING, _("Everything")), *families.items()]

    def clean(self) -> dict[str, Any]:
        facts: dict[str, Any] = super().clean() or self.cleaned_data
        if "signature" in facts and not facts["signature"]:
            del facts["signature"]
        facts["filter"] = facts.get("filter") or {}
        facts["event_types"] = [*facts.pop("families", []), *facts.pop("names", "").replace(",", " ").split()]
        return facts

    def add(self, request: PartnerRequest) -> Created | None:
        """Add the endpoint; None, with the error on its field, where the verb refuses it."""
        facts: dict[str, Any] = self.cleaned_data
        try:
            return endpoints.create(partner=request.partner, environment=request.environment, by=request.actor, **facts)
        except ValidationError as error:
            self._show(error)
            return None

    def change(self, request: PartnerRequest) -> bool:
        """Change the endpoint; false, with the error on its field, where the verb refuses it."""
        assert self.endpoint is not None  # noqa: S101  (the page of one endpoint made the form)
        try:
            endpoints.update(endpoint=self.endpoint, by=request.actor, **self.cleaned_data)
        except ValidationError as error:
            self._show(error)
            return False
        return True

    def _show(self, error: ValidationError) -> None:
        for found in error.facts["errors"]:
            place = found["pointer"].split("/")[1]
            inside = found["pointer"].removeprefix(f"/{place}/") if place == "filter" else ""
            self.add_error(place if place in self.fields else "names", f"{inside} {found['detail']}".strip())


def _families() -> dict[str, str]:
    """Each family's pattern, and what it is called with the types in it: `course.* · created, completed`."""
    members: dict[str, list[str]] = {}
    for name in sorted(catalogue.names()):
        if not name.startswith(ABOUT_WEBHOOKS):
            family, _dot, rest = name.partition(".")
            members.setdefault(f"{family}.*", []).append(rest.replace("_", " "))
    return {pattern: f"{pattern} · {', '.join(rest)}" for pattern, rest in members.items()}

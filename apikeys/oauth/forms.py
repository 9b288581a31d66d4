"""Forms for applications."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apikeys.forms import AddressLines, RotateForm, ScopesByGroup
from apikeys.oauth.models import Application, GrantType
from core.scopes import known
from partners.models import Member, Partner


class Lines(forms.CharField):
    """A list, one entry a line."""

    widget = forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "autocapitalize": "off", "class": "font-mono"})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> list[str]:  # type: ignore[override]  # a list, where the base gives a text
        return [line.strip() for line in str(value or "").splitlines() if line.strip()]


class ApplicationForm(ScopesByGroup, forms.Form):
    """What of an application can be chosen, and later changed; scopes are those that the member may hand on."""

    name = forms.CharField(
        label=_("Name"), max_length=80, help_text=_("Partners read it when they are asked to let the application act for them.")
    )
    grant_types = forms.MultipleChoiceField(
        label=_("How it gets tokens"), choices=GrantType.choices, widget=forms.CheckboxSelectMultiple
    )
    scopes = forms.MultipleChoiceField(
        label=_("Scopes"),
        widget=forms.CheckboxSelectMultiple,
        help_text=_("What it may ask for at the most. Partners see each of them; ask for the least."),
        error_messages={"required": _("This field is required: choose at least one.")},
    )
    redirect_uris = Lines(
        label=_("Redirect addresses"),
        required=False,
        help_text=_("Where people come back to after they consented, one a line, exactly as your program sends them."),
    )
    ip_allowlist = AddressLines(
        label=_("Allowed addresses"),
        required=False,
        help_text=_("IPv4 or IPv6 addresses or networks, one a line. Without any, its tokens work from everywhere."),
    )
    rate_limit_per_minute = forms.IntegerField(label=_("Calls a minute"), required=False, min_value=1)

    def __init__(self, *args: Any, member: Member, partner: Partner, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        held = set(self.initial.get("scopes", ()))
        self.offered = sorted(name for name in known() if member.may(name) or name in held)
        choices = [(name, name) for name in self.offered]
        self.fields["scopes"].choices = choices  # type: ignore[attr-defined]  # fields are typed as their base
        limit = self.fields["rate_limit_per_minute"]
        text = _("For each partner that it acts for; at most {most} on your tier. Empty: as much as that partner's tier allows.")
        limit.help_text = str(text).format(most=f"{partner.tier.key_rate:,}")


class NewApplicationForm(ApplicationForm):
    """An application to be made."""

    kind = forms.ChoiceField(
        label=_("Where it runs"),
        choices=Application.Kind.choices,
        widget=forms.RadioSelect,
        initial=Application.Kind.CONFIDENTIAL,
    )
    field_order = ["name", "kind"]


class RotateSecretForm(RotateForm):
    """How long earlier secrets work on."""

    grace = forms.TypedChoiceField(label=_("The earlier secret works on for"), coerce=int)

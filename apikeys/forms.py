"""Forms for keys."""

from datetime import timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apikeys import keys
from core import clock
from core.scopes import SCOPES
from partners.models import Member, Partner

LIFETIMES = ((0, _("Never")), (30, _("In 30 days")), (90, _("In 90 days")), (365, _("In a year")))
GRACES = (
    (0, _("Not at all: it stops at once")),
    (3_600, _("One hour")),
    (86_400, _("One day")),
    (7 * 86_400, _("Seven days")),
    (30 * 86_400, _("Thirty days")),
)


class Lines(forms.CharField):
    """A list, one entry a line."""

    widget = forms.Textarea(attrs={"rows": 3, "spellcheck": "false"})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> list[str]:  # type: ignore[override]  # a list, where the base gives a text
        return [line.strip() for line in str(value or "").splitlines() if line.strip()]


class KeyForm(forms.Form):
    """What of a key can be chosen, and later changed; scopes are those that the member may hand on."""

    name = forms.CharField(label=_("Name"), max_length=80, help_text=_("To know it by, such as the program that will use it."))
    scopes = forms.MultipleChoiceField(
        label=_("Scopes"),
        widget=forms.CheckboxSelectMultiple,
        help_text=_("What a program with this key may do. Give it the least."),
    )
    ip_allowlist = Lines(
        label=_("Allowed addresses"),
        required=False,
        help_text=_("IPv4 or IPv6 addresses or networks, one a line. Without any, the key works from everywhere."),
    )
    rate_limit_per_minute = forms.IntegerField(label=_("Calls a minute"), required=False, min_value=1)

    def __init__(self, *args: Any, member: Member, partner: Partner, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        held = set(self.initial.get("scopes", ()))
        names = sorted(name for name in SCOPES if member.may(name) or name in held)
        choices = [(name, f"{name} · {SCOPES[name].description}") for name in names]
        if "*" in held:
            choices.insert(0, ("*", str(_("* · Everything"))))
        self.fields["scopes"].choices = choices  # type: ignore[attr-defined]  # fields are typed as their base
        limit = self.fields["rate_limit_per_minute"]
        limit.help_text = str(_("At most {most} on your tier, which is what it gets if you leave this empty.")).format(
            most=f"{partner.tier.key_rate:,}"
        )


class NewKeyForm(KeyForm):
    """A key to be made."""

    lifetime = forms.TypedChoiceField(label=_("Expires"), choices=LIFETIMES, coerce=int, initial=0)
    require_secret = forms.BooleanField(
        label=_("Ask for a secret besides the key"),
        required=False,
        help_text=_("Every call then needs the X-API-Secret header too."),
    )

    def settings(self) -> dict[str, Any]:
        """What `keys.issue` takes."""
        chosen = dict(self.cleaned_data)
        days = chosen.pop("lifetime")
        return {**chosen, "expires_at": clock.now() + timedelta(days=days) if days else None}


class RotateForm(forms.Form):
    """How long the old key works on."""

    grace = forms.TypedChoiceField(label=_("The old key works on for"), coerce=int, initial=86_400)

    def __init__(self, *args: Any, longest: timedelta, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        grace: Any = self.fields["grace"]
        grace.choices = [choice for choice in GRACES if choice[0] <= longest.total_seconds()]


def rights_of(member: Member) -> keys.Rights:
    """What a member may hand on: what the role permits; everything, if that is every scope there is."""
    permitted = {name for name in SCOPES if member.may(name)}
    return keys.Rights(("*",)) if permitted == set(SCOPES) else keys.Rights(permitted)

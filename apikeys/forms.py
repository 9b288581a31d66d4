"""Forms for keys."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

from django import forms
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apikeys import addresses, keys
from apikeys.models import Key
from core import clock
from core.scopes import Scope, grouped, known
from partners.models import Member, Partner

LIFETIMES = (
    ("never", _("Never")),
    ("30", _("In 30 days")),
    ("90", _("In 90 days")),
    ("365", _("In a year")),
    ("date", _("On a date")),
)
AS_IT_IS = "keep"
GRACES = (
    (0, _("Not at all: it stops at once")),
    (3_600, _("One hour")),
    (86_400, _("One day")),
    (7 * 86_400, _("Seven days")),
    (30 * 86_400, _("Thirty days")),
)
USUAL_GRACE = timedelta(days=1)


class AddressLines(forms.CharField):
    """Addresses and networks, one a line; what is wrong is said with its line."""

    widget = forms.Textarea(attrs={"rows": 4, "spellcheck": "false", "autocapitalize": "off", "class": "font-mono"})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> list[str]:  # type: ignore[override]  # a list, where the base gives a text
        lines = [(number, line) for number, line in enumerate(str(value or "").splitlines(), 1) if line.strip()]
        found, mistakes = addresses.parse([line for _number, line in lines])
        if isinstance(mistakes, dict):
            told = _("Line {number}: {mistake}")
            mistakes = [str(told).format(number=lines[int(index)][0], mistake=mistake) for index, [mistake] in mistakes.items()]
        if mistakes:
            raise forms.ValidationError(mistakes)
        return found


@dataclass(frozen=True, slots=True)
class Preset:
    """Scopes that are ticked together; `name` is `?preset=` where there is no JavaScript."""

    name: str
    label: str | Promise
    scopes: list[str]


class ScopesByGroup:
    """A form whose `offered` scopes are ticked by what they are about: for the template `apikeys/_scopes.html`."""

    offered: list[str]

    @property
    def presets(self) -> list[Preset]:
        """Ways to tick many scopes at once."""
        return []

    @property
    def everything(self) -> bool | None:
        """Whether the right to everything, also to what comes later, is kept; None where it isn't offered."""
        return None

    @property
    def scope_groups(self) -> list[tuple[str, list[tuple[Scope, bool]]]]:
        """What can be ticked, by what it is about, and whether it is."""
        ticked = set(self["scopes"].value() or ())  # type: ignore[index]  # of a form
        return [(group, [(scope, scope.name in ticked) for scope in scopes]) for group, scopes in grouped(self.offered)]


class KeyForm(ScopesByGroup, forms.Form):
    """What of a key can be chosen, and later changed; scopes are those that the member may hand on.

    With a `key` it starts from what that has, and the end can be left as it is.
    """

    name = forms.CharField(label=_("Name"), max_length=80, help_text=_("To know it by, such as the program that will use it."))
    scopes = forms.MultipleChoiceField(
        label=_("What it may do"),
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Give it the least that its program needs. You can change it at any time."),
        error_messages={"required": _("This field is required: choose at least one.")},
    )
    lifetime = forms.ChoiceField(label=_("Expires"), choices=LIFETIMES, initial="never")
    expires_on = forms.DateField(
        label=_("Date"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=_("It works to the end of that day, in UTC."),
    )
    ip_allowlist = AddressLines(
        label=_("Allowed addresses"),
        required=False,
        help_text=_(
            "IPv4 or IPv6 addresses or networks such as 203.0.113.0/24, one a line. Without any it works from everywhere."
        ),
    )
    rate_limit_per_minute = forms.IntegerField(label=_("Calls a minute"), required=False, min_value=1)

    def __init__(self, *args: Any, member: Member, partner: Partner, key: Key | None = None, preset: str = "", **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.key = key
        held = set(key.scopes) if key else set(keys.LEAST)
        self.offered = sorted(name for name in known() if member.may(name) or (key and name in held))
        self.initial = {**_settings_of(key), "scopes": self._preset(preset) or sorted(held), **self.initial}
        fields: dict[str, Any] = self.fields
        fields["scopes"].choices = [*([("*", "*")] if "*" in held else []), *((name, name) for name in self.offered)]
        fields["rate_limit_per_minute"].help_text = str(
            _("At most {most} on your tier, which is what it gets if you leave this empty.")
        ).format(most=f"{partner.tier.key_rate:,}")
        if key:
            ends = date_format(key.expires_at, "j M Y, H:i") + " UTC" if key.expires_at else str(_("Never"))
            fields["lifetime"].choices = [(AS_IT_IS, _("As it is: {end}").format(end=ends)), *LIFETIMES]

    @property
    def presets(self) -> list[Preset]:
        return [
            Preset("least", _("The least"), [name for name in self.offered if name in keys.LEAST]),
            Preset("read", _("Read only"), [name for name in self.offered if name.endswith(":read")]),
            Preset("all", _("Everything I may give"), self.offered),
        ]

    @property
    def everything(self) -> bool | None:
        return "*" in (self["scopes"].value() or ()) if self.key and "*" in self.key.scopes else None

    def clean(self) -> dict[str, Any]:
        chosen = super().clean() or {}
        if chosen.get("lifetime") == "date" and not chosen.get("expires_on") and "expires_on" not in self.errors:
            self.add_error("expires_on", _("Say on which date."))
        elif chosen.get("lifetime") == "date" and chosen.get("expires_on", clock.now().date()) < clock.now().date():
            self.add_error("expires_on", _("This date is past."))
        return chosen

    def settings(self) -> dict[str, Any]:
        """What `keys.issue` and `keys.update` take."""
        chosen = dict(self.cleaned_data)
        lifetime, day = chosen.pop("lifetime"), chosen.pop("expires_on")
        if lifetime == "date":
            chosen["expires_at"] = datetime.combine(day, time(23, 59, 59), UTC)
        elif lifetime != AS_IT_IS:
            chosen["expires_at"] = None if lifetime == "never" else clock.now() + timedelta(days=int(lifetime))
        return chosen

    def _preset(self, name: str) -> list[str]:
        return next((preset.scopes for preset in self.presets if preset.name == name), [])


class NewKeyForm(KeyForm):
    """A key to be made."""

    require_secret = forms.BooleanField(
        label=_("Ask for a secret besides the key"),
        required=False,
        help_text=_("Every call then needs the X-API-Secret header too. The secret can be renewed without the key."),
    )


class RotateForm(forms.Form):
    """How long the old key works on: the usual spans within the tier's longest, and that one."""

    grace = forms.TypedChoiceField(label=_("The old key works on for"), coerce=int)

    def __init__(self, *args: Any, longest: timedelta, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        most = int(longest.total_seconds())
        choices: list[tuple[int, str | Promise]] = [choice for choice in GRACES if choice[0] <= most]
        if most not in dict(choices):
            choices.append((most, _("{days} days, the longest on your tier").format(days=f"{longest / timedelta(days=1):g}")))
        grace: Any = self.fields["grace"]
        grace.choices = choices
        grace.initial = min(int(USUAL_GRACE.total_seconds()), most)


def _settings_of(key: Key | None) -> dict[str, Any]:
    if key is None:
        return {}
    kept = {name: getattr(key, name) for name in ("name", "ip_allowlist", "rate_limit_per_minute")}
    return {**kept, "lifetime": AS_IT_IS, "expires_on": key.expires_at.date() if key.expires_at else None}


def rights_of(member: Member) -> keys.Rights:
    """What a member may hand on: what the role permits; everything, if that is every scope there is."""
    scopes = known()
    permitted = {name for name in scopes if member.may(name)}
    return keys.Rights(("*",)) if permitted == set(scopes) else keys.Rights(permitted)

"""The style guide: every component in every state, for those who build pages."""

from datetime import timedelta
from types import SimpleNamespace

from django import forms
from django.contrib.admin.views.decorators import staff_member_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from core import clock
from core.charts import Chart, Series, Spark
from core.tables import Listing


class ExampleForm(forms.Form):
    """One field of each kind."""

    name = forms.CharField(label="Name", help_text="Only your team sees it.", initial="Checkout service")
    email = forms.EmailField(label="E-mail address", required=False)
    kind = forms.ChoiceField(
        label="Type", choices=[("technology", "Technology"), ("business", "Business"), ("enterprise", "Enterprise")]
    )
    scopes = forms.MultipleChoiceField(
        label="Scopes",
        choices=[("requests:read", "requests:read"), ("requests:write", "requests:write")],
        widget=forms.CheckboxSelectMultiple,
        help_text="What a program with this key may do.",
    )
    environment = forms.ChoiceField(
        label="Environment", choices=[("live", "Live"), ("test", "Test")], widget=forms.RadioSelect, initial="test"
    )
    document = forms.FileField(label="Document", required=False, help_text="PDF, PNG or JPEG, up to 20 MB.")
    note = forms.CharField(label="Note", widget=forms.Textarea(attrs={"rows": 3}), required=False)
    terms = forms.BooleanField(label="I have read the partner agreement")


STATES = (
    "active",
    "paid",
    "completed",
    "pending",
    "processing",
    "paused",
    "retrying",
    "failed",
    "revoked",
    "overdue",
    "draft",
    "closed",
)
TONES = ("", "good", "info", "warn", "bad", "accent")


@staff_member_required
def styleguide(request: HttpRequest) -> HttpResponse:
    """`?form=errors` shows the form as it comes back with mistakes."""
    started = clock.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=23)
    hours = [started + timedelta(hours=hour) for hour in range(24)]
    calls = [120 + (hour * 37) % 90 + 14 * (hour % 5) for hour in range(24)]
    context = {
        "form": ExampleForm(),
        "wrong": ExampleForm({"email": "nobody", "kind": "other"}, auto_id="wrong_%s"),
        "listing": Listing(_rows(), "-last_used_at", ("name", "last_used_at"), next_cursor="WyItaWQiXQ", first=True),
        "nothing": Listing([], "-id", (), None, first=True),
        "chart": Chart(hours, [Series("Requests", calls), Series("Errors", [call // 19 for call in calls], tone="bad")]),
        "spark": Spark(calls[:14]),
        "states": STATES,
        "tones": TONES,
        "now": clock.now(),
        "earlier": clock.now() - timedelta(minutes=12),
        "colours": COLOURS,
    }
    return render(request, "portal/styleguide.html", context)


COLOURS = (
    "canvas",
    "side",
    "card",
    "sunken",
    "hover",
    "accent",
    "accent-soft",
    "good-soft",
    "info-soft",
    "warn-soft",
    "bad-soft",
)


def _rows() -> list[SimpleNamespace]:
    now = clock.now()
    names = ("Checkout service", "Nightly export", "Staging", "Old mobile app")
    hints = ("pk_live_8fQ…x2Lm", "pk_live_Zt4…09Qa", "pk_test_aa1…7dKk", "pk_live_1mN…pR5s")
    calls = (1_204_311, 48_200, 913, 0)
    ages = (timedelta(seconds=20), timedelta(hours=9), timedelta(days=3), None)
    states = ("active", "active", "disabled", "revoked")
    return [
        SimpleNamespace(
            name=name, hint=hint, requests=count, error_rate=0.0013 * index, last_used_at=now - age if age else None, status=state
        )
        for index, (name, hint, count, age, state) in enumerate(zip(names, hints, calls, ages, states, strict=True))
    ]

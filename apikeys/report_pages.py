"""The public page on which anybody reports a key that they found."""

import time

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from apikeys import leaks
from core.actors import Actor
from core.middleware import Call
from core.problems import RateLimited

EVEN = 0.1
"""Seconds that the answer takes at least, whether or not the key is one."""


class ReportForm(forms.Form):
    """What was found, and where."""

    key = forms.CharField(
        label=_("The key"),
        max_length=4_096,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "placeholder": "pk_live_…"}),
        help_text=_("All of it. It is used to stop the key, and kept nowhere."),
    )
    url = forms.URLField(
        label=_("Where it is"), max_length=1_000, required=False, assume_scheme="https", help_text=_("Its owner is told.")
    )
    note = forms.CharField(
        label=_("Anything else"),
        max_length=1_000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("For us."),
    )


@require_http_methods(["GET", "POST"])
def report_leak(request: HttpRequest) -> HttpResponse:
    """The form, and one answer to whatever was sent by it."""
    form = ReportForm(request.POST or None)
    if not form.is_valid():
        return render(request, "apikeys/report_leak.html", {"form": form})
    began = time.monotonic()
    call: Call = request.call  # type: ignore[attr-defined]  # by core.middleware
    try:
        leaks.require_room(call.address)
    except RateLimited as problem:
        form.add_error(None, problem.said)
        return render(request, "apikeys/report_leak.html", {"form": form}, status=429)
    given = form.cleaned_data
    leaks.report(text=given["key"], url=given["url"], note=given["note"], by=Actor("public", None, "", call.address, call.id))
    time.sleep(max(0.0, began + EVEN - time.monotonic()))
    response = render(request, "apikeys/report_leak.html", {"sent": True})
    response["Cache-Control"] = "no-store"
    return response

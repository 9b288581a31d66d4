"""Replays on pages: choose and count, start, watch, cancel."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from core.problems import ValidationError
from partners.pages import PartnerRequest, partner_page
from webhooks import catalogue, replays
from webhooks.models import Endpoint, Replay
from webhooks.page_parts import found, frame, the_endpoint
from webhooks.replays import Selection

NEWEST = 10


class ReplayForm(forms.Form):
    """What to send again."""

    only_failed = forms.TypedChoiceField(
        label=gettext_lazy("Which deliveries"),
        choices=[("yes", gettext_lazy("Those that failed")), ("no", gettext_lazy("All of them"))],
        coerce="yes".__eq__,
        widget=forms.RadioSelect,
    )
    since = forms.DateTimeField(
        label=gettext_lazy("From (UTC)"), required=False, widget=forms.DateTimeInput(attrs={"type": "datetime-local"})
    )
    until = forms.DateTimeField(
        label=gettext_lazy("Before (UTC)"), required=False, widget=forms.DateTimeInput(attrs={"type": "datetime-local"})
    )
    event_types = forms.CharField(
        label=gettext_lazy("Event types"),
        required=False,
        max_length=2_000,
        widget=forms.TextInput(attrs={"list": "event-types", "spellcheck": "false", "placeholder": "course.* payment.processed"}),
        help_text=gettext_lazy("Names or families, separated by blanks. Left empty, every type."),
    )

    def selection(self) -> Selection:
        facts = self.cleaned_data
        patterns = facts["event_types"].replace(",", " ").split()
        return Selection(facts["since"], facts["until"], patterns, facts["only_failed"])

    def count(self, endpoint: Endpoint) -> int | None:
        """How many fit; None, with the error on its field, where the choice is none."""
        try:
            return self.selection().count(endpoint)
        except ValidationError as error:
            for each in error.facts["errors"]:
                name = each["pointer"].split("/")[1]
                self.add_error(name if name in self.fields else None, each["detail"])
            return None


@require_http_methods(["GET", "POST"])
@partner_page("webhooks:write")
def replay_new(request: PartnerRequest, public_id: str) -> HttpResponse:
    """Choose; what fits is counted by GET, and sent by POST of the same choice."""
    endpoint = the_endpoint(request, public_id)
    asked = request.POST if request.method == "POST" else request.GET
    form = ReplayForm(asked if asked else None, initial={"only_failed": "yes"})
    count = form.count(endpoint) if form.is_bound and form.is_valid() else None
    if request.method == "POST" and count is not None:
        replay = replays.start(endpoint=endpoint, selection=form.selection(), by=request.actor)
        if replay is None:
            messages.info(request, _("Nothing fits any more, so nothing is sent."))
            return redirect("webhooks:detail", slug=request.partner.slug, public_id=public_id)
        return redirect("webhooks:replay", slug=request.partner.slug, public_id=replay.public_id)
    context = {
        "form": form,
        "count": count,
        "endpoint": endpoint,
        "types": sorted(catalogue.names()),
        "earlier": Replay.objects.filter(endpoint=endpoint).select_related("partner").order_by("-id")[:NEWEST],
    }
    return render(request, "webhooks/replay_new.html", {**context, **frame(request)}, status=422 if form.errors else 200)


@require_GET
@partner_page("webhooks:read")
def replay_detail(request: PartnerRequest, public_id: str) -> HttpResponse:
    """One replay, followed until everything was attempted."""
    replay = _the_replay(request, public_id)
    context = {
        "replay": replay,
        "endpoint": replay.endpoint,
        "progress": replays.progress(replay),
        "open": replay.status in Replay.OPEN,
    }
    return render(request, "webhooks/replay.html", {**context, **frame(request)})


@require_http_methods(["GET", "POST"])
@partner_page("webhooks:read", post="webhooks:write")
def replay_cancel(request: PartnerRequest, public_id: str) -> HttpResponse:
    """Stop it. By GET it leads back to the replay, which is where a refused POST returns to."""
    replay = _the_replay(request, public_id)
    if request.method == "POST":
        replays.cancel(replay=replay, by=request.actor)
        messages.success(request, _("The replay was stopped."))
    return redirect("webhooks:replay", slug=request.partner.slug, public_id=replay.public_id)


def _the_replay(request: PartnerRequest, public_id: str) -> Replay:
    mine: Any = Replay.objects.for_caller(request.partner, request.environment).select_related("endpoint", "partner")
    replay: Replay = found(mine, public_id)
    return replay

"""What signs an endpoint's deliveries, on pages: shown once when it is new, shown again to who proves who it is, rotated."""

from datetime import timedelta
from typing import Any

from allauth.account.decorators import reauthentication_required
from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from partners.pages import PartnerRequest, partner_page
from webhooks import endpoints
from webhooks.forms import SignatureField
from webhooks.models import Endpoint
from webhooks.page_parts import frame, the_endpoint

HOUR, DAY, WEEK = 3_600, 86_400, 7 * 86_400


class RotateForm(forms.Form):
    """Whether the new key is of the same kind, and for how long the one of before signs too."""

    overlap = forms.TypedChoiceField(
        label=_("Send the signature of before too"),
        choices=[
            (0, _("Not at all: it ends at once")),
            (HOUR, _("For 1 hour")),
            (DAY, _("For 24 hours")),
            (WEEK, _("For 7 days")),
        ],
        coerce=int,
        empty_value=str(DAY),
        required=False,
        initial=DAY,
        widget=forms.RadioSelect,
        help_text=_("Time for your server to change over. End it at once if somebody else may know the secret."),
    )
    signature = SignatureField()

    def rotate(self, request: PartnerRequest, endpoint: Endpoint) -> str | None:
        """A new key; the shared secret, this once, or None where it is a private one."""
        overlap, signature = timedelta(seconds=int(self.cleaned_data["overlap"])), self.cleaned_data["signature"]
        return endpoints.rotate_secret(endpoint=endpoint, by=request.actor, overlap=overlap, signature=signature)


@require_http_methods(["GET", "POST"])
@partner_page("webhooks:write", operators="never")
def secret_rotate(request: PartnerRequest, public_id: str) -> HttpResponse:
    """A new secret, shown in the answer; or a new key, of which the public half is shown."""
    endpoint = the_endpoint(request, public_id)
    form = RotateForm(request.POST if request.method == "POST" else None, initial={"signature": endpoint.signature})
    if request.method == "POST" and form.is_valid():
        return with_secret(request, endpoint, form.rotate(request, endpoint))
    context = {"form": form, "endpoint": endpoint, **frame(request)}
    return render(request, "webhooks/rotate.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@partner_page("webhooks:write", operators="never")
@reauthentication_required  # type: ignore[untyped-decorator]  # untyped in allauth
def secret_show(request: PartnerRequest, public_id: str) -> HttpResponse:
    """Ask, and on POST show the secret once more, to somebody who has just shown again who it is."""
    endpoint = the_endpoint(request, public_id)
    if request.method == "POST":
        return with_secret(request, endpoint, endpoints.reveal_secret(endpoint=endpoint, by=request.actor), again=True)
    return render(request, "webhooks/secret_ask.html", {"endpoint": endpoint, **frame(request)})


def with_secret(request: PartnerRequest, endpoint: Endpoint, secret: str | None, **more: Any) -> HttpResponse:
    """In the answer to the POST itself, and kept by no one; in its place the public key, where there is one."""
    answer = render(request, "webhooks/secret.html", {"endpoint": endpoint, "secret": secret, **more, **frame(request)})
    answer.headers["Cache-Control"] = "no-store"
    return answer

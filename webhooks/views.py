"""Webhook endpoints on pages, and what can be done to them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from core.tables import listing
from partners.pages import PartnerRequest, partner_page
from webhooks import circuits, deliveries, endpoints, own_headers, tallies
from webhooks.courier import PER_ENDPOINT
from webhooks.forms import EndpointForm
from webhooks.models import Delivery, Endpoint, Halt, Inspector
from webhooks.page_parts import endpoints_of, frame, the_endpoint
from webhooks.secret_pages import with_secret

NEWEST = 10
"""Deliveries on the page of their endpoint; the log has the others."""


@dataclass(frozen=True, slots=True)
class Deed:
    """Something done to an endpoint after a second thought."""

    do: Callable[..., Any]
    question: str | Promise
    explanation: str | Promise
    action: str | Promise
    done: str | Promise
    kind: str = "primary"


DEEDS = {
    "pause": Deed(
        endpoints.pause,
        gettext_lazy("Pause this endpoint?"),
        gettext_lazy("Events are held from now on. When you enable it again they are sent, oldest first."),
        gettext_lazy("Pause"),
        gettext_lazy("The endpoint is paused; events are held."),
    ),
    "enable": Deed(
        endpoints.enable,
        gettext_lazy("Enable this endpoint?"),
        gettext_lazy("What was held meanwhile is sent first, oldest first."),
        gettext_lazy("Enable"),
        gettext_lazy("The endpoint is active; what was held is on its way."),
    ),
    "end-overlap": Deed(
        endpoints.end_overlap,
        gettext_lazy("Stop sending the signature of before?"),
        gettext_lazy(
            "From now on requests carry the newest signature only. A server that still verifies with the old one refuses them."
        ),
        gettext_lazy("End the overlap now"),
        gettext_lazy("Requests carry the newest signature only."),
    ),
    "remove": Deed(
        endpoints.remove,
        gettext_lazy("Remove this endpoint?"),
        gettext_lazy("Nothing is sent to it any more, and what was not sent yet is cancelled. This can't be undone."),
        gettext_lazy("Remove"),
        gettext_lazy("The endpoint was removed."),
        "danger",
    ),
}


@require_GET
@partner_page("webhooks:read")
def endpoint_list(request: PartnerRequest) -> HttpResponse:
    """Every endpoint of this environment."""
    found = listing(request, endpoints_of(request), sortable=("url", "status"))
    halt = Halt.objects.filter(partner=request.partner).first()
    return render(request, "webhooks/list.html", {"endpoints": found, "halt": halt, **frame(request)})


@require_http_methods(["GET", "POST"])
@partner_page("webhooks:write", operators="never")
def endpoint_create(request: PartnerRequest) -> HttpResponse:
    """Add an endpoint; its secret is shown in the answer, once."""
    mine = Inspector.objects.for_caller(request.partner, request.environment).open()
    inspector = mine.public(request.GET.get("inspector", "")).first()
    form = EndpointForm(request.POST or None, initial={"url": inspector.address} if inspector else None)
    if request.method == "POST" and form.is_valid() and (made := form.add(request)):
        return with_secret(request, made.endpoint, made.secret)
    return render(request, "webhooks/form.html", {"form": form, **frame(request)}, status=422 if form.errors else 200)


@require_GET
@partner_page("webhooks:read")
def endpoint_detail(request: PartnerRequest, public_id: str) -> HttpResponse:
    """One endpoint: how it does, and its newest deliveries."""
    endpoint = the_endpoint(request, public_id)
    sent = Delivery.objects.filter(endpoint=endpoint).select_related("partner").order_by("-id")
    context = {
        "endpoint": endpoint,
        "headers": own_headers.of(endpoint).keys(),
        "deliveries": sent[:NEWEST],
        "stats": deliveries.stats(endpoint),
        "chart": tallies.chart(endpoint),
        "usual_concurrency": PER_ENDPOINT,
        "health": circuits.of(endpoint),
    }
    return render(request, "webhooks/detail.html", {**context, **frame(request)})


@require_http_methods(["GET", "POST"])
@partner_page("webhooks:write")
def endpoint_edit(request: PartnerRequest, public_id: str) -> HttpResponse:
    """Change address, description and event types."""
    endpoint = the_endpoint(request, public_id)
    form = EndpointForm(request.POST or None, endpoint=endpoint)
    if request.method == "POST" and form.is_valid() and form.change(request):
        messages.success(request, _("The endpoint was changed."))
        return _to(request, endpoint)
    context = {"form": form, "endpoint": endpoint, **frame(request)}
    return render(request, "webhooks/form.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@partner_page("webhooks:write")
def endpoint_deed(request: PartnerRequest, public_id: str, verb: str) -> HttpResponse:
    """Ask, and on POST do it."""
    if verb not in DEEDS:
        raise Http404
    endpoint, deed = the_endpoint(request, public_id), DEEDS[verb]
    if request.method == "POST":
        deed.do(endpoint=endpoint, by=request.actor)
        messages.success(request, str(deed.done))
        removed = endpoint.status == Endpoint.Status.REMOVED
        return redirect("webhooks:list", slug=request.partner.slug) if removed else _to(request, endpoint)
    return render(request, "webhooks/deed.html", {"endpoint": endpoint, "deed": deed, **frame(request)})


def _to(request: PartnerRequest, endpoint: Endpoint) -> HttpResponse:
    return redirect("webhooks:detail", slug=request.partner.slug, public_id=endpoint.public_id)

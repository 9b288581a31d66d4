"""The log of deliveries on pages: what was sent, what came back, what that means, and sending it again."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from core import listing
from core.models import Payload
from core.problems import ValidationError
from core.tables import Listing
from partners.pages import PartnerRequest, partner_page
from webhooks import catalogue, deliveries
from webhooks.claims import body_of
from webhooks.event_types import WEBHOOK_TEST
from webhooks.filters import LogFilter
from webhooks.models import Attempt, Delivery
from webhooks.page_parts import deliveries_of, endpoints_of, frame, the_delivery

FOLDED = ("answer", "since", "until")
"""Filters that are shown only when they are asked for."""


@require_GET
@partner_page("webhooks:read")
def delivery_list(request: PartnerRequest) -> HttpResponse:
    """The log over all endpoints, narrowed by the URL; with `live` in it, its first page follows what is sent."""
    asked = {name: str(value).strip() for name, value in request.GET.items() if name in LogFilter.base_filters}
    asked = {name: value for name, value in asked.items() if value}
    rows, refused = _narrowed(request, asked)
    cursor = request.GET.get("cursor", "")
    try:
        page = listing.stretch(rows, cursor=cursor)
    except ValidationError:
        cursor, page = "", listing.stretch(rows)
    context = {
        "deliveries": Listing(page.rows, "-id", (), page.next_cursor, first=not cursor),
        "reached": page.reached,
        "refused": refused,
        "asked": asked,
        "more": any(name in asked for name in FOLDED),
        "live": "live" in request.GET and not cursor,
        "endpoints": endpoints_of(request),
        "statuses": Delivery.Status.choices,
        "types": sorted(catalogue.names()),
    }
    return render(request, "webhooks/deliveries.html", {**context, **frame(request)})


@require_GET
@partner_page("webhooks:read")
def delivery_detail(request: PartnerRequest, public_id: str) -> HttpResponse:
    """One delivery with each attempt; it follows its next attempt while that is due at any moment."""
    delivery = the_delivery(request, public_id)
    payload = Payload.objects.filter(pk=delivery.event_id).first()
    body = body_of(delivery.event, payload.data, type=delivery.event_type, partner=delivery.partner_id) if payload else None
    context = {
        "delivery": delivery,
        "attempts": Attempt.objects.of(delivery).reverse(),
        "body": body,
        "waits": delivery.status == Delivery.Status.PENDING,
        "follows": delivery.status == Delivery.Status.PENDING and delivery.step == 0,
        "test": delivery.event.type == WEBHOOK_TEST.name,
        "may_retry": delivery.endpoint.status == "active",
    }
    return render(request, "webhooks/delivery.html", {**context, **frame(request)})


@require_http_methods(["GET", "POST"])
@partner_page("webhooks:read", post="webhooks:write")
def delivery_retry(request: PartnerRequest, public_id: str) -> HttpResponse:
    """Send it again now. By GET it leads back to the delivery, which is where a refused POST returns to."""
    delivery = the_delivery(request, public_id)
    if request.method == "POST":
        deliveries.retry(delivery=delivery, by=request.actor)
        messages.success(request, _("The delivery is on its way again."))
    return redirect("webhooks:delivery", slug=request.partner.slug, public_id=delivery.public_id)


def _narrowed(request: PartnerRequest, asked: dict[str, str]) -> tuple[Any, str]:
    """The deliveries that are left, and what is wrong with the filters."""
    rows = deliveries_of(request)
    try:
        narrowed = LogFilter(asked, queryset=rows)
        if narrowed.is_valid():
            return narrowed.qs, ""
    except ValidationError as problem:
        return rows.none(), problem.facts["errors"][0]["detail"]
    return rows.none(), str(next(iter(narrowed.errors.values()))[0])

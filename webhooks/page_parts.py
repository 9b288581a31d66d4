"""What the webhook pages have in common: whose rows they show, and what every template is told."""

from typing import Any

from core.problems import NotFound
from partners.pages import PartnerRequest
from webhooks.models import Delivery, Endpoint


def frame(request: PartnerRequest) -> dict[str, Any]:
    """What every template is told."""
    return {"slug": request.partner.slug, "may_write": request.member.may("webhooks:write")}


def endpoints_of(request: PartnerRequest) -> Any:
    """The partner's endpoints of the chosen environment."""
    return Endpoint.objects.for_caller(request.partner, request.environment).present().select_related("partner", "health")


def the_endpoint(request: PartnerRequest, public_id: str) -> Endpoint:
    """One of them. Raises NotFound."""
    endpoint: Endpoint = found(endpoints_of(request), public_id)
    return endpoint


def deliveries_of(request: PartnerRequest) -> Any:
    """The partner's deliveries in the chosen environment."""
    mine = Delivery.objects.for_caller(request.partner, request.environment)
    return mine.select_related("endpoint", "partner").defer("endpoint__secret", "endpoint__previous_secret")


def the_delivery(request: PartnerRequest, public_id: str) -> Delivery:
    """One of them. Raises NotFound."""
    delivery: Delivery = found(deliveries_of(request), public_id)
    return delivery


def found(rows: Any, public_id: str) -> Any:
    """The row of this public id. Raises NotFound."""
    row = rows.public(public_id).first()
    if row is None:
        raise NotFound()
    return row

"""The handler of `DATA_EXPORT` requests: what is kept about a partner, in the shapes of the API."""

from typing import Any

from rest_framework.serializers import BaseSerializer

from apikeys.api.oauth_serializers import ApplicationSerializer, ConsentSerializer
from apikeys.api.serializers import KeySerializer
from apikeys.models import Application, Consent, Key
from billing.api.serializers import EarningSerializer, InvoiceSerializer, PayoutSerializer
from billing.models import Earning, Invoice, Payout
from core import clock
from partners.api.serializers import InvitationSerializer, MemberSerializer, PartnerSerializer
from partners.models import Invitation, Member, Partner
from products.requests.api.serializers import RequestSerializer
from products.requests.handlers import Handler, May, Work, register
from products.requests.models import Request
from webhooks.api.serializers import EndpointSerializer
from webhooks.models import Endpoint

# The newest of each kind; `complete` says whether that was all. The lists of the API have the rest.
MOST = 1_000

# What reading each section takes, here as everywhere.
SCOPES = {
    "partner": "partner:read",
    "members": "members:read",
    "invitations": "members:read",
    "keys": "keys:read",
    "applications": "keys:read",
    "consents": "keys:read",
    "webhooks": "webhooks:read",
    "requests": "requests:read",
    "invoices": "billing:read",
    "earnings": "billing:read",
    "payouts": "billing:read",
}


def export(work: Work) -> dict[str, Any]:
    """Everything that the API shows of the partner in the request's environment, and of its people."""
    partner = Partner.objects.select_related("tier").get(pk=work.partner_id)
    whose = (partner, work.environment)
    sections: dict[str, tuple[Any, type[BaseSerializer[Any]]]] = {
        "members": (Member.objects.of_partner(partner).select_related("user"), MemberSerializer),
        "invitations": (Invitation.objects.of_partner(partner).pending(), InvitationSerializer),
        "keys": (Key.objects.for_caller(*whose), KeySerializer),
        "applications": (Application.objects.for_caller(*whose).prefetch_related("secrets"), ApplicationSerializer),
        "consents": (Consent.objects.for_caller(*whose).select_related("application__partner"), ConsentSerializer),
        "webhooks": (Endpoint.objects.for_caller(*whose).present(), EndpointSerializer),
        "requests": (Request.objects.for_caller(*whose).exclude(pk=work.request_id), RequestSerializer),
        "invoices": (Invoice.objects.for_caller(*whose).issued().select_related("closing"), InvoiceSerializer),
        "earnings": (Earning.objects.for_caller(*whose), EarningSerializer),
        "payouts": (Payout.objects.for_caller(*whose), PayoutSerializer),
    }
    result: dict[str, Any] = {
        "exported_at": clock.now().isoformat(),
        "environment": work.environment,
        "partner": PartnerSerializer(partner).data,
    }
    for number, (name, (rows, serializer)) in enumerate(sections.items(), 1):
        found = list(rows.order_by("-id")[: MOST + 1])
        result[name] = {"complete": len(found) <= MOST, "data": serializer(found[:MOST], many=True).data}
        work.report(100 * number // (len(sections) + 1))
    return result


def shown(result: Any, may: May) -> Any:
    """The sections that somebody with these rights could read themselves; `withheld` names the others."""
    if not isinstance(result, dict):
        return result
    withheld = sorted(name for name, scope in SCOPES.items() if name in result and not may(scope))
    return {**{name: part for name, part in result.items() if name not in withheld}, "withheld": withheld}


register(Handler("DATA_EXPORT", export, shown=shown))

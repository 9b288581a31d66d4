"""What operators' programs do with keys: make a partner with one, and check any."""

from typing import Any

from django.db import transaction
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apikeys import keys, verdicts
from apikeys.api.serializers import (
    NewPartnerAnswerSerializer,
    NewPartnerSerializer,
    VerdictSerializer,
    VerifySerializer,
)
from core.api.views import ApiView, Created
from core.models import Environment
from partners import partners
from partners.api.operators import OperatorPartnerViewSet

NEW = {"id": "ptn_01jd3x8q4vf2r9kq6m5t7w8y9z", "name": "Acme", "apiKey": "pk_live_…"}
GOOD: dict[str, Any] = {
    "valid": True,
    "code": "valid",
    "partner_id": "ptn_01jd3x8q4vf2r9kq6m5t7w8y9z",
    "key_id": "key_01jd3x8q4vf2r9kq6m5t7w8y9z",
    "scopes": ["requests:read"],
    "remaining": 998,
}


class PartnerWithKeyViewSet(OperatorPartnerViewSet):
    """Partners, to operators, who may make one that works at once."""

    @extend_schema(
        operation_id="createPartner",
        summary="Create a partner with a key",
        request=NewPartnerSerializer,
        responses={201: NewPartnerAnswerSerializer},
        examples=[
            OpenApiExample("Acme", {"name": "Acme"}, request_only=True),
            OpenApiExample("Created", NEW, response_only=True),
        ],
    )
    def create(self, request: Request) -> Response:
        """An active partner and a live key in one call. The key is in this answer only."""
        body = self.read(NewPartnerSerializer)
        with transaction.atomic():
            partner = partners.create(name=body["name"], by=self.actor, active=True)
            issued = keys.issue(
                partner=partner, environment=Environment.LIVE, name=partner.name[:80], scopes=body["scopes"], by=self.actor
            )
        return Created({"id": partner.public_id, "name": partner.name, "apiKey": issued.text}, secret=("apiKey",))


class VerifyView(ApiView):
    """Checks a key for a back end that doesn't sit behind the gateway."""

    audience = "operator"
    scopes = {"write": "keys:verify"}

    @extend_schema(
        operation_id="verifyKey",
        summary="Verify a key",
        request=VerifySerializer,
        responses=VerdictSerializer,
        examples=[
            OpenApiExample("For one call", {"key": "pk_live_…", "scope": "requests:read", "cost": 1}, request_only=True),
            OpenApiExample("Let through", GOOD, response_only=True),
        ],
    )
    def post(self, request: Request) -> Response:
        """Whether the gateway would let this key through, and if not, the code of its refusal.

        `cost` takes that many calls from the key's limit of calls a minute, the one that the gateway keeps; without it nothing
        is used up. `remaining` are the calls left in this minute, null where they were not looked at.
        """
        body = self.read(VerifySerializer)
        verdict = verdicts.verify(
            text=body["key"],
            secret=body.get("secret"),
            scope=body.get("scope"),
            address=body.get("ip"),
            cost=body["cost"],
        )
        return Response(
            {
                "valid": verdict.problem is None,
                "code": verdict.code,
                "partner_id": verdict.partner_id,
                "key_id": verdict.credential_id,
                "scopes": verdict.scopes,
                "remaining": verdict.remaining,
            }
        )

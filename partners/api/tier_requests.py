"""A partner's programs ask for another tier, and take that back."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.serializers import Strict, StrictModel
from core.api.views import Created, ListMixin, PartnerViewSet, RetrieveMixin
from partners import tier_requests
from partners.models import Tier, TierRequest


class TierRequestSerializer(StrictModel):
    """A request for another tier. `reason` is the operators'; `effective_at` is null until they approved it."""

    previous: Any = serializers.SlugRelatedField("slug", read_only=True)
    tier: Any = serializers.SlugRelatedField("slug", read_only=True)

    class Meta:
        model = TierRequest
        fields = ["id", "previous", "tier", "status", "note", "reason", "created_at", "decided_at", "effective_at"]
        read_only_fields = fields


class AskForTierSerializer(Strict):
    """The tier's slug, and what the operators should know."""

    tier: Any = serializers.SlugRelatedField("slug", queryset=Tier.objects.all())
    note = serializers.CharField(max_length=2_000, default="", allow_blank=True)


@extend_schema_view(
    list=extend_schema(operation_id="listTierRequests", summary="List tier requests"),
    retrieve=extend_schema(operation_id="getTierRequest", summary="Get a tier request"),
)
class TierRequestViewSet(PartnerViewSet, ListMixin, RetrieveMixin):
    """Requests of the calling partner for another tier, which are of no environment."""

    queryset = TierRequest.objects.select_related("previous", "tier")
    serializer_class = TierRequestSerializer
    scopes = {"read": "partner:read", "write": "partner:write"}

    def get_queryset(self) -> Any:
        return self.queryset.of_partner(self.caller.partner_id)

    @extend_schema(
        operation_id="requestTier",
        summary="Ask for another tier",
        request=AskForTierSerializer,
        responses={201: TierRequestSerializer},
        examples=[OpenApiExample("Professional", {"tier": "professional", "note": "We grow"}, request_only=True)],
    )
    def create(self, request: Request) -> Response:
        """One at a time. Approved, the way up takes effect at once, the way down at the end of the month (UTC)."""
        made = tier_requests.request(partner=self.partner, by=self.actor, **self.read(AskForTierSerializer))
        return Created(TierRequestSerializer(made).data)

    @extend_schema(
        operation_id="withdrawTierRequest", summary="Take a tier request back", request=None, responses=TierRequestSerializer
    )
    @action(detail=True, methods=["post"])
    def withdraw(self, request: Request, public_id: str) -> Response:
        """Possible until it takes effect."""
        asked = self.get_object()
        tier_requests.withdraw(request=asked, by=self.actor)
        return Response(TierRequestSerializer(asked).data)

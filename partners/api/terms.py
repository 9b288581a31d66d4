"""The terms of service by API: what everybody may read, how the calling partner stands, and its yes."""

from typing import Any

from django.conf import settings
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.serializers import Strict, StrictModel
from core.api.views import ApiView, ApiViewSet, Created, ListMixin, RetrieveMixin
from partners import terms
from partners.models import Acceptance, Terms

HOLDS = {
    "version": "2026-11",
    "effective_on": "2026-11-01",
    "summary": "Payouts are monthly.",
    "url": "https://portico.example/terms/2026-11",
    "accepted": True,
}


class TermsSerializer(StrictModel):
    """A version of the terms; `url` is where people read it."""

    id = None  # type: ignore[assignment]  # a version is known by its own name
    url = serializers.SerializerMethodField()

    class Meta:
        model = Terms
        fields = ["version", "effective_on", "summary", "published_at", "url"]
        read_only_fields = fields

    def get_url(self, row: Terms) -> str:
        return settings.BASE_URL + row.get_absolute_url()


class TermsTextSerializer(TermsSerializer):
    """The same with its text, in Markdown."""

    class Meta(TermsSerializer.Meta):
        fields = [*TermsSerializer.Meta.fields, "text"]
        read_only_fields = fields


class AskedTermsSerializer(TermsSerializer):
    """A version as it stands with the calling partner."""

    accepted = serializers.BooleanField(read_only=True)

    class Meta(TermsSerializer.Meta):
        fields = ["version", "effective_on", "summary", "url", "accepted"]
        read_only_fields = fields


class StandingSerializer(Strict):
    """The version that holds and the next one; null where there is none."""

    current = AskedTermsSerializer(read_only=True, allow_null=True)
    upcoming = AskedTermsSerializer(read_only=True, allow_null=True)


class AcceptSerializer(Strict):
    """Which version is accepted: the one that holds, or the next one ahead of time."""

    version = serializers.CharField(max_length=20)


class AcceptanceSerializer(StrictModel):
    """A yes, kept as it was given."""

    version: Any = serializers.CharField(source="terms.version", read_only=True)
    accepted_at = serializers.DateTimeField(source="created_at", read_only=True)
    by = serializers.CharField(source="actor_kind", read_only=True)

    class Meta:
        model = Acceptance
        fields = ["id", "version", "accepted_at", "by", "address"]
        read_only_fields = fields


@extend_schema_view(
    list=extend_schema(operation_id="listTerms", summary="List versions of the terms"),
    retrieve=extend_schema(
        operation_id="getTerms",
        summary="Get a version of the terms",
        parameters=[OpenApiParameter("version", location="path", description="Name of the version, as it is listed.")],
        responses=TermsTextSerializer,
    ),
)
class TermsViewSet(ApiViewSet, ListMixin, RetrieveMixin):
    """Versions of the terms of service, newest first."""

    audience = "public"
    queryset = Terms.objects.published()
    serializer_class = TermsSerializer
    ordering = "-effective_on"
    lookup_field = "version"

    def get_serializer_class(self) -> type[TermsSerializer]:
        return TermsTextSerializer if self.action == "retrieve" else TermsSerializer

    def filter_by_public_id(self, queryset: Any) -> Any:
        return queryset.filter(version=self.kwargs["version"]).first()


class StandingView(ApiView):
    """How the calling partner stands with the terms."""

    scopes = {"read": "partner:read"}

    @extend_schema(
        operation_id="getTermsStanding",
        summary="Get what you accepted",
        responses=StandingSerializer,
        examples=[OpenApiExample("Accepted", {"current": HOLDS, "upcoming": None}, response_only=True)],
    )
    def get(self, request: Request) -> Response:
        """The version that holds, the next one, and whether you accepted them."""
        return Response(StandingSerializer(terms.standing(self.partner)).data)


class AcceptView(ApiView):
    """The partner's yes."""

    scopes = {"write": "partner:write"}

    @extend_schema(
        operation_id="acceptTerms",
        summary="Accept the terms",
        request=AcceptSerializer,
        responses={201: AcceptanceSerializer},
        examples=[OpenApiExample("A version", {"version": "2026-11"}, request_only=True)],
    )
    def post(self, request: Request) -> Response:
        """Accept a version for your organisation. Accepting it again gives back the first acceptance; 409 for any version but
        the one that holds and the next."""
        acceptance = terms.accept(partner=self.partner, version=self.read(AcceptSerializer)["version"], by=self.actor)
        return Created(AcceptanceSerializer(acceptance).data)

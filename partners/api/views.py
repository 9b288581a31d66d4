"""The partner API about the partner itself: facts, tiers, what happened."""

from typing import Any

from allauth.core import ratelimit
from django.conf import settings
from django.http import HttpResponseBase
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from core import audit_export
from core.api.views import ApiView, ApiViewSet, ListMixin, PartnerViewSet
from core.models import Event
from core.problems import RateLimited
from partners import partners
from partners.api.filters import EventFilter
from partners.api.serializers import (
    ActivitySerializer,
    AuditSerializer,
    PartnerSerializer,
    RegisteredSerializer,
    RegisterSerializer,
    TierSerializer,
)
from partners.models import Tier

REGISTRATION = {"email": "ann@acme.example", "password": "kumquat-sunrise-42", "company_name": "Acme", "type": "technology"}

PROFILE = {
    "summary": "Route planning for couriers.",
    "description": "We plan **routes**.\n\n- by bike\n- by van",
    "website": "https://acme.example",
    "industries": ["logistics", "retail"],
    "countries": ["DE", "GB"],
    "public_email": "hello@acme.example",
    "links": {"github": "https://github.com/acme"},
}


class RegisterView(ApiView):
    """Sign up."""

    audience = "public"

    @extend_schema(
        operation_id="register",
        summary="Register",
        request=RegisterSerializer,
        responses={202: RegisteredSerializer},
        examples=[OpenApiExample("Acme", REGISTRATION, request_only=True)],
    )
    def post(self, request: Request) -> Response:
        """Makes a pending partner with you as its owner, and sends you a mail to confirm the address. The answer is the same
        whether or not the address is known. By registering you accept the terms of service
        for your organisation (`GET /terms`)."""
        body = self.read(RegisterSerializer)
        if not ratelimit.consume(request._request, action="signup"):  # one limit with the page's
            limit = settings.REGISTRATIONS_A_MINUTE
            raise RateLimited(limit=limit, window=60, headers={"Retry-After": "60"})
        partners.register(**body, by=self.actor)
        detail = _("Look into your mail: it has a link that confirms your address.")
        return Response({"status": "accepted", "detail": detail}, status=202)


class PartnerView(ApiView):
    """The calling partner."""

    scopes = {"read": "partner:read", "write": "partner:write"}

    @extend_schema(operation_id="getPartner", summary="Get your partner", responses=PartnerSerializer)
    def get(self, request: Request) -> Response:
        return Response(PartnerSerializer(self.partner).data)

    @extend_schema(
        operation_id="updatePartner",
        summary="Change your partner",
        request=PartnerSerializer,
        responses=PartnerSerializer,
        examples=[OpenApiExample("A profile", PROFILE, request_only=True)],
    )
    def patch(self, request: Request) -> Response:
        """Change what you say of yourself. Lists and `links` are replaced whole; an empty one takes them out. Once you are live,
        everybody sees it at `profile_url`, unless `listed` is false. The logo has an operation of its own."""
        changed = partners.update(partner=self.partner, by=self.actor, **self.read(PartnerSerializer, partial=True))
        return Response(PartnerSerializer(changed).data)


@extend_schema_view(list=extend_schema(operation_id="listTiers", summary="List tiers"))
class TierViewSet(ApiViewSet, ListMixin):
    """The ladder, lowest rung first."""

    queryset = Tier.objects.all()
    serializer_class = TierSerializer
    ordering = "rank"
    scopes = {"read": "partner:read"}


@extend_schema_view(list=extend_schema(operation_id="listActivity", summary="List recent activity"))
class ActivityViewSet(PartnerViewSet, ListMixin):
    """What happened lately in the calling environment, newest first."""

    queryset = Event.objects.all()
    serializer_class = ActivitySerializer
    filterset_class = EventFilter
    scopes = {"read": "partner:read"}


class CSVRenderer(BaseRenderer):
    """Lets a view offer `?format=csv`; the view writes the file itself."""

    media_type = "text/csv"
    format = "csv"

    def render(self, data: Any, accepted_media_type: Any = None, renderer_context: Any = None) -> bytes:
        """Refusals, which are no table, stay problem documents."""
        return JSONRenderer().render(data)


class AuditLogViewSet(PartnerViewSet):
    """Everything that was done in the calling environment, by whom and from where, with each line's place in the chain."""

    queryset = Event.objects.all()
    serializer_class = AuditSerializer
    filterset_class = EventFilter
    renderer_classes = [*ApiView.renderer_classes, CSVRenderer]
    scopes = {"read": "audit:read"}

    @extend_schema(
        operation_id="listAuditLog",
        summary="List the audit log",
        responses={(200, "application/json"): AuditSerializer(many=True), (200, "text/csv"): OpenApiTypes.STR},
    )
    def list(self, request: Request) -> HttpResponseBase:
        """`?format=csv` gives all rows that the filters leave, as a file."""
        if request.accepted_renderer.format == CSVRenderer.format:
            return audit_export.as_csv(self.filter_queryset(self.get_queryset()))
        return self.listed()

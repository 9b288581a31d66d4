"""The partner API about the partner itself: profile, onboarding, tiers, what happened; and what is public of partners."""

from typing import Any, ClassVar

from allauth.core import ratelimit
from django.conf import settings
from django.http import HttpResponseBase
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework.parsers import MultiPartParser
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.views import ApiView, ApiViewSet, Created, ListMixin, PartnerViewSet, RetrieveMixin
from core.models import Event
from core.problems import BodyTooLarge, RateLimited
from partners import audit_export, documents, onboarding, partners
from partners.api.filters import EventFilter, ProfileFilter
from partners.api.serializers import (
    ActivitySerializer,
    ApiSetupSerializer,
    AuditSerializer,
    BasicInfoSerializer,
    BusinessDetailsSerializer,
    DocumentSerializer,
    PartnerSerializer,
    ProfileSerializer,
    ProgressSerializer,
    RegisteredSerializer,
    RegisterSerializer,
    TierSerializer,
    UploadSerializer,
)
from partners.models import Document, Partner, Tier

REGISTRATION = {"email": "ann@acme.example", "password": "kumquat-sunrise-42", "company_name": "Acme", "type": "technology"}
ONBOARDING = {
    "status": "in_progress",
    "current": "business-details",
    "steps": [
        {"name": "basic-info", "title": "Basic information", "state": "done", "missing": []},
        {"name": "business-details", "title": "Business details", "state": "current", "missing": ["legal_name", "country"]},
        {"name": "api-setup", "title": "API setup", "state": "todo", "missing": ["use_case"]},
        {"name": "documents", "title": "Documents", "state": "not_required", "missing": []},
        {"name": "activation", "title": "Activation", "state": "todo", "missing": ["submission"]},
    ],
    "reason": "",
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
        examples=[OpenApiExample("A website", {"website": "https://acme.example"}, request_only=True)],
    )
    def patch(self, request: Request) -> Response:
        changed = partners.update(partner=self.partner, by=self.actor, **self.read(PartnerSerializer, partial=True))
        return Response(PartnerSerializer(changed).data)


class OnboardingView(ApiView):
    """How far the calling partner has come."""

    scopes = {"read": "partner:read", "write": "partner:write"}

    @extend_schema(
        operation_id="getOnboarding",
        summary="Get the onboarding",
        responses=ProgressSerializer,
        examples=[OpenApiExample("Under way", ONBOARDING, response_only=True)],
    )
    def get(self, request: Request) -> Response:
        return Response(ProgressSerializer(onboarding.progress(self.partner)).data)


class StepView(ApiView):
    """Base of the steps that are filled in."""

    scopes = {"read": "partner:read", "write": "partner:write"}
    step: ClassVar[str]
    serializer: ClassVar[type[Any]]

    def put(self, request: Request) -> Response:
        """Keep what is given; what isn't stays as it is. Refused once the onboarding was submitted."""
        values = self.read(self.serializer, partial=True)
        progress = onboarding.save(partner=self.partner, step=self.step, by=self.actor, **values)
        return Response(ProgressSerializer(progress).data)


@extend_schema_view(
    put=extend_schema(
        operation_id="saveBasicInfo",
        summary="Save basic information",
        request=BasicInfoSerializer,
        responses=ProgressSerializer,
        examples=[OpenApiExample("Contact", {"contact_name": "Ann Lee", "contact_email": "ann@acme.example"}, request_only=True)],
    )
)
class BasicInfoView(StepView):
    step = onboarding.BASIC_INFO
    serializer = BasicInfoSerializer


@extend_schema_view(
    put=extend_schema(
        operation_id="saveBusinessDetails",
        summary="Save business details",
        request=BusinessDetailsSerializer,
        responses=ProgressSerializer,
        examples=[
            OpenApiExample(
                "Company",
                {"legal_name": "Acme Ltd", "street": "1 Canal Road", "city": "Leeds", "country": "GB"},
                request_only=True,
            )
        ],
    )
)
class BusinessDetailsView(StepView):
    step = onboarding.BUSINESS_DETAILS
    serializer = BusinessDetailsSerializer


@extend_schema_view(
    put=extend_schema(
        operation_id="saveApiSetup",
        summary="Save the API setup",
        request=ApiSetupSerializer,
        responses=ProgressSerializer,
        examples=[
            OpenApiExample(
                "Orders", {"use_case": "Orders from our shop", "webhook_url": "https://acme.example/hooks"}, request_only=True
            )
        ],
    )
)
class ApiSetupView(StepView):
    step = onboarding.API_SETUP
    serializer = ApiSetupSerializer


class SubmitView(ApiView):
    """The end of the onboarding."""

    scopes = {"write": "partner:write"}

    @extend_schema(operation_id="submitOnboarding", summary="Submit the onboarding", request=None, responses=ProgressSerializer)
    def post(self, request: Request) -> Response:
        """Ask the operators to decide. 409 says what is still missing."""
        onboarding.submit(partner=self.partner, by=self.actor)
        return Response(ProgressSerializer(onboarding.progress(self.partner)).data)


@extend_schema_view(
    list=extend_schema(operation_id="listDocuments", summary="List documents"),
    retrieve=extend_schema(operation_id="getDocument", summary="Get a document"),
)
class DocumentViewSet(PartnerViewSet, ListMixin, RetrieveMixin):
    """Documents of the calling partner, which are of no environment. Their content is for the operators alone."""

    queryset = Document.objects.all()
    serializer_class = DocumentSerializer
    parser_classes = [MultiPartParser]
    scopes = {"read": "partner:read", "write": "partner:write"}

    def get_queryset(self) -> Any:
        partner: Any = self.caller.partner_id
        return self.queryset.filter(partner=partner)

    @extend_schema(
        operation_id="uploadDocument",
        summary="Upload a document",
        request={"multipart/form-data": UploadSerializer},
        responses={201: DocumentSerializer},
    )
    def create(self, request: Request) -> Response:
        """A PDF, PNG or JPEG of at most 20 MiB; what it is, is found by its content."""
        body = self.read(UploadSerializer)
        file = body["file"]
        if file.size > documents.LARGEST:
            raise BodyTooLarge(limit=documents.LARGEST)
        document = documents.upload(
            partner=self.partner, kind=body["kind"], filename=file.name, content=file.read(), by=self.actor
        )
        return Created(DocumentSerializer(document).data)

    @extend_schema(operation_id="deleteDocument", summary="Take a document back", responses={204: None})
    def destroy(self, request: Request, public_id: str) -> Response:
        """Possible until it is decided."""
        documents.remove(document=self.get_object(), by=self.actor)
        return Response(status=204)


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

    @extend_schema(operation_id="listAuditLog", summary="List the audit log", responses=AuditSerializer(many=True))
    def list(self, request: Request) -> HttpResponseBase:
        """`?format=csv` gives all rows that the filters leave, as a file."""
        if request.accepted_renderer.format == CSVRenderer.format:
            return audit_export.as_csv(self.filter_queryset(self.get_queryset()))
        return self.listed()


@extend_schema_view(
    list=extend_schema(operation_id="listPartnerProfiles", summary="List public partners"),
    retrieve=extend_schema(operation_id="getPartnerProfile", summary="Get a public partner"),
)
class ProfileViewSet(ApiViewSet, ListMixin, RetrieveMixin):
    """Partners that show themselves in public."""

    audience = "public"
    queryset = Partner.objects.public_profiles()
    serializer_class = ProfileSerializer
    filterset_class = ProfileFilter
    ordering_fields = ("name",)
    lookup_field = "slug"

    def filter_by_public_id(self, queryset: Any) -> Any:
        return queryset.filter(slug=self.kwargs["slug"]).first()

"""The partner API about coming in: the five steps, documents, and their verification."""

from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.views import ApiView, Created, ListMixin, PartnerViewSet, RetrieveMixin
from core.problems import BodyTooLarge
from partners import documents, onboarding, standing, webhook_check
from partners.api.onboarding_serializers import (
    ApiSetupProgressSerializer,
    ApiSetupSerializer,
    BasicInfoSerializer,
    BusinessDetailsSerializer,
    DocumentSerializer,
    ProgressSerializer,
    UploadSerializer,
    VerificationSerializer,
    WebhookSerializer,
)
from partners.models import Document

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
VERIFICATION = {
    "state": "changes_requested",
    "verified_at": None,
    "reason": "The extract is older than three months.",
    "missing": ["registration"],
    "documents": {"registration": "rejected"},
    "rounds": [
        {
            "decision": "changes_requested",
            "reason": "The extract is older than three months.",
            "submitted_at": "2026-03-02T09:30:00Z",
            "decided_at": "2026-03-03T08:12:00Z",
        }
    ],
}


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
        onboarding.save(partner=self.partner, step=self.step, by=self.actor, **values)
        return self.progress()

    def progress(self) -> Response:
        """The answer: where the onboarding stands now."""
        return Response(ProgressSerializer(onboarding.progress(self.partner)).data)


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
        responses=ApiSetupProgressSerializer,
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

    def put(self, request: Request) -> Response:
        """Keep what is given; what isn't stays as it is. A new webhook address is sent a signed test delivery at once: `webhook`
        says what came of it, and has the secret that it is signed with."""
        super().put(request)
        if self.partner.api_setup.webhook_reached is None:
            webhook_check.run(self.partner)
        return self.progress()

    def progress(self) -> Response:
        shown = ProgressSerializer(onboarding.progress(self.partner)).data
        return Response({**shown, "webhook": WebhookSerializer(self.partner.api_setup).data})


class WebhookCheckView(ApiView):
    """The webhook address given in the API setup."""

    scopes = {"write": "partner:write"}

    @extend_schema(
        operation_id="checkWebhookAddress", summary="Check the webhook address", request=None, responses=WebhookSerializer
    )
    def post(self, request: Request) -> Response:
        """Send it a signed test delivery, `webhook.test`, and say what came of it."""
        setup = webhook_check.run(self.partner)
        return Created(WebhookSerializer(setup).data, status=200, secret=("secret",))


class SubmitView(ApiView):
    """The end of the onboarding, or of a further round."""

    scopes = {"write": "partner:write"}

    @extend_schema(operation_id="submitOnboarding", summary="Submit the onboarding", request=None, responses=ProgressSerializer)
    def post(self, request: Request) -> Response:
        """Where the tier asks for nobody's decision you are live at once; otherwise, and for documents, the operators decide. A
        live partner submits documents in this way, to be verified. 409 says what is still missing."""
        progress = onboarding.submit(partner=self.partner, by=self.actor)
        return Response(ProgressSerializer(progress).data)


class VerificationView(ApiView):
    """Whether the documents of the calling partner are verified, which publishing and payouts want on every tier."""

    scopes = {"read": "partner:read"}

    @extend_schema(
        operation_id="getVerification",
        summary="Get the verification",
        responses=VerificationSerializer,
        examples=[OpenApiExample("Changes wanted", VERIFICATION, response_only=True)],
    )
    def get(self, request: Request) -> Response:
        return Response(VerificationSerializer(standing.of(self.partner)).data)


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
        """A PDF, PNG or JPEG of at most 20 MiB; what it is, is found by its content, and it is kept without its
        metadata. PDFs with scripts, files inside or protection are refused."""
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

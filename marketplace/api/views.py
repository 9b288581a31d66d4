"""The marketplace by API: browse, install, publish, review."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from core import problems
from core.api.authentication import Caller
from core.api.views import ApiView, ApiViewSet, Created, ListMixin, OperatorViewSet, PartnerViewSet, RetrieveMixin
from core.models import Environment
from marketplace import installations, integrations, releases
from marketplace.api import filters
from marketplace.api.serializers import (
    CategoryListSerializer,
    CategorySerializer,
    ChangesSerializer,
    CreatedIntegrationSerializer,
    InstallationSerializer,
    InstallSerializer,
    IntegrationSerializer,
    ListedSerializer,
    NewIntegrationSerializer,
    NewVersionSerializer,
    OperatorIntegrationSerializer,
    ReviewReasonSerializer,
    ShownIntegrationSerializer,
    SubmitVersionSerializer,
    VersionSerializer,
)
from marketplace.models import Category, Installation, Integration

NEW = OpenApiExample(
    "Per call",
    {
        "slug": "weather",
        "name": "Weather",
        "summary": "Forecasts for any place, by the hour.",
        "upstream_url": "https://api.weather.example/v1",
        "price_per_call": {"amount": "0.0025", "currency": "USD"},
    },
    request_only=True,
)
REASON = OpenApiExample("A reason", {"reason": "The upstream answers 401 to every call."}, request_only=True)


class CategoryView(ApiView):
    """The tree of categories, in order."""

    audience = "public"

    @extend_schema(operation_id="listCategories", summary="List categories", responses=CategoryListSerializer)
    def get(self, request: Request) -> Response:
        rows = Category.objects.select_related("parent")
        return Response({"data": CategorySerializer(rows, many=True).data, "next_cursor": None})


@extend_schema_view(
    list=extend_schema(operation_id="listMarketplace", summary="Browse integrations"),
    retrieve=extend_schema(operation_id="getMarketplaceIntegration", summary="Get an integration of the marketplace"),
)
class ListedViewSet(ApiViewSet, ListMixin, RetrieveMixin):
    """What can be installed; by slug. With a test key, one's own published test integrations too."""

    audience = "public"
    queryset = Integration.objects.select_related("partner", "category", "current")
    serializer_class = ListedSerializer
    filterset_class = filters.ListedFilter
    ordering = "-published_at"
    ordering_fields = ("name", "published_at")
    lookup_field = "slug"

    def get_queryset(self) -> Any:
        if getattr(self, "swagger_fake_view", False):
            return super().get_queryset().none()
        return _visible(self.caller).select_related("partner", "category", "current")

    def filter_by_public_id(self, queryset: Any) -> Any:
        return queryset.filter(slug=self.kwargs["slug"]).first()


class ReleaseViewSet(ApiViewSet):
    """What anybody may know of an integration's versions."""

    audience = "public"
    queryset = Integration.objects.all()
    serializer_class = VersionSerializer

    @extend_schema(operation_id="listMarketplaceVersions", summary="List an integration's versions")
    def list(self, request: Request, slug: str) -> Response:
        integration = _visible(self.caller).filter(slug=slug).first()
        if integration is None:
            raise problems.NotFound()
        return self.listed(integration.versions.filter(released_at__isnull=False))


class InstallView(ApiView):
    """Installing from the marketplace."""

    scopes = {"write": "marketplace:write"}

    @extend_schema(
        operation_id="installIntegration",
        summary="Install an integration",
        request=InstallSerializer,
        responses={201: InstallationSerializer},
        examples=[OpenApiExample("Agreeing to one scope", {"scopes": ["requests:read"]}, request_only=True)],
    )
    def post(self, request: Request, slug: str) -> Response:
        """Agree to its terms and call it under `base_url`, from the next call on. Your key must have the scopes it asks for."""
        body = self.read(InstallSerializer)
        caller = self.caller
        integration = _visible(caller).filter(slug=slug).first()
        if integration is None:
            raise problems.NotFound()
        installation = installations.install(
            integration=integration,
            partner=self.partner,
            environment=caller.environment,
            scopes=body.get("scopes"),
            held=caller.scopes,
            number=body.get("version"),
            by=self.actor,
        )
        return Created(InstallationSerializer(installation).data)


@extend_schema_view(
    list=extend_schema(operation_id="listInstallations", summary="List installations"),
    retrieve=extend_schema(operation_id="getInstallation", summary="Get an installation"),
)
class InstallationViewSet(PartnerViewSet, ListMixin, RetrieveMixin):
    """What the calling partner has installed in this environment, the uninstalled included."""

    queryset = Installation.objects.select_related("integration", "version", "partner")
    serializer_class = InstallationSerializer
    filterset_class = filters.InstallationFilter
    scopes = {"read": "marketplace:read", "write": "marketplace:write"}

    @extend_schema(operation_id="uninstallIntegration", summary="Uninstall an integration", responses={204: None})
    def destroy(self, request: Request, public_id: str) -> Response:
        """Calls to it are refused from the next one on."""
        installations.uninstall(installation=self.get_object(), by=self.actor)
        return Response(status=204)


@extend_schema_view(
    list=extend_schema(operation_id="listIntegrations", summary="List your integrations"),
    retrieve=extend_schema(operation_id="getIntegration", summary="Get one of your integrations"),
)
class IntegrationViewSet(PartnerViewSet, ListMixin, RetrieveMixin):
    """Integrations of the calling partner, in the calling key's environment."""

    queryset = Integration.objects.select_related("category", "current", "partner")
    serializer_class = IntegrationSerializer
    filterset_class = filters.OwnFilter
    ordering_fields = ("name",)
    scopes = {"read": "integrations:read", "write": "integrations:write"}

    def get_serializer_class(self) -> Any:
        return ShownIntegrationSerializer if self.action == "retrieve" else IntegrationSerializer

    @extend_schema(
        operation_id="createIntegration",
        summary="Create an integration",
        request=NewIntegrationSerializer,
        responses={201: CreatedIntegrationSerializer},
        examples=[NEW],
    )
    def create(self, request: Request) -> Response:
        """A draft. `signing_secret` is in this answer only: check with it that calls to your API come from here."""
        body = self.read(NewIntegrationSerializer)
        made = integrations.create(partner=self.partner, environment=self.caller.environment, by=self.actor, **body)
        return Created(CreatedIntegrationSerializer(made.integration).data, secret=("signing_secret",))

    @extend_schema(
        operation_id="updateIntegration",
        summary="Change an integration",
        request=ChangesSerializer(partial=True),
        responses=IntegrationSerializer,
    )
    def partial_update(self, request: Request, public_id: str) -> Response:
        """Texts may change at any time. Where it leads, what it asks for and what it costs is reviewed: to change it, unpublish
        first; consumers stay on the reviewed version meanwhile."""
        changes = self.read(ChangesSerializer, partial=True)
        return self._shown(integrations.update(integration=self.get_object(), changes=changes, by=self.actor))

    @extend_schema(operation_id="deleteIntegration", summary="Delete a draft", responses={204: None})
    def destroy(self, request: Request, public_id: str) -> Response:
        """Only one that was never published."""
        integrations.delete(integration=self.get_object(), by=self.actor)
        return Response(status=204)

    @extend_schema(
        operation_id="submitIntegration",
        summary="Submit an integration for review",
        request=SubmitVersionSerializer,
        responses=IntegrationSerializer,
    )
    @action(detail=True, methods=["post"])
    def submit(self, request: Request, public_id: str) -> Response:
        """An operator looks at it. A test integration, which only you can see, is approved at once."""
        body = self.read(SubmitVersionSerializer)
        integration = self.get_object()
        return self._shown(
            integrations.submit(integration=integration, number=body["version"], notes=body["notes"], by=self.actor)
        )

    @extend_schema(
        operation_id="publishIntegration", summary="Publish an integration", request=None, responses=IntegrationSerializer
    )
    @action(detail=True, methods=["post"])
    def publish(self, request: Request, public_id: str) -> Response:
        """Put an approved or unpublished one into the marketplace."""
        return self._shown(integrations.publish(integration=self.get_object(), by=self.actor))

    @extend_schema(
        operation_id="unpublishIntegration", summary="Unpublish an integration", request=None, responses=IntegrationSerializer
    )
    @action(detail=True, methods=["post"])
    def unpublish(self, request: Request, public_id: str) -> Response:
        """Take it out of the marketplace. Those who have installed it keep it."""
        integration = self.get_object()
        integrations.unpublish(integration=integration, by=self.actor)
        return self._shown(integration)

    def _shown(self, integration: Integration) -> Response:
        return Response(IntegrationSerializer(integration).data)


class VersionViewSet(PartnerViewSet):
    """Versions of one's own integration, unreleased ones included."""

    queryset = Integration.objects.all()
    serializer_class = VersionSerializer
    scopes = {"read": "integrations:read", "write": "integrations:write"}

    @extend_schema(operation_id="listIntegrationVersions", summary="List your integration's versions")
    def list(self, request: Request, public_id: str) -> Response:
        return self.listed(self.get_object().versions.all())

    @extend_schema(
        operation_id="createIntegrationVersion",
        summary="Add a version",
        request=NewVersionSerializer,
        responses={201: VersionSerializer},
        examples=[OpenApiExample("A release", {"number": "1.1.0", "notes": "Snow, too."}, request_only=True)],
    )
    def create(self, request: Request, public_id: str) -> Response:
        """Of a published integration it is released at once, on the same terms; of a draft it is handed in with it."""
        version = releases.add(integration=self.get_object(), by=self.actor, **self.read(NewVersionSerializer))
        return Created(VersionSerializer(version).data)


@extend_schema_view(
    list=extend_schema(operation_id="operatorListIntegrations", summary="List partners' integrations"),
    retrieve=extend_schema(operation_id="operatorGetIntegration", summary="Get a partner's integration"),
)
class OperatorIntegrationViewSet(OperatorViewSet, ListMixin, RetrieveMixin):
    """Partners' integrations, for review; `?state=in_review` are those that wait."""

    queryset = Integration.objects.select_related("category", "current", "partner").exclude(environment=Environment.TEST)
    serializer_class = OperatorIntegrationSerializer
    filterset_class = filters.ReviewFilter
    ordering_fields = ("name",)
    scopes = {"read": "reviews:write", "write": "reviews:write"}

    @extend_schema(
        operation_id="approveIntegration",
        summary="Approve an integration",
        request=None,
        responses=OperatorIntegrationSerializer,
    )
    @action(detail=True, methods=["post"])
    def approve(self, request: Request, public_id: str) -> Response:
        """Its partner can publish it."""
        return self._after(integrations.approve)

    @extend_schema(
        operation_id="requestIntegrationChanges",
        summary="Ask for changes",
        request=ReviewReasonSerializer,
        responses=OperatorIntegrationSerializer,
        examples=[REASON],
    )
    @action(detail=True, methods=["post"])
    def request_changes(self, request: Request, public_id: str) -> Response:
        """Back to its partner as a draft, with the reason."""
        return self._after(integrations.request_changes, **self.read(ReviewReasonSerializer))

    @extend_schema(
        operation_id="rejectIntegration",
        summary="Reject an integration",
        request=ReviewReasonSerializer,
        responses=OperatorIntegrationSerializer,
        examples=[REASON],
    )
    @action(detail=True, methods=["post"])
    def reject(self, request: Request, public_id: str) -> Response:
        """For good, with the reason."""
        return self._after(integrations.reject, **self.read(ReviewReasonSerializer))

    @extend_schema(
        operation_id="suspendIntegration",
        summary="Suspend an integration",
        request=ReviewReasonSerializer,
        responses=OperatorIntegrationSerializer,
        examples=[REASON],
    )
    @action(detail=True, methods=["post"])
    def suspend(self, request: Request, public_id: str) -> Response:
        """Calls to it are refused from the next one on."""
        return self._after(integrations.suspend, **self.read(ReviewReasonSerializer))

    @extend_schema(
        operation_id="reinstateIntegration",
        summary="Lift a suspension",
        request=None,
        responses=OperatorIntegrationSerializer,
    )
    @action(detail=True, methods=["post"])
    def reinstate(self, request: Request, public_id: str) -> Response:
        """Those who have installed it can call it again; its partner decides about publishing."""
        return self._after(integrations.reinstate)

    def _after(self, verb: Any, **facts: Any) -> Response:
        integration = self.get_object()
        verb(integration=integration, by=self.actor, **facts)
        return Response(OperatorIntegrationSerializer(integration).data)


def _visible(caller: Caller) -> QuerySet[Integration]:
    found: QuerySet[Integration] = Integration.objects.listed()
    if caller.partner_id is not None:
        found = Integration.objects.visible_to(caller.partner_id, caller.environment)
    return found

"""Applications and consents by API."""

from datetime import timedelta
from typing import Any

import django_filters
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apikeys.api.oauth_serializers import (
    ApplicationSerializer,
    ApplicationSettingsSerializer,
    ConsentSerializer,
    IssuedApplicationSerializer,
    NewApplicationSerializer,
    RotateClientSecretSerializer,
)
from apikeys.keys import Rights
from apikeys.models import Application, ClientSecret, Consent
from apikeys.oauth import applications, consents
from core.api.views import Created, ListMixin, PartnerViewSet, RetrieveMixin
from core.problems import NotFound

SECRETS = ("client_secret",)
NEW = {"name": "Order sync", "grant_types": ["client_credentials"], "scopes": ["requests:read", "requests:write"]}
SHOWN: dict[str, Any] = {
    "id": "app_01jd3x8q4vf2r9kq6m5t7w8y9z",
    "client_id": "app_01jd3x8q4vf2r9kq6m5t7w8y9z",
    "name": "Order sync",
    "environment": "live",
    "kind": "confidential",
    "grant_types": ["client_credentials"],
    "scopes": ["requests:read", "requests:write"],
    "redirect_uris": [],
    "ip_allowlist": [],
    "rate_limit_per_minute": None,
    "status": "active",
    "secrets": [
        {
            "id": "cls_01jd3x8q5a1b2c3d4e5f6g7h8j",
            "hint": "pcs_…x7Kq",
            "expires_at": None,
            "created_at": "2026-01-31T12:00:00Z",
            "last_used_at": None,
        }
    ],
    "created_at": "2026-01-31T12:00:00Z",
    "last_used_at": None,
}
ISSUED = {**SHOWN, "client_secret": "pcs_…"}


class ApplicationFilter(django_filters.FilterSet):
    """By state."""

    status = django_filters.ChoiceFilter(choices=Application.Status.choices)

    class Meta:
        model = Application
        fields = ["status"]


@extend_schema_view(
    list=extend_schema(operation_id="listApplications", summary="List applications"),
    retrieve=extend_schema(
        operation_id="getApplication",
        summary="Get an application",
        examples=[OpenApiExample("An application", SHOWN, response_only=True)],
    ),
)
class ApplicationViewSet(PartnerViewSet, ListMixin, RetrieveMixin):
    """OAuth applications of the calling partner, in the caller's environment."""

    queryset = Application.objects.select_related("partner__tier").prefetch_related("secrets")
    serializer_class = ApplicationSerializer
    filterset_class = ApplicationFilter
    ordering_fields = ("name",)
    scopes = {"read": "keys:read", "write": "keys:write"}

    @extend_schema(
        operation_id="createApplication",
        summary="Create an application",
        request=NewApplicationSerializer,
        responses={201: IssuedApplicationSerializer},
        examples=[
            OpenApiExample("For your own partner", NEW, request_only=True),
            OpenApiExample("Created", ISSUED, response_only=True),
        ],
    )
    def create(self, request: Request) -> Response:
        """In the caller's environment. The client secret is in this answer only. No application has scopes that you lack."""
        body = self.read(NewApplicationSerializer)
        issued = applications.issue(
            partner=self.partner, environment=self.caller.environment, by=self.actor, rights=self.rights, **body
        )
        return Created(IssuedApplicationSerializer(issued).data, secret=SECRETS)

    @extend_schema(
        operation_id="updateApplication",
        summary="Change an application",
        request=ApplicationSettingsSerializer,
        responses=ApplicationSerializer,
    )
    def partial_update(self, request: Request, public_id: str) -> Response:
        """What changes holds from the next call on, for tokens that were given out too."""
        body = self.read(ApplicationSettingsSerializer)
        application = applications.update(application=self.get_object(), by=self.actor, rights=self.rights, **body)
        return Response(ApplicationSerializer(application).data)

    @extend_schema(operation_id="deleteApplication", summary="End an application", responses={204: None})
    def destroy(self, request: Request, public_id: str) -> Response:
        """For good, with its tokens and all consents. It stays in the list, revoked."""
        applications.revoke(application=self.get_object(), by=self.actor)
        return Response(status=204)

    @extend_schema(
        operation_id="rotateClientSecret",
        summary="Get a new client secret",
        request=RotateClientSecretSerializer,
        responses={201: IssuedApplicationSerializer},
        examples=[OpenApiExample("A day of grace", {"grace_seconds": 86400}, request_only=True)],
    )
    @action(detail=True, methods=["post"])
    def rotate_secret(self, request: Request, public_id: str) -> Response:
        """The new one works at once, earlier ones work on for the grace period; two work at a time."""
        grace = timedelta(seconds=self.read(RotateClientSecretSerializer)["grace_seconds"])
        issued = applications.rotate_secret(application=self.get_object(), grace=grace, by=self.actor, rights=self.rights)
        return Created(IssuedApplicationSerializer(issued).data, secret=SECRETS)

    @extend_schema(operation_id="revokeClientSecret", summary="End a client secret", responses={204: None})
    @action(detail=True, methods=["delete"])
    def end_secret(self, request: Request, public_id: str, secret_id: str) -> Response:
        """At once, with the tokens that the application has for your own partner."""
        application = self.get_object()
        found = ClientSecret.objects.filter(application=application).usable().public(secret_id)
        secret = found.select_related("application__partner").first()
        if secret is None:
            raise NotFound()
        applications.revoke_secret(secret=secret, by=self.actor)
        return Response(status=204)

    @extend_schema(
        operation_id="disableApplication", summary="Switch an application off", request=None, responses=ApplicationSerializer
    )
    @action(detail=True, methods=["post"])
    def disable(self, request: Request, public_id: str) -> Response:
        """Refuse its calls, and give it no tokens, until it is enabled."""
        return self._after(applications.disable)

    @extend_schema(
        operation_id="enableApplication", summary="Switch an application on", request=None, responses=ApplicationSerializer
    )
    @action(detail=True, methods=["post"])
    def enable(self, request: Request, public_id: str) -> Response:
        """Let a disabled application work again."""
        return self._after(applications.enable)

    @property
    def rights(self) -> Rights:
        """What the caller may hand on: what it has."""
        return Rights(self.caller.scopes)

    def _after(self, verb: Any) -> Response:
        application = self.get_object()
        verb(application=application, by=self.actor)
        return Response(ApplicationSerializer(application).data)


class ConsentFilter(django_filters.FilterSet):
    """By state."""

    status = django_filters.ChoiceFilter(choices=Consent.Status.choices)

    class Meta:
        model = Consent
        fields = ["status"]


@extend_schema_view(
    list=extend_schema(operation_id="listConsents", summary="List connected applications"),
    retrieve=extend_schema(operation_id="getConsent", summary="Get a connected application"),
)
class ConsentViewSet(PartnerViewSet, ListMixin, RetrieveMixin):
    """Applications that may act for the calling partner, in the caller's environment."""

    queryset = Consent.objects.select_related("application__partner", "partner")
    serializer_class = ConsentSerializer
    filterset_class = ConsentFilter
    scopes = {"read": "keys:read", "write": "keys:write"}

    @extend_schema(operation_id="revokeConsent", summary="Disconnect an application", responses={204: None})
    def destroy(self, request: Request, public_id: str) -> Response:
        """It may act for you no more, from its next call on."""
        consents.revoke(consent=self.get_object(), by=self.actor)
        return Response(status=204)

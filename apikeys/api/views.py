"""Keys by API: a program manages its partner's keys, within what its own key may."""

import time
from datetime import timedelta
from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, PolymorphicProxySerializer, extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apikeys import keys, leaks, registration, reporters
from apikeys.api.serializers import (
    AcceptedSerializer,
    ConfirmedSerializer,
    ConfirmSerializer,
    FindingSerializer,
    IssuedKeySerializer,
    KeySerializer,
    KeySettingsSerializer,
    LeakSerializer,
    NewKeySerializer,
    RotateSerializer,
    ScopeListSerializer,
    ScopeSerializer,
)
from apikeys.filters import KeyFilter
from apikeys.models import Key
from core import scopes
from core.api.views import ApiView, Created, ListMixin, PartnerViewSet, RetrieveMixin
from core.problems import ValidationError

MOST_FOUND, MOST_SIGNED = 100, 1_000
"""Findings of one report."""
EVEN, EVEN_EACH = 0.1, 0.005
"""Seconds that the answer to a report takes at least, and for each finding more: what a real key costs is less."""

SECRETS = ("key", "secret")
NEW = {
    "name": "Back end",
    "environment": "live",
    "scopes": ["requests:read", "requests:write"],
    "ip_allowlist": ["203.0.113.0/24"],
}
SHOWN = {
    "id": "key_01jd3x8q4vf2r9kq6m5t7w8y9z",
    "name": "Back end",
    "environment": "live",
    "prefix": "pk_live_",
    "hint": "pk_live_…x7Kq",
    "scopes": ["requests:read", "requests:write"],
    "status": "active",
    "ip_allowlist": ["203.0.113.0/24"],
    "rate_limit_per_minute": None,
    "require_secret": False,
    "expires_at": None,
    "successor": None,
    "created_at": "2026-01-31T12:00:00Z",
    "first_used_at": "2026-01-31T12:05:00Z",
    "last_used_at": "2026-02-03T08:00:00Z",
    "last_used_address": "203.0.113.9",
    "last_used_agent": "orders/1.4",
}
ISSUED = {**SHOWN, "key": "pk_live_…"}


@extend_schema_view(
    list=extend_schema(operation_id="listKeys", summary="List keys"),
    retrieve=extend_schema(
        operation_id="getKey", summary="Get a key", examples=[OpenApiExample("A key", SHOWN, response_only=True)]
    ),
)
class KeyViewSet(PartnerViewSet, ListMixin, RetrieveMixin):
    """Keys of the calling partner, in the calling key's environment."""

    queryset = Key.objects.select_related("partner__tier")
    serializer_class = KeySerializer
    filterset_class = KeyFilter
    ordering_fields = ("name",)
    scopes = {"read": "keys:read", "write": "keys:write"}

    @extend_schema(
        operation_id="createKey",
        summary="Create a key",
        request=NewKeySerializer,
        responses={201: IssuedKeySerializer},
        examples=[OpenApiExample("A live key", NEW, request_only=True), OpenApiExample("Created", ISSUED, response_only=True)],
    )
    def create(self, request: Request) -> Response:
        """The key is in this answer only. A key can't have scopes that yours lacks. A test key makes test keys, and the first
        live key once the partner is live."""
        body = self.read(NewKeySerializer)
        environment = body.pop("environment", self.caller.environment)
        keys.require_reach(partner=self.partner, held=self.caller.environment, wanted=environment)
        issued = keys.issue(partner=self.partner, environment=environment, by=self.actor, rights=self.rights, **body)
        return Created(IssuedKeySerializer(issued).data, secret=SECRETS)

    @extend_schema(operation_id="updateKey", summary="Change a key", request=KeySettingsSerializer, responses=KeySerializer)
    def partial_update(self, request: Request, public_id: str) -> Response:
        """What changes holds from the next call on."""
        key = keys.update(key=self.get_object(), by=self.actor, rights=self.rights, **self.read(KeySettingsSerializer))
        return Response(KeySerializer(key).data)

    @extend_schema(operation_id="deleteKey", summary="Revoke a key", responses={204: None})
    def destroy(self, request: Request, public_id: str) -> Response:
        """The same as revoking it: it stays in the list, revoked."""
        keys.revoke(key=self.get_object(), by=self.actor)
        return Response(status=204)

    @extend_schema(
        operation_id="rotateKey",
        summary="Rotate a key",
        request=RotateSerializer,
        responses={201: IssuedKeySerializer},
        examples=[OpenApiExample("A day of grace", {"grace_seconds": 86400}, request_only=True)],
    )
    @action(detail=True, methods=["post"])
    def rotate(self, request: Request, public_id: str) -> Response:
        """A new key with the same rights; the old one works on for the grace period."""
        grace = timedelta(seconds=self.read(RotateSerializer)["grace_seconds"])
        issued = keys.rotate(key=self.get_object(), grace=grace, by=self.actor, rights=self.rights)
        return Created(IssuedKeySerializer(issued).data, secret=SECRETS)

    @extend_schema(
        operation_id="rotateKeySecret",
        summary="Renew a key's secret",
        request=None,
        responses={201: IssuedKeySerializer},
        examples=[OpenApiExample("Renewed", {**SHOWN, "require_secret": True, "secret": "ps_…"}, response_only=True)],
    )
    @action(detail=True, methods=["post"], url_path="rotate-secret")
    def rotate_secret(self, request: Request, public_id: str) -> Response:
        """Another second secret, or a first one; the one before stops at once. To change over without a gap, rotate the key."""
        issued = keys.rotate_secret(key=self.get_object(), by=self.actor, rights=self.rights)
        return Created(IssuedKeySerializer(issued).data, secret=SECRETS)

    @extend_schema(operation_id="revokeKey", summary="Revoke a key", request=None, responses=KeySerializer)
    @action(detail=True, methods=["post"])
    def revoke(self, request: Request, public_id: str) -> Response:
        """End it for good, from the next call on."""
        return self._after(keys.revoke)

    @extend_schema(operation_id="disableKey", summary="Switch a key off", request=None, responses=KeySerializer)
    @action(detail=True, methods=["post"])
    def disable(self, request: Request, public_id: str) -> Response:
        """Refuse its calls until it is enabled."""
        return self._after(keys.disable)

    @extend_schema(operation_id="enableKey", summary="Switch a key on", request=None, responses=KeySerializer)
    @action(detail=True, methods=["post"])
    def enable(self, request: Request, public_id: str) -> Response:
        """Let the calls of a disabled key through again."""
        return self._after(keys.enable)

    @property
    def rights(self) -> keys.Rights:
        """What the caller may hand on: what it has."""
        return keys.Rights(self.caller.scopes)

    def _after(self, verb: Any) -> Response:
        key = self.get_object()
        verb(key=key, by=self.actor)
        return Response(KeySerializer(key).data)


class ScopeView(ApiView):
    """What keys may be allowed to do."""

    @extend_schema(operation_id="listScopes", summary="List scopes", responses=ScopeListSerializer)
    def get(self, request: Request) -> Response:
        known = sorted(scopes.known().values(), key=lambda scope: scope.name)
        return Response({"data": ScopeSerializer(known, many=True).data, "next_cursor": None})


LEAK = {"key": "pk_live_…", "url": "https://github.com/acme/shop/blob/main/settings.py"}
FINDING = {
    "token": "pk_live_…",
    "type": "portico_key",
    "url": "https://github.com/acme/shop/blob/main/settings.py",
    "source": "content",
}


class LeakView(ApiView):
    """Somebody found a key in the open."""

    audience = "public"

    @extend_schema(
        operation_id="reportLeakedKey",
        summary="Report a leaked key",
        request=PolymorphicProxySerializer(
            component_name="LeakReport",
            serializers=[LeakSerializer, FindingSerializer(many=True)],
            resource_type_field_name=None,
            many=False,
        ),
        responses={202: AcceptedSerializer},
        examples=[
            OpenApiExample("One key", LEAK, request_only=True),
            OpenApiExample("A scanner's findings", [FINDING], request_only=True),
        ],
    )
    def post(self, request: Request) -> Response:
        """A real key, client secret or token stops at once and its owner is told; the answer is the same for anything else, and
        takes as long.

        A list is taken as the findings of a secret scanner (GitHub's format), 100 at most, or 1,000 that are signed.
        """
        began, raw = time.monotonic(), request._request.body
        if isinstance(request.data, list):
            signed = reporters.is_signed(
                body=raw,
                identifier=request.headers.get(reporters.IDENTIFIER, ""),
                signature=request.headers.get(reporters.SIGNATURE, ""),
            )
            most = MOST_SIGNED if signed else MOST_FOUND
            if len(request.data) > most:
                raise ValidationError({"non_field_errors": [_("At most %d at once.") % most]})
            reports, source = reporters.findings(request.data), "github" if signed else "public"
        else:
            body = self.read(LeakSerializer)
            reports, source = [leaks.Report(body["key"], body.get("url", ""), body.get("note", ""))], "public"
        if source == "public":
            leaks.require_room(self.actor.address)
        for each in reports:
            leaks.report(text=each.text, url=each.url, note=each.note, source=source, by=self.actor)
        time.sleep(max(0.0, began + EVEN + EVEN_EACH * len(reports) - time.monotonic()))
        return Response({"status": "accepted"}, status=202)


class ConfirmView(ApiView):
    """The end of a registration by API."""

    audience = "public"

    @extend_schema(
        operation_id="confirmRegistration",
        summary="Confirm a registration",
        request=ConfirmSerializer,
        responses={201: ConfirmedSerializer},
    )
    def post(self, request: Request) -> Response:
        """Confirms the address with the token of the mail's link, and hands out a first test key, with which the
        onboarding can be done by API. Works once; the link itself does the same without a key."""
        issued = registration.confirm(token=self.read(ConfirmSerializer)["token"], by=self.actor)
        partner = issued.key.partner
        data = {"partner_id": partner.public_id, "slug": partner.slug, "key_id": issued.key.public_id, "key": issued.text}
        return Created(data, secret=("key",))

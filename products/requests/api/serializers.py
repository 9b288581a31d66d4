"""Requests on the wire. This product's names are in camelCase, as its clients know them."""

import json
from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core import ids
from core.api.serializers import Strict
from products.requests.handlers import shown
from products.requests.models import TYPE, Request

LONGEST_ERROR = 16_384


@extend_schema_field({"description": "Any JSON value."})
class AnyJSON(serializers.JSONField):
    """Any JSON value; null is one of them, not the lack of one."""

    def validate_empty_values(self, data: Any) -> tuple[bool, Any]:
        return (True, None) if data is None else super().validate_empty_values(data)


class SubmitSerializer(Strict):
    """The body of a submission."""

    type = serializers.CharField(validators=[TYPE], max_length=64)
    payload = AnyJSON(required=False, default=None)


class RequestSerializer(Strict):
    """A request as its partner sees it."""

    requestId = serializers.CharField(source="public_id", read_only=True)
    partnerId = serializers.SerializerMethodField()
    environment = serializers.CharField(read_only=True)
    type = serializers.CharField(read_only=True)
    status = serializers.ChoiceField(Request.Status.choices, read_only=True)
    progress = serializers.IntegerField(read_only=True)
    payload = AnyJSON(read_only=True)
    result = AnyJSON(read_only=True)
    error = AnyJSON(read_only=True)
    attempts = serializers.IntegerField(read_only=True)
    createdAt = serializers.DateTimeField(source="created_at", read_only=True)
    dueAt = serializers.DateTimeField(source="due_at", read_only=True)
    breachedAt = serializers.DateTimeField(source="breached_at", read_only=True, allow_null=True)
    finishedAt = serializers.DateTimeField(source="finished_at", read_only=True, allow_null=True)

    def to_representation(self, request: Request) -> Any:
        """Of the result, what the caller's scopes allow."""
        view = self.context.get("view")
        found = super().to_representation(request)
        found["result"] = shown(request.type, found["result"], view.caller.has_scope if view else lambda scope: False)
        return found

    @extend_schema_field(OpenApiTypes.STR)
    def get_partnerId(self, request: Request) -> str:
        return ids.encode("ptn", request.partner_id)


class OperatorRequestSerializer(RequestSerializer):
    """A request as the operator's back end sees it."""

    claimedBy = serializers.CharField(source="claimed_by", read_only=True)
    leasedUntil = serializers.DateTimeField(source="leased_until", read_only=True, allow_null=True)
    nextAttemptAt = serializers.DateTimeField(source="next_attempt_at", read_only=True)


class ClaimedRequestSerializer(OperatorRequestSerializer):
    """A request just claimed, with the lease that its results are sent under."""

    lease = serializers.UUIDField(read_only=True)


class ClaimSerializer(Strict):
    """The body of a claim."""

    leaseSeconds = serializers.IntegerField(min_value=5, max_value=86_400, default=900)


class HeldSerializer(Strict):
    """What every word about a claimed request may name: the lease, where several processes share one token."""

    lease = serializers.UUIDField(required=False, default=None, allow_null=True)


class ProgressSerializer(HeldSerializer):
    """How far the work is; the lease is prolonged by as much as asked for."""

    progress = serializers.IntegerField(min_value=0, max_value=100)
    leaseSeconds = serializers.IntegerField(min_value=5, max_value=86_400, default=900)


class CompleteSerializer(HeldSerializer):
    """The result."""

    result = AnyJSON(required=False, default=None)


class FailSerializer(HeldSerializer):
    """Why it failed, and whether to try again."""

    error = AnyJSON()
    retry = serializers.BooleanField(default=False)

    def validate_error(self, value: Any) -> Any:
        if not isinstance(value, str | dict) or not value:
            raise serializers.ValidationError(_("A text or an object that says why."))
        if len(json.dumps(value)) > LONGEST_ERROR:
            raise serializers.ValidationError(_("At most 16 KiB."))
        return value

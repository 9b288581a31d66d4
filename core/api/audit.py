"""Is the event log whole."""

from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core import audit, ids
from core.api.filters import refuse_unknown
from core.api.views import ApiView
from core.problems import ValidationError
from core.relay import NOBODY


class AuditCheckView(ApiView):
    """The proof that no past event was altered, deleted or put in between."""

    audience = "operator"
    scopes = {"read": "audit:read"}

    @extend_schema(
        operation_id="checkAudit",
        summary="Check the audit log",
        parameters=[OpenApiParameter("partner_id", description="Only this partner's chain.")],
        responses=inline_serializer(
            "AuditCheck",
            {
                "intact": serializers.BooleanField(),
                "events": serializers.IntegerField(),
                "first_broken": inline_serializer(
                    "AuditBreak",
                    {
                        "partner_id": serializers.CharField(allow_null=True),
                        "number": serializers.IntegerField(),
                        "event_id": serializers.CharField(allow_null=True),
                        "reason": serializers.CharField(),
                    },
                    allow_null=True,
                ),
            },
        ),
    )
    def get(self, request: Request) -> Response:
        """Recompute the hash chains and compare them with the heads that were exported."""
        refuse_unknown(request, {"partner_id"})
        named = request.query_params.get("partner_id")
        try:
            owner = ids.decode("ptn", named) if named else None
        except ids.MalformedId as error:
            raise ValidationError({"partner_id": ["This is no id of a partner."]}) from error
        report = audit.verify(owner)
        first = None
        if report.breaks:
            broken = report.breaks[0]
            partner = None if broken.owner == NOBODY else ids.encode("ptn", broken.owner)
            first = {
                "partner_id": partner,
                "number": broken.number,
                "event_id": broken.event or None,
                "reason": broken.reason,
            }
        return Response({"intact": report.intact, "events": report.events, "first_broken": first})

"""Partners, to operators: look, change, decide. Creating one, which hands out a key, is in `apikeys.api.operators`."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.views import ListMixin, OperatorViewSet, RetrieveMixin
from core.models import User
from partners import partners, reviews
from partners.api.filters import OperatorPartnerFilter
from partners.api.serializers import (
    ApproveSerializer,
    OperatorPartnerSerializer,
    ReasonSerializer,
    RejectSerializer,
    RequestChangesSerializer,
)
from partners.models import Partner

UNPAID = OpenApiExample("Unpaid", {"reason": "Unpaid invoices"}, request_only=True)


@extend_schema_view(
    list=extend_schema(operation_id="operatorListPartners", summary="List partners"),
    retrieve=extend_schema(operation_id="operatorGetPartner", summary="Get a partner"),
)
class OperatorPartnerViewSet(OperatorViewSet, ListMixin, RetrieveMixin):
    """All partners: their profile, their tier, and where they are between pending and closed."""

    queryset = Partner.objects.select_related("tier")
    serializer_class = OperatorPartnerSerializer
    filterset_class = OperatorPartnerFilter
    ordering_fields = ("name",)
    scopes = {
        "read": "partners:read",
        "write": "partners:write",
        **dict.fromkeys(("approve", "request_changes", "reject"), "reviews:write"),
        **dict.fromkeys(("close", "destroy", "restore"), "partners:close"),
    }

    def get_queryset(self) -> Any:
        """Without the deleted, which only `restore` and `?deleted=true` find."""
        queryset: Any = super().get_queryset()
        if self.action == "restore":
            return queryset
        if self.action == "list" and self.request.query_params.get("deleted") == "true":
            return queryset.exclude(deleted_at=None)
        return queryset.present()

    @extend_schema(operation_id="operatorUpdatePartner", summary="Change a partner", request=OperatorPartnerSerializer)
    def partial_update(self, request: Request, public_id: str) -> Response:
        """Change the profile or the tier; a tier's limits hold from the next call on."""
        partner = self.get_object()
        changes = self.read(OperatorPartnerSerializer, partial=True)
        tier = changes.pop("tier", None)
        if tier is not None:
            partners.change_tier(partner=partner, tier=tier, by=self.actor)
        partners.update(partner=partner, by=self.actor, **changes)
        return self._answer(partner)

    @extend_schema(operation_id="operatorDeletePartner", summary="Delete a partner", responses={204: None})
    def destroy(self, request: Request, public_id: str) -> Response:
        """Close it and take it out of every list. `restore` brings it back as it was."""
        partners.delete(partner=self.get_object(), by=self.actor)
        return Response(status=204)

    @extend_schema(operation_id="approvePartner", summary="Approve a partner", request=ApproveSerializer)
    @action(detail=True, methods=["post"])
    def approve(self, request: Request, public_id: str) -> Response:
        """Decide the review that waits: the partner goes live, and is verified if its documents were accepted. One that never
        asked for a review can be approved too. 409 says what its tier still asks for."""
        return self._after(reviews.approve, operator=self._operator(), **self.read(ApproveSerializer))

    @extend_schema(operation_id="requestPartnerChanges", summary="Ask a partner for changes", request=RequestChangesSerializer)
    @action(detail=True, methods=["post"])
    def request_changes(self, request: Request, public_id: str) -> Response:
        """Decide the review that waits: the partner reads what to change, and submits again."""
        return self._after(reviews.request_changes, operator=self._operator(), **self.read(RequestChangesSerializer))

    @extend_schema(operation_id="rejectPartner", summary="Reject a partner", request=RejectSerializer)
    @action(detail=True, methods=["post"])
    def reject(self, request: Request, public_id: str) -> Response:
        """Decide the review that waits: the partner reads why, and may submit again unless this is final."""
        return self._after(reviews.reject, operator=self._operator(), **self.read(RejectSerializer))

    @extend_schema(operation_id="suspendPartner", summary="Suspend a partner", request=ReasonSerializer, examples=[UNPAID])
    @action(detail=True, methods=["post"])
    def suspend(self, request: Request, public_id: str) -> Response:
        """Refuse its calls from the next one on."""
        return self._after(partners.suspend, **self.read(ReasonSerializer))

    @extend_schema(operation_id="reactivatePartner", summary="Reactivate a partner", request=ReasonSerializer)
    @action(detail=True, methods=["post"])
    def reactivate(self, request: Request, public_id: str) -> Response:
        """Let the calls of a suspended partner through again."""
        return self._after(partners.reactivate, **self.read(ReasonSerializer))

    @extend_schema(operation_id="closePartner", summary="Close a partner", request=ReasonSerializer)
    @action(detail=True, methods=["post"])
    def close(self, request: Request, public_id: str) -> Response:
        """End the partnership: its credentials stop working."""
        return self._after(partners.close, **self.read(ReasonSerializer))

    @extend_schema(operation_id="restorePartner", summary="Restore a partner", request=ReasonSerializer)
    @action(detail=True, methods=["post"])
    def restore(self, request: Request, public_id: str) -> Response:
        """Bring a closed or deleted partner back to the state it had, unless its personal data was erased."""
        return self._after(partners.restore, **self.read(ReasonSerializer))

    def _after(self, verb: Any, **facts: Any) -> Response:
        partner = self.get_object()
        verb(partner=partner, by=self.actor, **facts)
        return self._answer(partner)

    def _answer(self, partner: Partner) -> Response:
        return Response(OperatorPartnerSerializer(partner).data)

    def _operator(self) -> User:
        token: Any = self.caller.credential_id
        return User.objects.get(operator_tokens=token)

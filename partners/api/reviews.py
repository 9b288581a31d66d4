"""Documents, to operators: look through them, accept or reject them."""

from typing import Any

import django_filters
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.views import ListMixin, OperatorViewSet, RetrieveMixin
from core.models import User
from partners import documents
from partners.api.onboarding_serializers import OperatorDocumentSerializer
from partners.api.serializers import RequestChangesSerializer
from partners.models import Document, DocumentKind, Partner


class DocumentFilter(django_filters.FilterSet):  # type: ignore[misc]
    """By state, which is also called status here, kind and partner."""

    status = django_filters.ChoiceFilter(field_name="state", choices=Document.State.choices)
    state = django_filters.ChoiceFilter(choices=Document.State.choices)
    kind = django_filters.ChoiceFilter(choices=DocumentKind.choices)
    partner_id = django_filters.CharFilter(method="of_partner")

    class Meta:
        model = Document
        fields = ["status", "state", "kind", "partner_id"]

    def of_partner(self, queryset: Any, name: str, value: str) -> Any:
        return queryset.filter(partner__in=Partner.objects.public(value))


@extend_schema_view(
    list=extend_schema(operation_id="operatorListDocuments", summary="List documents"),
    retrieve=extend_schema(operation_id="operatorGetDocument", summary="Get a document"),
)
class OperatorDocumentViewSet(OperatorViewSet, ListMixin, RetrieveMixin):
    """Documents of all partners. Their content is shown in the console."""

    queryset = Document.objects.select_related("partner")
    serializer_class = OperatorDocumentSerializer
    filterset_class = DocumentFilter
    scopes = {"read": "reviews:read", "write": "reviews:write"}

    @extend_schema(operation_id="acceptDocument", summary="Accept a document", request=None)
    @action(detail=True, methods=["post"])
    def accept(self, request: Request, public_id: str) -> Response:
        """It shows what it should."""
        document = self.get_object()
        documents.accept(document=document, by=self.actor, operator=self._operator())
        return Response(OperatorDocumentSerializer(document).data)

    @extend_schema(
        operation_id="rejectDocument",
        summary="Reject a document",
        request=RequestChangesSerializer,
        examples=[OpenApiExample("Too old", {"reason": "The extract is older than three months."}, request_only=True)],
    )
    @action(detail=True, methods=["post"])
    def reject(self, request: Request, public_id: str) -> Response:
        """It doesn't; the partner reads why."""
        document = self.get_object()
        facts = self.read(RequestChangesSerializer)
        documents.reject(document=document, by=self.actor, operator=self._operator(), **facts)
        return Response(OperatorDocumentSerializer(document).data)

    def _operator(self) -> User:
        token: Any = self.caller.credential_id
        return User.objects.get(operator_tokens=token)

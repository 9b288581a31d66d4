"""Requests by API: partners submit and follow them, the operator's back end works them."""

from datetime import timedelta
from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.request import Request as HttpRequest
from rest_framework.response import Response

from core.api.views import Created, ListMixin, OperatorViewSet, PartnerViewSet, RetrieveMixin
from products.requests import requests
from products.requests.api.filters import OperatorRequestFilter, RequestFilter
from products.requests.api.serializers import (
    ClaimedRequestSerializer,
    ClaimSerializer,
    CompleteSerializer,
    FailSerializer,
    OperatorRequestSerializer,
    ProgressSerializer,
    RequestSerializer,
    SubmitSerializer,
)
from products.requests.models import Request

ANSWER = {
    "requestId": "req_01jd3qz6v8e9xtqk7n5m2c4b1a",
    "partnerId": "ptn_01jd3qz6v8e9xtqk7n5m2c4b1a",
    "environment": "live",
    "type": "ONBOARDING",
    "status": "SUBMITTED",
    "progress": 0,
    "payload": {},
    "result": None,
    "error": None,
    "attempts": 0,
    "createdAt": "2026-01-30T12:00:00Z",
    "dueAt": "2026-01-31T12:00:00Z",
    "breachedAt": None,
    "finishedAt": None,
}
SUBMISSION = OpenApiExample("Submit", {"type": "ONBOARDING", "payload": {}}, request_only=True)
SUBMITTED = OpenApiExample("Submitted", ANSWER, response_only=True)
DONE = ANSWER | {
    "status": "COMPLETED",
    "progress": 100,
    "result": {"ready": True},
    "attempts": 1,
    "finishedAt": "2026-01-30T12:00:02Z",
}
COMPLETED = OpenApiExample("Completed", DONE, response_only=True)


@extend_schema_view(
    list=extend_schema(operation_id="listRequests", summary="List requests"),
    retrieve=extend_schema(operation_id="getRequest", summary="Get a request", examples=[COMPLETED]),
)
class RequestViewSet(PartnerViewSet, ListMixin, RetrieveMixin):
    """Requests of the calling partner: submit one, follow it to its result."""

    queryset = Request.objects.all()
    serializer_class = RequestSerializer
    filterset_class = RequestFilter
    ordering_fields = ("due_at",)
    scopes = {"read": "requests:read", "write": "requests:write"}

    @extend_schema(
        operation_id="submitRequest",
        summary="Submit a request",
        request=SubmitSerializer,
        responses={201: RequestSerializer},
        examples=[SUBMISSION, SUBMITTED],
    )
    def create(self, request: HttpRequest) -> Response:
        body = self.read(SubmitSerializer)
        submitted = requests.submit(partner=self.caller.partner_id, environment=self.caller.environment, **body, by=self.actor)
        return Created(RequestSerializer(submitted).data)


@extend_schema_view(
    list=extend_schema(operation_id="operatorListRequests", summary="List partners' requests"),
    retrieve=extend_schema(operation_id="operatorGetRequest", summary="Get a partner's request"),
)
class OperatorRequestViewSet(OperatorViewSet, ListMixin, RetrieveMixin):
    """Partners' requests, for the back end that does the work: claim one, report progress, complete or fail it."""

    queryset = Request.objects.all()
    serializer_class = OperatorRequestSerializer
    filterset_class = OperatorRequestFilter
    ordering_fields = ("due_at",)
    scopes = {"read": "requests:write", "write": "requests:write"}

    @extend_schema(
        operation_id="claimRequest",
        summary="Claim a request",
        request=ClaimSerializer,
        responses=ClaimedRequestSerializer,
        examples=[OpenApiExample("For ten minutes", {"leaseSeconds": 600}, request_only=True)],
    )
    @action(detail=True, methods=["post"])
    def claim(self, request: HttpRequest, public_id: str) -> Response:
        """Take a waiting request into work; 409 if it isn't waiting. When the lease runs out it waits again."""
        body = self.read(ClaimSerializer)
        claimed = requests.claim(request=self.get_object(), by=self.actor, lease=timedelta(seconds=body["leaseSeconds"]))
        return Response(ClaimedRequestSerializer(claimed).data)

    @extend_schema(
        operation_id="reportRequestProgress",
        summary="Report progress of a request",
        request=ProgressSerializer,
        responses=OperatorRequestSerializer,
        examples=[OpenApiExample("Half done", {"progress": 50}, request_only=True)],
    )
    @action(detail=True, methods=["post"])
    def progress(self, request: HttpRequest, public_id: str) -> Response:
        """Say how far a claimed request is, which prolongs its lease."""
        body = self.read(ProgressSerializer)
        extend = timedelta(seconds=body.pop("leaseSeconds"))
        return self._after(requests.report, **body, extend=extend)

    @extend_schema(
        operation_id="completeRequest",
        summary="Complete a request",
        request=CompleteSerializer,
        responses=OperatorRequestSerializer,
        examples=[OpenApiExample("Done", {"result": {"ready": True}}, request_only=True)],
    )
    @action(detail=True, methods=["post"])
    def complete(self, request: HttpRequest, public_id: str) -> Response:
        """Write the result of a claimed request; its partner is told."""
        return self._after(requests.complete, **self.read(CompleteSerializer))

    @extend_schema(
        operation_id="failRequest",
        summary="Fail a request",
        request=FailSerializer,
        responses=OperatorRequestSerializer,
        examples=[OpenApiExample("Try again later", {"error": "The CRM is away.", "retry": True}, request_only=True)],
    )
    @action(detail=True, methods=["post"])
    def fail(self, request: HttpRequest, public_id: str) -> Response:
        """Say that a claimed request failed: for good, or with `retry` until its attempts are used up."""
        return self._after(requests.fail, **self.read(FailSerializer))

    def _after(self, verb: Any, **facts: Any) -> Response:
        subject = self.get_object()
        verb(request=subject, by=self.actor, **facts)
        return Response(OperatorRequestSerializer(subject).data)

"""The month's end, for operators: prices, closings, invoices, payouts, and the proof that the ledger is right."""

from datetime import date, timedelta
from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from billing import closing, invoices, payouts, rating, reconciliation, tasks
from billing.api.filters import OperatorInvoiceFilter, OperatorPayoutFilter
from billing.api.serializers import (
    ClosedSerializer,
    CloseSerializer,
    LedgerReportSerializer,
    NothingSerializer,
    OperatorInvoiceSerializer,
    OperatorPayoutSerializer,
    PayoutReasonSerializer,
    RanSerializer,
    ReferenceSerializer,
    RunSerializer,
    SimulatedSerializer,
    SimulateSerializer,
    pointed,
)
from billing.models import Invoice, Payout
from billing.rating import Tariff
from core.api.views import ApiView, ListMixin, OperatorViewSet, RetrieveMixin
from core.problems import ValidationError

SCOPES = {"read": "billing:read", "write": "billing:write"}
# How long a request closes partners before it leaves the rest to the worker.
PATIENCE = timedelta(seconds=20)
GRADUATED = {
    "model": "graduated",
    "currency": "USD",
    "tiers": [{"up_to": 1000, "unit_amount": "0.01"}, {"up_to": None, "unit_amount": "0.008"}],
}


class SimulateView(ApiView):
    """Try a price before it goes live."""

    audience = "operator"
    scopes = {"write": "billing:read"}

    @extend_schema(
        operation_id="simulatePrice",
        summary="Try a price",
        request=SimulateSerializer,
        responses=SimulatedSerializer,
        examples=[OpenApiExample("Graduated", {"price": GRADUATED, "quantity": 1500}, request_only=True)],
    )
    def post(self, request: Request) -> Response:
        """What a quantity would cost, a line for each tier it touches. Nothing is stored."""
        body = self.read(SimulateSerializer)
        try:
            tariff = Tariff.read(body["price"])
        except ValidationError as error:
            raise pointed(error, "/price") from error
        found = {"total": rating.total(tariff, body["quantity"]), "lines": rating.rate(tariff, body["quantity"])}
        return Response(SimulatedSerializer(found).data)


class CloseView(ApiView):
    """Close a month."""

    audience = "operator"
    scopes = SCOPES

    @extend_schema(
        operation_id="closeMonth",
        summary="Close a month",
        request=CloseSerializer,
        responses={200: ClosedSerializer, 202: ClosedSerializer},
        examples=[OpenApiExample("A month that is over", {"month": "2026-10"}, request_only=True)],
    )
    def post(self, request: Request) -> Response:
        """Turn a month's usage into invoices, and give them; for a closed month the same ones again.

        `as_of` closes up to an instant, so that a running month can be closed too: later closings charge what is new since.
        Where it takes longer than a request may, the answer is 202 with how many partners are `done`, and the worker goes on:
        ask again with the same month, and `until` as `as_of`, to see how far it is.
        """
        body = self.read(CloseSerializer)
        month = date.fromisoformat(f"{body.pop('month')}-01")
        closed = closing.close(month=month, by=self.actor, within=PATIENCE, **body)
        if not closed.is_whole:
            by = {"id": str(self.actor.id), "label": self.actor.label}
            tasks.close_month.delay(month.isoformat(), closed.until.isoformat(), by)
        return Response(ClosedSerializer(closed).data, status=200 if closed.is_whole else 202)


@extend_schema_view(
    list=extend_schema(operation_id="operatorListInvoices", summary="List partners' invoices"),
    retrieve=extend_schema(operation_id="operatorGetInvoice", summary="Get a partner's invoice"),
)
class OperatorInvoiceViewSet(OperatorViewSet, ListMixin, RetrieveMixin):
    """All partners' invoices: see them, and say what became of them."""

    queryset = Invoice.objects.issued().select_related("closing").prefetch_related("lines__invoice")
    serializer_class = OperatorInvoiceSerializer
    filterset_class = OperatorInvoiceFilter
    ordering_fields = ("due_at",)
    scopes = SCOPES

    @extend_schema(operation_id="markInvoicePaid", summary="Mark an invoice as paid", request=ReferenceSerializer)
    @action(detail=True, methods=["post"])
    def mark_paid(self, request: Request, public_id: str) -> Response:
        """Its whole amount has come in; 409 unless it is open or overdue."""
        return self._after(invoices.mark_paid, **self.read(ReferenceSerializer))

    @extend_schema(operation_id="voidInvoice", summary="Void an invoice", request=PayoutReasonSerializer)
    @action(detail=True, methods=["post"])
    def void(self, request: Request, public_id: str) -> Response:
        """Nothing is owed for it any more; what sellers earned by it is taken back. 409 unless it is open or overdue."""
        return self._after(invoices.void, **self.read(PayoutReasonSerializer))

    @extend_schema(operation_id="writeOffInvoice", summary="Write an invoice off", request=PayoutReasonSerializer)
    @action(detail=True, methods=["post"])
    def write_off(self, request: Request, public_id: str) -> Response:
        """Its money will not come. 409 unless it is open or overdue."""
        return self._after(invoices.write_off, **self.read(PayoutReasonSerializer))

    def _after(self, verb: Any, **facts: Any) -> Response:
        invoice = self.get_object()
        verb(invoice=invoice, by=self.actor, **facts)
        return Response(OperatorInvoiceSerializer(invoice).data)


@extend_schema_view(
    list=extend_schema(operation_id="operatorListPayouts", summary="List partners' payouts"),
    retrieve=extend_schema(operation_id="operatorGetPayout", summary="Get a partner's payout"),
)
class OperatorPayoutViewSet(OperatorViewSet, ListMixin, RetrieveMixin):
    """All partners' payouts: make them, approve or hold them, and say what became of them."""

    queryset = Payout.objects.all()
    serializer_class = OperatorPayoutSerializer
    filterset_class = OperatorPayoutFilter
    scopes = SCOPES

    @extend_schema(
        operation_id="runPayouts",
        summary="Make payouts",
        request=RunSerializer,
        responses=RanSerializer,
        examples=[OpenApiExample("All partners", {}, request_only=True)],
    )
    @action(detail=False, methods=["post"])
    def run(self, request: Request) -> Response:
        """Release what has passed its hold, and make a payout for each partner with enough to pay and an account to pay to."""
        return Response(RanSerializer(payouts.run(by=self.actor, **self.read(RunSerializer))).data)

    @extend_schema(operation_id="approvePayout", summary="Approve a payout", request=NothingSerializer)
    @action(detail=True, methods=["post"])
    def approve(self, request: Request, public_id: str) -> Response:
        """Let it go out; 409 unless it waits for approval or is held."""
        return self._after(payouts.approve, **self.read(NothingSerializer))

    @extend_schema(operation_id="holdPayout", summary="Hold a payout", request=PayoutReasonSerializer)
    @action(detail=True, methods=["post"])
    def hold(self, request: Request, public_id: str) -> Response:
        """Keep it back until it is approved anew; 409 once it is settled."""
        return self._after(payouts.hold, **self.read(PayoutReasonSerializer))

    @extend_schema(operation_id="markPayoutPaid", summary="Mark a payout as paid", request=ReferenceSerializer)
    @action(detail=True, methods=["post"])
    def mark_paid(self, request: Request, public_id: str) -> Response:
        """The transfer was made; 409 unless it is approved."""
        return self._after(payouts.mark_paid, **self.read(ReferenceSerializer))

    @extend_schema(operation_id="markPayoutFailed", summary="Mark a payout as failed", request=PayoutReasonSerializer)
    @action(detail=True, methods=["post"])
    def mark_failed(self, request: Request, public_id: str) -> Response:
        """The transfer did not arrive: its money is available again. 409 unless it is approved."""
        return self._after(payouts.mark_failed, **self.read(PayoutReasonSerializer))

    def _after(self, verb: Any, **facts: Any) -> Response:
        payout = self.get_object()
        verb(payout=payout, by=self.actor, **facts)
        return Response(OperatorPayoutSerializer(payout).data)


class LedgerCheckView(ApiView):
    """The proof that the ledger is right."""

    audience = "operator"
    scopes = SCOPES

    @extend_schema(operation_id="checkLedger", summary="Check the ledger", responses=LedgerReportSerializer)
    def get(self, request: Request) -> Response:
        """Recompute every transaction, and every account's balance from the documents; list what differs."""
        return Response(LedgerReportSerializer(reconciliation.check()).data)

"""A partner's money by API: what it owes, earns and gets."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response

from billing import ledger, payouts
from billing.api.filters import EarningFilter, InvoiceFilter, PayoutFilter
from billing.api.serializers import (
    BalanceSerializer,
    EarningSerializer,
    InvoiceDetailSerializer,
    InvoiceSerializer,
    PayoutAccountSerializer,
    PayoutDetailSerializer,
    PayoutSerializer,
    PriceSerializer,
)
from billing.models import Earning, Invoice, Payout, PayoutAccount, Price
from core import problems
from core.api.pagination import WholeListing
from core.api.views import ApiView, ListMixin, PartnerViewSet, RetrieveMixin
from core.models import Environment

SCOPES = {"read": "billing:read", "write": "billing:write"}
BANK = OpenApiExample(
    "Bank account",
    {"holder": "Acme Ltd", "account_number": "DE89 3704 0044 0532 0130 00", "bank_code": "COBADEFFXXX", "country": "DE"},
    request_only=True,
)


@extend_schema_view(
    list=extend_schema(operation_id="listInvoices", summary="List invoices"),
    retrieve=extend_schema(operation_id="getInvoice", summary="Get an invoice", responses=InvoiceDetailSerializer),
)
class InvoiceViewSet(PartnerViewSet, ListMixin, RetrieveMixin):
    """Invoices of the calling partner, once they are issued. Nothing in the test environment is ever invoiced."""

    queryset = Invoice.objects.issued().select_related("closing")
    serializer_class = InvoiceSerializer
    filterset_class = InvoiceFilter
    ordering_fields = ("due_at",)
    scopes = SCOPES

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One invoice with its lines."""
        return Response(InvoiceDetailSerializer(self.get_object()).data)


@extend_schema_view(list=extend_schema(operation_id="listEarnings", summary="List earnings"))
class EarningViewSet(PartnerViewSet, ListMixin):
    """What the calling partner earned: each sale less the platform's fee, and whether it is still in hold."""

    queryset = Earning.objects.all()
    serializer_class = EarningSerializer
    filterset_class = EarningFilter
    scopes = SCOPES


@extend_schema_view(
    list=extend_schema(operation_id="listPayouts", summary="List payouts"),
    retrieve=extend_schema(operation_id="getPayout", summary="Get a payout", responses=PayoutDetailSerializer),
)
class PayoutViewSet(PartnerViewSet, ListMixin, RetrieveMixin):
    """Payouts to the calling partner."""

    queryset = Payout.objects.all()
    serializer_class = PayoutSerializer
    filterset_class = PayoutFilter
    scopes = SCOPES

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One payout with the earnings in it."""
        return Response(PayoutDetailSerializer(self.get_object()).data)


@extend_schema_view(list=extend_schema(operation_id="listPrices", summary="List prices in force"))
class PriceViewSet(PartnerViewSet, ListMixin):
    """What usage costs now. Prices are the same for every partner."""

    queryset = Price.objects.all()
    serializer_class = PriceSerializer
    scopes = SCOPES

    def get_queryset(self) -> Any:
        return Price.objects.current()


class BalanceView(ApiView):
    """Where the calling partner stands."""

    scopes = SCOPES
    pagination_class = WholeListing

    @extend_schema(operation_id="getBalance", summary="Get the balance", responses=BalanceSerializer(many=True))
    def get(self, request: Request) -> Response:
        """What is owed, in hold, available and on its way out, a row for each currency."""
        partner = self.caller.partner_id if self.caller.environment == Environment.LIVE else None
        found = ledger.balances(partner) if partner else ledger.nothing()
        return Response({"data": BalanceSerializer(found, many=True).data, "next_cursor": None})


class PayoutAccountView(ApiView):
    """The account that payouts go to. The test environment has one of its own, to which nothing is ever paid."""

    scopes = SCOPES

    @extend_schema(operation_id="getPayoutAccount", summary="Get the payout account", responses=PayoutAccountSerializer)
    def get(self, request: Request) -> Response:
        """The account, its number by its end only; 404 before one is set."""
        found = PayoutAccount.objects.for_caller(self.caller.partner_id, self.caller.environment).first()
        if found is None:
            raise problems.NotFound()
        return Response(PayoutAccountSerializer(found).data)

    @extend_schema(
        operation_id="setPayoutAccount",
        summary="Set the payout account",
        request=PayoutAccountSerializer,
        responses=PayoutAccountSerializer,
        examples=[BANK],
    )
    def put(self, request: Request) -> Response:
        """Set or replace it. Payouts that were already made keep their destination."""
        body = self.read(PayoutAccountSerializer)
        body.pop("method")
        account = payouts.set_account(partner=self.partner, environment=self.caller.environment, **body, by=self.actor)
        return Response(PayoutAccountSerializer(account).data)

"""How prices, invoices, earnings and payouts look outside."""

from typing import Any
from uuid import UUID

from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from billing.models import Earning, Invoice, Line, Payout, PayoutAccount, Price
from core import ids
from core.api.serializers import MoneyField, Strict, StrictModel
from core.problems import ValidationError
from marketplace.models import Integration
from partners.models import Partner

# Of an amount a unit no needless zeros: "0.01", not "0.0100000000".
PLAIN: dict[str, Any] = {"normalize_output": True}


@extend_schema_field(OpenApiTypes.STR)
class ForeignIdField(serializers.Field[UUID, Any, str, UUID]):
    """The public id of a row that is known by its UUID alone."""

    def __init__(self, prefix: str, **kwargs: Any) -> None:
        super().__init__(read_only=True, **kwargs)
        self.prefix = prefix

    def to_representation(self, value: UUID) -> str:
        return ids.encode(self.prefix, value)


@extend_schema_field({"type": "string", "pattern": r"^20\d\d-(0[1-9]|1[0-2])$", "example": "2026-10"})
class MonthField(serializers.DateField):
    """A month, by its first day; for reading."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(read_only=True, format="%Y-%m", **kwargs)


class PartnerField(serializers.CharField):
    """A partner by its public id; read into the row. Used in operators' bodies."""

    default_error_messages = {"unknown": _("No such partner.")}

    def to_internal_value(self, data: Any) -> Any:
        found = Partner.objects.select_related("tier").public(super().to_internal_value(data)).first()
        if found is None:
            self.fail("unknown")
        return found


class PriceSerializer(StrictModel):
    """A price in force. Amounts are decimal strings and may be smaller than a cent."""

    class Meta:
        model = Price
        fields = [
            "id",
            "meter",
            "name",
            "model",
            "currency",
            "unit_amount",
            "flat_amount",
            "unit_size",
            "tiers",
            "valid_from",
            "valid_until",
        ]
        read_only_fields = fields
        extra_kwargs = {"unit_amount": PLAIN, "flat_amount": PLAIN}


class LineSerializer(StrictModel):
    """A position: `quantity` of a meter in a period, and where its amount comes from."""

    amount = MoneyField(read_only=True)
    price_id = ForeignIdField(Price.id_prefix, allow_null=True)
    integration_id = ForeignIdField(Integration.id_prefix, source="target", allow_null=True)

    class Meta:
        model = Line
        fields = [
            "id",
            "kind",
            "description",
            "meter",
            "quantity",
            "unit_amount",
            "amount",
            "price_id",
            "integration_id",
            "period_start",
            "period_end",
        ]
        read_only_fields = fields
        extra_kwargs = {"unit_amount": PLAIN}


class InvoiceSerializer(StrictModel):
    """An invoice without its lines."""

    total = MoneyField(read_only=True)
    month = MonthField()

    class Meta:
        model = Invoice
        fields = [
            "id",
            "number",
            "status",
            "month",
            "total",
            "period_start",
            "period_end",
            "issued_at",
            "due_at",
            "paid_at",
            "created_at",
        ]
        read_only_fields = fields


class InvoiceDetailSerializer(InvoiceSerializer):
    """An invoice with its lines."""

    lines = LineSerializer(many=True, read_only=True)

    class Meta(InvoiceSerializer.Meta):
        fields = [*InvoiceSerializer.Meta.fields, "lines"]
        read_only_fields = fields


class OperatorInvoiceSerializer(InvoiceDetailSerializer):
    """The same with its partner."""

    partner_id = ForeignIdField(Partner.id_prefix)

    class Meta(InvoiceSerializer.Meta):
        fields = [*InvoiceDetailSerializer.Meta.fields, "partner_id", "closed_reason"]
        read_only_fields = fields


class EarningSerializer(StrictModel):
    """What the partner gets for one thing: `gross` less `fee` is `amount`."""

    gross = MoneyField(read_only=True)
    fee = MoneyField(read_only=True)
    amount = MoneyField(read_only=True)
    line_id = ForeignIdField(Line.id_prefix, allow_null=True)
    reverses_id = ForeignIdField(Earning.id_prefix, allow_null=True)

    class Meta:
        model = Earning
        fields = [
            "id",
            "kind",
            "description",
            "status",
            "gross",
            "fee",
            "fee_rate",
            "amount",
            "line_id",
            "reverses_id",
            "available_at",
            "created_at",
        ]
        read_only_fields = fields


class PayoutSerializer(StrictModel):
    """Money on its way to the partner's account, or there."""

    amount = MoneyField(read_only=True)
    destination = serializers.CharField(source="destination_hint", read_only=True)
    reason = serializers.CharField(source="status_reason", read_only=True)

    class Meta:
        model = Payout
        fields = [
            "id",
            "status",
            "amount",
            "destination",
            "reason",
            "reference",
            "created_at",
            "approved_at",
            "settled_at",
        ]
        read_only_fields = fields


class PayoutDetailSerializer(PayoutSerializer):
    """A payout with the earnings in it."""

    earnings = serializers.SerializerMethodField()

    class Meta(PayoutSerializer.Meta):
        fields = [*PayoutSerializer.Meta.fields, "earnings"]
        read_only_fields = fields

    def get_earnings(self, payout: Payout) -> list[dict[str, Any]]:
        found = Earning.objects.filter(payout_items__payout=payout).order_by("pk")
        return list(EarningSerializer(found, many=True).data)


class OperatorPayoutSerializer(PayoutSerializer):
    """The same with its partner."""

    partner_id = ForeignIdField(Partner.id_prefix)

    class Meta(PayoutSerializer.Meta):
        fields = [*PayoutSerializer.Meta.fields, "partner_id"]
        read_only_fields = fields


class PayoutAccountSerializer(Strict):
    """Where payouts go. The number is written, and afterwards shown by its end only."""

    id = serializers.CharField(source="public_id", read_only=True)
    method = serializers.ChoiceField(choices=PayoutAccount.Method.choices, default=PayoutAccount.Method.MANUAL)
    holder = serializers.CharField(max_length=140)
    account_number = serializers.CharField(min_length=4, max_length=42, write_only=True)
    account = serializers.CharField(source="hint", read_only=True)
    bank_code = serializers.CharField(max_length=20, default="", allow_blank=True)
    country = serializers.RegexField(r"^[A-Z]{2}\Z", error_messages={"invalid": _("Two capital letters (ISO 3166), such as DE.")})


class BalanceSerializer(Strict):
    """Where the partner stands in one currency."""

    currency = serializers.CharField()
    owed = MoneyField(read_only=True)
    pending = MoneyField(read_only=True)
    available = MoneyField(read_only=True)
    in_transit = MoneyField(read_only=True)


class CloseSerializer(Strict):
    """Which month, whose (all partners' if left out), and up to when (its end)."""

    month = serializers.RegexField(
        r"^20\d\d-(0[1-9]|1[0-2])\Z", error_messages={"invalid": _("A month as YYYY-MM, such as 2026-10.")}
    )
    partner_id = PartnerField(required=False, source="partner")
    as_of = serializers.DateTimeField(required=False)


class ClosedSerializer(Strict):
    """The month as it is invoiced up to `until`, closed for `done` of `partners` so far."""

    month = MonthField()
    until = serializers.DateTimeField(read_only=True)
    partners = serializers.IntegerField(read_only=True)
    done = serializers.IntegerField(read_only=True)
    invoices = OperatorInvoiceSerializer(many=True, read_only=True)


class RunSerializer(Strict):
    """Whose payouts (all partners' if left out), and at which instant holds are looked at (now)."""

    partner_id = PartnerField(required=False, source="partner")
    as_of = serializers.DateTimeField(required=False)


class SkippedSerializer(Strict):
    partner_id = serializers.CharField(source="partner.public_id", read_only=True)
    amount = MoneyField(read_only=True)
    reason = serializers.CharField(read_only=True)


class RanSerializer(Strict):
    """What a run did, and whose money stays where it is and why."""

    matured = serializers.IntegerField(read_only=True)
    payouts = OperatorPayoutSerializer(many=True, read_only=True)
    skipped = SkippedSerializer(many=True, read_only=True)


class ReferenceSerializer(Strict):
    reference = serializers.CharField(max_length=140, required=False, default="", allow_blank=True)


class PayoutReasonSerializer(Strict):
    reason = serializers.CharField(max_length=500, required=False, default="", allow_blank=True)


class NothingSerializer(Strict):
    """An empty body."""


class SimulateSerializer(Strict):
    """A price as it would be stored, and how much is used."""

    price = serializers.JSONField()
    quantity = serializers.IntegerField(min_value=0, max_value=10**18)

    def validate_price(self, value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise serializers.ValidationError(_("An object with model, currency and amounts."))
        return value


class ChargeLineSerializer(Strict):
    quantity = serializers.IntegerField(read_only=True)
    unit_amount = serializers.DecimalField(max_digits=20, decimal_places=10, read_only=True, **PLAIN)
    flat_amount = serializers.DecimalField(max_digits=20, decimal_places=10, read_only=True, **PLAIN)
    amount = MoneyField(read_only=True)


class SimulatedSerializer(Strict):
    total = MoneyField(read_only=True)
    lines = ChargeLineSerializer(many=True, read_only=True)


class DifferenceSerializer(Strict):
    """`what` is a transaction's id or an account's kind."""

    what = serializers.CharField(read_only=True)
    partner_id = ForeignIdField(Partner.id_prefix, allow_null=True)
    ledger = MoneyField(read_only=True)
    documents = MoneyField(read_only=True)


class LedgerReportSerializer(Strict):
    balanced = serializers.BooleanField(read_only=True)
    transactions = serializers.IntegerField(read_only=True)
    accounts = serializers.IntegerField(read_only=True)
    differences = DifferenceSerializer(many=True, read_only=True)


def pointed(error: ValidationError, pointer: str) -> ValidationError:
    """The same errors, below a field of the body."""
    found = [{**each, "pointer": pointer + each["pointer"]} for each in error.facts["errors"]]
    return ValidationError(found)

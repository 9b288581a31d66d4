"""The operators' console for money. Rows are looked at; what may happen to them are verbs, each asked for in a dialog."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import OuterRef, Subquery, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.decorators import action
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminTextInputWidget

from billing import invoices, payouts, prices, processors, reconciliation
from billing.models import Account, Earning, Entry, Invoice, Line, Payout, Price, Transaction
from billing.templatetags.billing import period_in_words
from core.console import Deed, ReadOnly, ReasonForm, Rows, operator_of
from core.console_lists import ConsoleList, among
from core.money import Money, unit


class ReferenceForm(BaseDialogForm):
    reference = forms.CharField(
        label=_("Reference of the transfer"), max_length=140, required=False, widget=UnfoldAdminTextInputWidget
    )


def currencies() -> list[tuple[str, str]]:
    """Those that something is priced in."""
    return [(code, code) for code in Price.objects.order_by("currency").values_list("currency", flat=True).distinct()]


CURRENCY = among("currency", _("currency"), currencies)


class MoneyRows(Rows):
    """Rows of partners that are about an amount."""

    list_select_related = ["partner"]

    @admin.display(description=_("amount"), ordering="amount_minor")
    def money(self, obj: Any) -> str:
        return str(obj.amount)


class LineInline(ReadOnly, TabularInline):
    model = Line
    fields = ["description", "kind", "quantity", "each", "money", "period"]
    hide_title = True

    @admin.display(description=_("amount a unit"))
    def each(self, obj: Line) -> str:
        return str(_("by tiers")) if obj.unit_amount is None else unit(obj.unit_amount, obj.invoice.currency)

    @admin.display(description=_("amount"))
    def money(self, obj: Line) -> str:
        return str(obj.amount)

    @admin.display(description=_("period"))
    def period(self, obj: Line) -> str:
        return period_in_words(obj)


UNPAID = {Invoice.Status.OPEN, Invoice.Status.OVERDUE}


@admin.register(Invoice)
class InvoiceAdmin(Rows):
    """Invoices: mark what came in, void, write off."""

    list_select_related = ["partner"]
    list_display = ["__str__", "partner", "status", "sum", "issued_at", "due_at", "paid_at"]
    list_filter = ["status", CURRENCY]
    search_fields = ["=number", "partner__name", "partner__slug"]
    fields = [
        ("number", "public_id"),
        ("partner", "status"),
        ("sum", "closed_reason"),
        ("period_start", "period_end"),
        ("issued_at", "due_at"),
        "paid_at",
    ]
    inlines = [LineInline]
    actions_detail = ["mark_paid", "void", "write_off"]
    mark_paid = Deed(
        verb=invoices.mark_paid,
        states=UNPAID,
        label=_("Mark as paid"),
        icon="payments",
        title=_("Mark as paid?"),
        text=_("The whole amount has come in. This can't be undone."),
        said=_("The invoice is paid."),
        asks=ReferenceForm,
    )
    void = Deed(
        verb=invoices.void,
        states=UNPAID,
        label=_("Void"),
        icon="block",
        title=_("Void the invoice?"),
        text=_("Nothing is owed for it any more, and what sellers earned by it is taken back. This can't be undone."),
        said=_("The invoice is void."),
        asks=ReasonForm,
    )
    write_off = Deed(
        verb=invoices.write_off,
        states=UNPAID,
        label=_("Write off"),
        icon="money_off",
        title=_("Write the invoice off?"),
        text=_("Its money will not come. Earnings still in hold are taken back; the rest is the platform's loss."),
        said=_("The invoice is written off."),
        asks=ReasonForm,
    )

    @admin.display(description=_("total"), ordering="total_minor")
    def sum(self, obj: Invoice) -> str:
        return str(obj.total)


@admin.register(Earning)
class EarningAdmin(MoneyRows):
    """What partners earned, sale by sale."""

    list_display = ["description", "partner", "kind", "status", "gross", "fee", "money", "available_at"]
    list_filter = ["status", "kind"]
    search_fields = ["partner__name", "partner__slug"]
    fields = [
        "public_id",
        "partner",
        "kind",
        "status",
        "description",
        "gross",
        "fee",
        "fee_rate",
        "money",
        "line",
        "available_at",
    ]


@admin.register(Payout)
class PayoutAdmin(MoneyRows):
    """Payouts: approve, hold, say what became of the transfer."""

    list_display = ["public_id", "partner", "status", "money", "destination_hint", "created_at", "settled_at"]
    list_filter = ["status", CURRENCY]
    search_fields = ["partner__name", "partner__slug"]
    fields = [
        ("public_id", "status"),
        ("partner", "money"),
        "destination_hint",
        "what_to_do",
        ("status_reason", "reference"),
        ("created_at", "approved_at"),
        "settled_at",
    ]
    actions_detail = ["approve", "hold", "mark_paid", "mark_failed"]
    approve = Deed(
        verb=payouts.approve,
        states={Payout.Status.PENDING, Payout.Status.HELD},
        label=_("Approve"),
        icon="check",
        title=_("Approve the payout?"),
        text=_("The page then says what to transfer where."),
        said=_("The payout is approved."),
    )
    hold = Deed(
        verb=payouts.hold,
        states={Payout.Status.PENDING, Payout.Status.APPROVED},
        label=_("Hold"),
        icon="pause",
        title=_("Hold the payout?"),
        text=_("It stays where it is until it is approved anew."),
        said=_("The payout is held."),
        asks=ReasonForm,
    )
    mark_paid = Deed(
        verb=payouts.mark_paid,
        states={Payout.Status.APPROVED},
        label=_("Mark as paid"),
        icon="payments",
        title=_("Mark as paid?"),
        text=_("The transfer was made. This can't be undone."),
        said=_("The payout is paid."),
        asks=ReferenceForm,
    )
    mark_failed = Deed(
        verb=payouts.mark_failed,
        states={Payout.Status.APPROVED},
        label=_("Mark as failed"),
        icon="error",
        title=_("Mark as failed?"),
        text=_("The transfer did not arrive. Its money is available again, and the next run pays it out."),
        said=_("The payout failed; its money is available again."),
        asks=ReasonForm,
    )

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """The partner's account number is for those who make the transfer."""
        acts = request.user.has_perm("billing.change_payout")
        return [name for name in super().get_fields(request, obj) if acts or name != "what_to_do"]

    @admin.display(description=_("what to do"))
    def what_to_do(self, obj: Payout) -> str:
        return processors.MANUAL.send(obj) if obj.status == Payout.Status.APPROVED else "–"


@admin.register(Price)
class PriceAdmin(ConsoleList):
    """Prices are made, renamed and ended here; what one costs never changes."""

    list_display = ["name", "meter", "model", "unit_amount", "flat_amount", "currency", "valid_from", "valid_until"]
    list_filter = ["meter", CURRENCY]
    fields = [
        "name",
        "meter",
        "model",
        "currency",
        ("unit_amount", "unit_size"),
        "flat_amount",
        "tiers",
        ("valid_from", "valid_until"),
    ]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        kept = ["meter", "model", "currency", "unit_amount", "unit_size", "flat_amount", "tiers", "valid_from"]
        return kept if obj else []

    def save_model(self, request: HttpRequest, obj: Price, form: Any, change: bool) -> None:
        prices.put(price=obj, by=operator_of(request))


class EntryInline(ReadOnly, TabularInline):
    model = Entry
    fields = ["account", "owner", "money"]
    hide_title = True

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("account__partner")

    @admin.display(description=_("partner"))
    def owner(self, obj: Entry) -> str:
        return str(obj.account.partner or "–")

    @admin.display(description=_("amount"))
    def money(self, obj: Entry) -> str:
        return str(obj.amount)


@admin.register(Transaction)
class TransactionAdmin(Rows):
    """The ledger's transactions with their entries, and the check of the whole."""

    list_display = ["public_id", "kind", "source", "posted_at"]
    list_filter = ["kind"]
    search_fields = ["=source"]
    fields = ["public_id", "kind", "source", "posted_at"]
    inlines = [EntryInline]
    actions_list = ["check_ledger"]

    @action(description=_("Check the ledger"), url_path="check", permissions=["view"], icon="fact_check")
    def check_ledger(self, request: HttpRequest) -> HttpResponse:
        """Compare every transaction and account with the documents, and say what differs."""
        report = reconciliation.check()
        facts = {"transactions": report.transactions, "accounts": report.accounts}
        if report.balanced:
            messages.success(request, _("Balanced: {transactions} transactions, {accounts} accounts.").format(**facts))
        for found in report.differences[:20]:
            messages.error(
                request,
                _("{what}: the ledger has {ledger}, the documents say {documents}.").format(
                    what=found.what, ledger=found.ledger, documents=found.documents
                ),
            )
        return redirect("admin:billing_transaction_changelist")


@admin.register(Account)
class AccountAdmin(Rows):
    """The ledger's accounts and what they hold: debits positive, credits negative."""

    list_display = ["kind", "partner", "currency", "holds"]
    list_filter = ["kind", CURRENCY]
    search_fields = ["partner__name", "partner__slug"]
    list_select_related = ["partner"]
    ordering = ["kind", "id"]
    fields = ["kind", "partner", "currency", "holds"]

    def get_queryset(self, request: HttpRequest) -> Any:
        entries = Entry.objects.filter(account=OuterRef("pk")).order_by().values("account")
        return super().get_queryset(request).annotate(minor=Subquery(entries.annotate(sum=Sum("amount_minor")).values("sum")))

    @admin.display(description=_("balance"))
    def holds(self, obj: Any) -> str:
        return str(Money(obj.minor or 0, obj.currency))

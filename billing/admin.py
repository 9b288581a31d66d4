"""The operators' console for money. Rows are looked at; what may happen to them are verbs, each asked for in a dialog."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import action
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminTextInputWidget

from billing import invoices, payouts, prices, processors, reconciliation
from billing.models import Account, Earning, Entry, Invoice, Line, Payout, Price, Transaction
from billing.templatetags.billing import period_in_words
from core.actors import Actor
from core.middleware import Call
from core.money import unit
from core.states import StaleState


class ReasonForm(BaseDialogForm):  # type: ignore[misc]
    reason = forms.CharField(label=_("Reason"), max_length=500, widget=UnfoldAdminTextInputWidget)


class ReferenceForm(BaseDialogForm):  # type: ignore[misc]
    reference = forms.CharField(
        label=_("Reference of the transfer"), max_length=140, required=False, widget=UnfoldAdminTextInputWidget
    )


class SureForm(BaseDialogForm):  # type: ignore[misc]
    """Asks for nothing but the yes."""


@dataclass(frozen=True)
class Deed:
    """A button on a row's page that calls `verb` after its dialog; `asks` is the form whose fields the verb takes.

    It is offered to those who may change such rows, while the row is in one of `states`.
    """

    verb: Callable[..., Any]
    states: Collection[str]
    label: Any
    icon: str
    title: Any
    text: Any
    said: Any
    asks: type[BaseDialogForm] = SureForm

    def __set_name__(self, owner: type, name: str) -> None:
        """Put the action and its permission into the class of the console, as Unfold looks for them."""
        deed = self

        def act(admin: Any, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
            return deed.do(admin, request, form, object_id)

        def may(admin: Any, request: HttpRequest, object_id: Any = None) -> bool:
            return deed.may(admin, request, object_id)

        act.__name__ = name
        dialog = {"title": self.title, "description": self.text, "form_class": self.asks, "form_submit_text": self.label}
        decorate = action(
            description=self.label, url_path=name.replace("_", "-"), permissions=[name], icon=self.icon, dialog=dialog
        )
        setattr(owner, name, decorate(act))
        setattr(owner, f"has_{name}_permission", may)

    def may(self, console: Any, request: HttpRequest, object_id: Any) -> bool:
        """Whether this operator may, and the row is in a state for it."""
        label = f"{console.opts.app_label}.change_{console.opts.model_name}"
        if not request.user.has_perm(label):
            return False
        row = console.get_object(request, str(object_id)) if object_id else None
        return row is None or row.status in self.states

    def do(self, console: Any, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        """Do it to the row, say what came of it, and let the dialog load the row's page anew."""
        facts = {name: value for name, value in form.cleaned_data.items() if not name.startswith("_")}
        row = console.get_object(request, object_id)
        try:
            self.verb(**{console.opts.model_name: row}, **facts, by=operator(request))
            messages.success(request, self.said)
        except StaleState as problem:
            messages.error(request, problem.said)
        page = reverse(f"admin:{console.opts.app_label}_{console.opts.model_name}_change", args=[object_id])
        return HttpResponse(headers={"HX-Redirect": page})


class LookedAt(ModelAdmin):  # type: ignore[misc]
    """Nothing is typed into these rows."""

    list_select_related = ["partner"]
    show_full_result_count = False
    ordering = ["-id"]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        found = self.model.objects.public(search_term.strip())
        return (found, False) if found.exists() else super().get_search_results(request, queryset, search_term)

    @admin.display(description=_("id"), ordering="id")
    def public_id(self, obj: Any) -> str:
        return str(obj.public_id)

    @admin.display(description=_("amount"), ordering="amount_minor")
    def money(self, obj: Any) -> str:
        return str(obj.amount)


class LineInline(TabularInline):  # type: ignore[misc]
    model = Line
    fields = ["description", "kind", "quantity", "each", "money", "period"]
    readonly_fields = fields
    hide_title = True
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

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
class InvoiceAdmin(LookedAt):
    """Invoices: mark what came in, void, write off."""

    list_display = ["__str__", "partner", "status", "sum", "issued_at", "due_at", "paid_at"]
    list_filter = ["status", "currency", "issued_at"]
    search_fields = ["number", "partner__name", "partner__slug"]
    fields = [
        ("number", "public_id"),
        ("partner", "status"),
        ("sum", "closed_reason"),
        ("period_start", "period_end"),
        ("issued_at", "due_at"),
        "paid_at",
    ]
    readonly_fields = ["public_id", "sum"]
    inlines = [LineInline]
    actions_detail = ["mark_paid", "void", "write_off"]
    mark_paid = Deed(
        invoices.mark_paid,
        UNPAID,
        _("Mark as paid"),
        "payments",
        _("Mark as paid?"),
        _("The whole amount has come in. This can't be undone."),
        _("The invoice is paid."),
        ReferenceForm,
    )
    void = Deed(
        invoices.void,
        UNPAID,
        _("Void"),
        "block",
        _("Void the invoice?"),
        _("Nothing is owed for it any more, and what sellers earned by it is taken back. This can't be undone."),
        _("The invoice is void."),
        ReasonForm,
    )
    write_off = Deed(
        invoices.write_off,
        UNPAID,
        _("Write off"),
        "money_off",
        _("Write the invoice off?"),
        _("Its money will not come. Earnings still in hold are taken back; the rest is the platform's loss."),
        _("The invoice is written off."),
        ReasonForm,
    )

    @admin.display(description=_("total"), ordering="total_minor")
    def sum(self, obj: Invoice) -> str:
        return str(obj.total)


@admin.register(Earning)
class EarningAdmin(LookedAt):
    """What partners earned, sale by sale."""

    list_display = ["description", "partner", "kind", "status", "gross", "fee", "money", "available_at"]
    list_filter = ["status", "kind", "currency"]
    search_fields = ["description", "partner__name", "partner__slug"]
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
    readonly_fields = ["public_id", "gross", "fee", "money"]


@admin.register(Payout)
class PayoutAdmin(LookedAt):
    """Payouts: approve, hold, say what became of the transfer."""

    list_display = ["public_id", "partner", "status", "money", "destination_hint", "created_at", "settled_at"]
    list_filter = ["status", "currency"]
    search_fields = ["partner__name", "partner__slug", "reference"]
    fields = [
        ("public_id", "status"),
        ("partner", "money"),
        "destination_hint",
        "what_to_do",
        ("status_reason", "reference"),
        ("created_at", "approved_at"),
        "settled_at",
    ]
    readonly_fields = ["public_id", "money", "what_to_do", "created_at"]
    actions_detail = ["approve", "hold", "mark_paid", "mark_failed"]
    approve = Deed(
        payouts.approve,
        {Payout.Status.PENDING, Payout.Status.HELD},
        _("Approve"),
        "check",
        _("Approve the payout?"),
        _("The page then says what to transfer where."),
        _("The payout is approved."),
    )
    hold = Deed(
        payouts.hold,
        {Payout.Status.PENDING, Payout.Status.APPROVED},
        _("Hold"),
        "pause",
        _("Hold the payout?"),
        _("It stays where it is until it is approved anew."),
        _("The payout is held."),
        ReasonForm,
    )
    mark_paid = Deed(
        payouts.mark_paid,
        {Payout.Status.APPROVED},
        _("Mark as paid"),
        "payments",
        _("Mark as paid?"),
        _("The transfer was made. This can't be undone."),
        _("The payout is paid."),
        ReferenceForm,
    )
    mark_failed = Deed(
        payouts.mark_failed,
        {Payout.Status.APPROVED},
        _("Mark as failed"),
        "error",
        _("Mark as failed?"),
        _("The transfer did not arrive. Its money is available again, and the next run pays it out."),
        _("The payout failed; its money is available again."),
        ReasonForm,
    )

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """The partner's account number is for those who make the transfer."""
        acts = request.user.has_perm("billing.change_payout")
        return [name for name in super().get_fields(request, obj) if acts or name != "what_to_do"]

    @admin.display(description=_("what to do"))
    def what_to_do(self, obj: Payout) -> str:
        return processors.MANUAL.send(obj) if obj.status == Payout.Status.APPROVED else "–"


@admin.register(Price)
class PriceAdmin(ModelAdmin):  # type: ignore[misc]
    """Prices are made, renamed and ended here; what one costs never changes."""

    list_display = ["name", "meter", "model", "unit_amount", "flat_amount", "currency", "valid_from", "valid_until"]
    list_filter = ["meter", "currency"]
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
        prices.put(price=obj, by=operator(request))


class EntryInline(TabularInline):  # type: ignore[misc]
    model = Entry
    fields = ["account", "owner", "money"]
    readonly_fields = fields
    hide_title = True
    extra = 0
    can_delete = False

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("account__partner")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description=_("partner"))
    def owner(self, obj: Entry) -> str:
        return str(obj.account.partner or "–")

    @admin.display(description=_("amount"))
    def money(self, obj: Entry) -> str:
        return str(obj.amount)


@admin.register(Transaction)
class TransactionAdmin(LookedAt):
    """The ledger's transactions with their entries, and the check of the whole."""

    list_display = ["public_id", "kind", "source", "posted_at"]
    list_select_related = []
    list_filter = ["kind", "posted_at"]
    search_fields = ["source"]
    fields = ["public_id", "kind", "source", "posted_at"]
    readonly_fields = ["public_id"]
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
class AccountAdmin(LookedAt):
    """The ledger's accounts and what they hold: debits positive, credits negative."""

    list_display = ["kind", "partner", "currency", "holds"]
    list_filter = ["kind", "currency"]
    search_fields = ["partner__name", "partner__slug"]
    ordering = ["kind", "id"]
    fields = ["kind", "partner", "currency", "holds"]
    readonly_fields = ["holds"]

    @admin.display(description=_("balance"))
    def holds(self, obj: Account) -> str:
        return str(obj.balance)


def operator(request: HttpRequest) -> Actor:
    """The signed-in operator, for verbs."""
    call: Call = request.call  # type: ignore[attr-defined]
    return Actor("operator", request.user.pk, request.user.get_username(), call.address, call.id)

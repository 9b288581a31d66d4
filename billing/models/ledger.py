"""The double-entry ledger. Append-only and balanced by triggers of the database; see migration 0002."""

from django.db import models
from django.db.models import Q, Sum
from django.utils.translation import gettext_lazy as _

from core import clock
from core.models import Entity
from core.money import CurrencyField, Money


class Account(Entity):
    """A heap of money of one kind, of one partner or of the platform, in one currency. Never changed once made."""

    class Kind(models.TextChoices):
        RECEIVABLE = "receivable", _("Receivable from partner")
        CASH = "cash", _("Cash")
        REVENUE = "revenue", _("Revenue")
        MARKETPLACE_FEES = "marketplace_fees", _("Marketplace fees")
        EARNINGS_PENDING = "earnings_pending", _("Earnings in hold")
        EARNINGS_AVAILABLE = "earnings_available", _("Earnings available")
        PAYOUTS_IN_TRANSIT = "payouts_in_transit", _("Payouts in transit")
        BAD_DEBT = "bad_debt", _("Bad debt")

    OF_PARTNER = frozenset({Kind.RECEIVABLE, Kind.EARNINGS_PENDING, Kind.EARNINGS_AVAILABLE, Kind.PAYOUTS_IN_TRANSIT})

    id_prefix = "acc"

    kind = models.CharField(_("kind"), max_length=20, choices=Kind, editable=False)
    partner = models.ForeignKey("partners.Partner", on_delete=models.PROTECT, null=True, related_name="+", editable=False)
    currency = CurrencyField(_("currency"), editable=False)

    class Meta:
        verbose_name = _("account")
        ordering = ["kind", "partner_id"]
        constraints = [
            models.UniqueConstraint(fields=["kind", "partner", "currency"], name="account_once", nulls_distinct=False),
            models.CheckConstraint(
                condition=Q(
                    kind__in=["receivable", "earnings_pending", "earnings_available", "payouts_in_transit"], partner__isnull=False
                )
                | Q(kind__in=["cash", "revenue", "marketplace_fees", "bad_debt"], partner__isnull=True),
                name="account_owner",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} ({self.currency})"

    @property
    def balance(self) -> Money:
        """The sum of its entries: debits positive, credits negative."""
        return Money(self.entries.aggregate(sum=Sum("amount_minor"))["sum"] or 0, self.currency)


class Transaction(Entity):
    """One movement of money with its reason. Its entries sum to zero in each currency, or it is not committed."""

    class Kind(models.TextChoices):
        INVOICE_ISSUED = "invoice_issued", _("Invoice issued")
        INVOICE_PAID = "invoice_paid", _("Invoice paid")
        INVOICE_VOIDED = "invoice_voided", _("Invoice voided")
        INVOICE_WRITTEN_OFF = "invoice_written_off", _("Invoice written off")
        EARNING_MATURED = "earning_matured", _("Earning available")
        PAYOUT_CREATED = "payout_created", _("Payout created")
        PAYOUT_PAID = "payout_paid", _("Payout paid")
        PAYOUT_FAILED = "payout_failed", _("Payout failed")

    id_prefix = "txn"

    kind = models.CharField(_("kind"), max_length=20, choices=Kind, editable=False)
    source = models.CharField(_("source"), max_length=80, editable=False, help_text=_("Public id of what moved the money."))
    entry_count = models.PositiveSmallIntegerField(editable=False, help_text=_("How many entries it has, for ever."))
    posted_at = models.DateTimeField(_("posted"), default=clock.now, editable=False)

    class Meta:
        verbose_name = _("ledger transaction")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["source", "kind"], name="transaction_once"),
            models.CheckConstraint(condition=Q(entry_count__gte=2), name="transaction_two_entries"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.source}"


class Entry(models.Model):
    """A debit (positive) or credit (negative) of one account, in minor units of the account's currency."""

    transaction = models.ForeignKey(Transaction, on_delete=models.PROTECT, related_name="entries", editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="entries", editable=False)
    amount_minor = models.BigIntegerField(_("amount"), editable=False)

    class Meta:
        verbose_name = _("ledger entry")
        verbose_name_plural = _("ledger entries")
        constraints = [
            models.UniqueConstraint(fields=["transaction", "account"], name="entry_once"),
            models.CheckConstraint(condition=~Q(amount_minor=0), name="entry_not_zero"),
        ]
        indexes = [models.Index(fields=["account"], include=["amount_minor"], name="entry_balance")]

    def __str__(self) -> str:
        return str(self.amount)

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.account.currency)

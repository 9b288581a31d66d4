"""What partners owe: closings of a month, the invoices they made, and the payments that settled them."""

from datetime import date, datetime
from typing import ClassVar, Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from core import clock
from core.models import Entity, PartnerOwned, PartnerOwnedQuerySet
from core.money import CurrencyField, Money


class Closing(Entity):
    """A partner's usage of a month, charged up to an instant. At most one for each instant; see `billing.closing`."""

    id_prefix = "cls"

    partner = models.ForeignKey("partners.Partner", on_delete=models.PROTECT, related_name="+", editable=False)
    month = models.DateField(_("month"), editable=False, help_text=_("Its first day."))
    until = models.DateTimeField(_("closed until"), editable=False)

    class Meta:
        verbose_name = _("closing")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["partner", "month", "until"], name="closing_once"),
            models.CheckConstraint(condition=Q(month__day=1), name="closing_first_day"),
        ]

    def __str__(self) -> str:
        return f"{self.partner} {self.month:%Y-%m}"


class Counter(models.Model):
    """The last number of a series of invoices; its row is locked while one is issued, so that no number is skipped."""

    series = models.CharField(primary_key=True, max_length=20)
    last = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.series} {self.last}"


class InvoiceQuerySet(PartnerOwnedQuerySet["Invoice"]):
    def issued(self) -> Self:
        """Without drafts."""
        return self.exclude(status=Invoice.Status.DRAFT)

    def unpaid(self) -> Self:
        """Those whose money is still to come."""
        return self.filter(status__in=[Invoice.Status.OPEN, Invoice.Status.OVERDUE])

    def past_due(self, at: datetime) -> Self:
        """Open ones whose day has passed."""
        return self.filter(status=Invoice.Status.OPEN, due_at__lte=at)


class Invoice(PartnerOwned):
    """What a partner owes for a closing, in one currency. Once issued it has a number of a series without gaps."""

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        OPEN = "open", _("Open")
        PAID = "paid", _("Paid")
        OVERDUE = "overdue", _("Overdue")
        UNCOLLECTIBLE = "uncollectible", _("Uncollectible")
        VOID = "void", _("Void")

    TRANSITIONS = {
        Status.DRAFT: {Status.OPEN},
        Status.OPEN: {Status.PAID, Status.OVERDUE, Status.UNCOLLECTIBLE, Status.VOID},
        Status.OVERDUE: {Status.PAID, Status.UNCOLLECTIBLE, Status.VOID},
    }

    id_prefix = "inv"

    closing = models.ForeignKey(Closing, on_delete=models.PROTECT, related_name="invoices", editable=False)
    number = models.CharField(_("number"), max_length=40, null=True, unique=True, editable=False)
    status = models.CharField(_("status"), max_length=13, choices=Status, default=Status.DRAFT, editable=False)
    currency = CurrencyField(_("currency"), editable=False)
    total_minor = models.BigIntegerField(_("total"), editable=False)
    period_start = models.DateTimeField(_("from"), editable=False)
    period_end = models.DateTimeField(_("until"), editable=False)
    issued_at = models.DateTimeField(_("issued"), null=True, editable=False)
    due_at = models.DateTimeField(_("due"), null=True, editable=False)
    paid_at = models.DateTimeField(_("paid"), null=True, editable=False)
    closed_reason = models.TextField(_("reason"), blank=True, editable=False, help_text=_("Why it was voided or written off."))

    objects: ClassVar = InvoiceQuerySet.as_manager()

    class Meta:
        verbose_name = _("invoice")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["closing", "currency"], name="invoice_once"),
            models.CheckConstraint(condition=Q(environment="live"), name="invoice_live_only"),
            models.CheckConstraint(condition=Q(total_minor__gt=0), name="invoice_positive"),
            models.CheckConstraint(condition=Q(period_end__gt=F("period_start")), name="invoice_period"),
            models.CheckConstraint(
                condition=Q(status="draft", number__isnull=True, issued_at__isnull=True)
                | ~Q(status="draft") & Q(number__isnull=False, issued_at__isnull=False, due_at__isnull=False),
                name="invoice_numbered_when_issued",
            ),
            models.CheckConstraint(
                condition=Q(status="paid", paid_at__isnull=False) | ~Q(status="paid") & Q(paid_at__isnull=True),
                name="invoice_paid_at",
            ),
        ]
        indexes = [
            models.Index(fields=["partner", "environment", "-id"], name="invoice_of_partner"),
            models.Index(fields=["status", "-id"], name="invoice_by_status"),
            models.Index(fields=["due_at"], condition=Q(status="open"), name="invoice_due"),
        ]

    def __str__(self) -> str:
        return self.number or str(_("Draft"))

    @property
    def total(self) -> Money:
        return Money(self.total_minor, self.currency)

    @property
    def month(self) -> date:
        """The first day of the month that it is about."""
        return self.closing.month


class Line(Entity):
    """One position: so much of something in a period, at a price. `price` or `target` say where the amount comes from."""

    class Kind(models.TextChoices):
        USAGE = "usage", _("Usage")
        INTEGRATION = "integration", _("Integration")
        SUBSCRIPTION = "subscription", _("Subscription")

    id_prefix = "lin"

    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="lines", editable=False)
    kind = models.CharField(_("kind"), max_length=12, choices=Kind, editable=False)
    description = models.CharField(_("description"), max_length=200, editable=False)
    meter = models.CharField(_("meter"), max_length=40, blank=True, editable=False)
    price = models.ForeignKey("billing.Price", on_delete=models.PROTECT, null=True, related_name="lines", editable=False)
    target = models.UUIDField(null=True, editable=False, help_text=_("The integration that was called."))
    tier = models.ForeignKey("partners.Tier", on_delete=models.PROTECT, null=True, related_name="+", editable=False)
    quantity = models.BigIntegerField(_("quantity"), editable=False)
    unit_amount = models.DecimalField(
        _("amount a unit"), max_digits=20, decimal_places=10, null=True, editable=False, help_text=_("Empty where tiers apply.")
    )
    amount_minor = models.BigIntegerField(_("amount"), editable=False)
    period_start = models.DateTimeField(_("from"), editable=False)
    period_end = models.DateTimeField(_("until"), editable=False)

    class Meta:
        verbose_name = _("invoice line")
        ordering = ["id"]
        indexes = [models.Index(fields=["kind", "target", "period_start"], name="line_charged_so_far")]

    def __str__(self) -> str:
        return self.description

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.invoice.currency)


class Payment(Entity):
    """Money that came in for an invoice, in full; an invoice has one at most."""

    id_prefix = "pmt"

    invoice = models.OneToOneField(Invoice, on_delete=models.PROTECT, related_name="payment", editable=False)
    amount_minor = models.BigIntegerField(_("amount"), editable=False)
    currency = CurrencyField(_("currency"), editable=False)
    processor = models.CharField(_("processor"), max_length=20, editable=False)
    reference = models.CharField(_("reference"), max_length=140, blank=True, editable=False)
    received_at = models.DateTimeField(_("received"), default=clock.now, editable=False)

    class Meta:
        verbose_name = _("payment")
        ordering = ["-id"]

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)

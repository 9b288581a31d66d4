"""What partners earn, where it goes, and the payouts that bring it there."""

from datetime import datetime
from decimal import Decimal
from typing import ClassVar, Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.crypto import EncryptedField
from core.models import PartnerOwned, PartnerOwnedQuerySet
from core.money import CurrencyField, Money

LIVE_ONLY = Q(environment="live")


class EarningQuerySet(PartnerOwnedQuerySet["Earning"]):
    def ripe(self, at: datetime) -> Self:
        """Pending ones whose hold has passed; those of an overdue or uncollectible invoice wait for its money."""
        return self.filter(
            Q(line=None) | Q(line__invoice__status__in=["open", "paid"]), status=Earning.Status.PENDING, available_at__lte=at
        )

    def payable(self) -> Self:
        """Those that the next payout takes."""
        return self.filter(status=Earning.Status.AVAILABLE)


class Earning(PartnerOwned):
    """What a partner gets for one thing: a line of another partner's invoice less the platform's fee, or its taking back.

    The amount may be negative: the taking back of an earning that was no longer pending when its invoice was voided.
    """

    class Kind(models.TextChoices):
        MARKETPLACE_SALE = "marketplace_sale", _("Marketplace sale")
        REVERSAL = "reversal", _("Reversal")

    class Status(models.TextChoices):
        PENDING = "pending", _("In hold")
        AVAILABLE = "available", _("Available")
        IN_PAYOUT = "in_payout", _("In payout")
        PAID = "paid", _("Paid out")
        REVERSED = "reversed", _("Reversed")

    TRANSITIONS = {
        Status.PENDING: {Status.AVAILABLE, Status.REVERSED},
        Status.AVAILABLE: {Status.IN_PAYOUT},
        Status.IN_PAYOUT: {Status.PAID, Status.AVAILABLE},
    }

    id_prefix = "ern"

    kind = models.CharField(_("kind"), max_length=16, choices=Kind, editable=False)
    line = models.ForeignKey("billing.Line", on_delete=models.PROTECT, null=True, related_name="earnings", editable=False)
    reverses = models.OneToOneField("self", on_delete=models.PROTECT, null=True, related_name="reversal", editable=False)
    description = models.CharField(_("description"), max_length=200, editable=False)
    status = models.CharField(_("status"), max_length=9, choices=Status, default=Status.PENDING, editable=False)
    currency = CurrencyField(_("currency"), editable=False)
    gross_minor = models.BigIntegerField(_("price"), editable=False)
    fee_minor = models.BigIntegerField(_("fee"), editable=False)
    amount_minor = models.BigIntegerField(_("earning"), editable=False)
    fee_rate = models.DecimalField(_("fee rate"), max_digits=5, decimal_places=4, default=Decimal(0), editable=False)
    available_at = models.DateTimeField(_("available from"), editable=False)

    objects: ClassVar = EarningQuerySet.as_manager()

    class Meta:
        verbose_name = _("earning")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=LIVE_ONLY, name="earning_live_only"),
            models.CheckConstraint(
                condition=Q(gross_minor=models.F("fee_minor") + models.F("amount_minor")), name="earning_splits_exactly"
            ),
            models.UniqueConstraint(fields=["line"], condition=Q(kind="marketplace_sale"), name="earning_once_a_line"),
            models.CheckConstraint(
                condition=Q(kind="marketplace_sale", line__isnull=False) | Q(kind="reversal", reverses__isnull=False),
                name="earning_has_a_source",
            ),
        ]
        indexes = [
            models.Index(fields=["partner", "environment", "-id"], name="earning_of_partner"),
            models.Index(fields=["available_at"], condition=Q(status="pending"), name="earning_in_hold"),
            models.Index(fields=["status", "-id"], name="earning_by_status"),
            models.Index(fields=["partner"], condition=Q(status="available"), name="earning_payable"),
        ]

    @property
    def gross(self) -> Money:
        return Money(self.gross_minor, self.currency)

    @property
    def fee(self) -> Money:
        return Money(self.fee_minor, self.currency)

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)


class PayoutAccount(PartnerOwned):
    """Where a partner's payouts go. The number is encrypted; `hint` is what may be shown of it."""

    class Method(models.TextChoices):
        MANUAL = "manual", _("Bank transfer")

    id_prefix = "pac"

    method = models.CharField(_("method"), max_length=10, choices=Method, default=Method.MANUAL)
    holder = models.CharField(_("account holder"), max_length=140)
    account_number = EncryptedField(_("IBAN or account number"))
    bank_code = models.CharField(_("BIC or routing number"), max_length=20, blank=True)
    country = models.CharField(_("country"), max_length=2)
    hint = models.CharField(_("account"), max_length=8, editable=False)

    class Meta:
        verbose_name = _("payout account")
        constraints = [models.UniqueConstraint(fields=["partner", "environment"], name="payout_account_once")]

    def __str__(self) -> str:
        return f"{self.holder} {self.hint}"


class PayoutQuerySet(PartnerOwnedQuerySet["Payout"]):
    def unsettled(self) -> Self:
        """Those whose money is neither out nor back."""
        return self.exclude(status__in=[Payout.Status.PAID, Payout.Status.FAILED])


class Payout(PartnerOwned):
    """Earnings of one partner on their way out. Where to is kept as it was when the payout was made."""

    class Status(models.TextChoices):
        PENDING = "pending", _("Waiting for approval")
        HELD = "held", _("Held")
        APPROVED = "approved", _("Approved")
        PAID = "paid", _("Paid")
        FAILED = "failed", _("Failed")

    TRANSITIONS = {
        Status.PENDING: {Status.APPROVED, Status.HELD},
        Status.HELD: {Status.APPROVED},
        Status.APPROVED: {Status.PAID, Status.FAILED, Status.HELD},
    }

    id_prefix = "pay"

    status = models.CharField(_("status"), max_length=8, choices=Status, default=Status.PENDING, editable=False)
    amount_minor = models.BigIntegerField(_("amount"), editable=False)
    currency = CurrencyField(_("currency"), editable=False)
    processor = models.CharField(_("processor"), max_length=20, editable=False)
    destination = EncryptedField(editable=False, help_text=_("JSON of the payout account as it was."))
    destination_hint = models.CharField(_("account"), max_length=160, editable=False)
    status_reason = models.TextField(_("reason"), blank=True, editable=False)
    reference = models.CharField(_("reference"), max_length=140, blank=True, editable=False, help_text=_("Of the transfer."))
    approved_at = models.DateTimeField(_("approved"), null=True, editable=False)
    settled_at = models.DateTimeField(_("paid or failed"), null=True, editable=False)

    objects: ClassVar = PayoutQuerySet.as_manager()

    class Meta:
        verbose_name = _("payout")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=LIVE_ONLY, name="payout_live_only"),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="payout_positive"),
            models.CheckConstraint(
                condition=Q(status__in=["paid", "failed"], settled_at__isnull=False, approved_at__isnull=False)
                | Q(status="approved", settled_at__isnull=True, approved_at__isnull=False)
                | Q(status__in=["pending", "held"], settled_at__isnull=True),
                name="payout_dates",
            ),
        ]
        indexes = [
            models.Index(fields=["partner", "environment", "-id"], name="payout_of_partner"),
            models.Index(fields=["status", "-id"], name="payout_by_status"),
        ]

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)


class PayoutItem(models.Model):
    """An earning in a payout. It stays on record when the payout fails, but then no longer binds the earning."""

    payout = models.ForeignKey(Payout, on_delete=models.PROTECT, related_name="items", editable=False)
    earning = models.ForeignKey(Earning, on_delete=models.PROTECT, related_name="payout_items", editable=False)
    is_released = models.BooleanField(default=False, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["payout", "earning"], name="payout_item_once"),
            models.UniqueConstraint(fields=["earning"], condition=Q(is_released=False), name="earning_in_one_payout"),
        ]

    def __str__(self) -> str:
        return f"{self.earning} in {self.payout}"

"""Partners: organisations, the people in them, and the tier that says what they may."""

from datetime import timedelta
from decimal import Decimal
from typing import Any, ClassVar, Self

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core import clock
from core.models import Entity, EntityQuerySet, User
from core.money import CurrencyField, Money


class Tier(Entity):
    """A rung of the one ladder: limits, price, shares, and what it takes to go live on it."""

    class OverQuota(models.TextChoices):
        STOP = "stop", _("Refuse further calls")
        CHARGE = "charge", _("Go on at the usage price, up to the partner's cap")

    id_prefix = "tir"

    slug = models.SlugField(_("slug"), unique=True)
    name = models.CharField(_("name"), max_length=40)
    rank = models.PositiveSmallIntegerField(_("rank"), unique=True, help_text=_("Place on the ladder; higher is more."))
    price_minor = models.BigIntegerField(
        _("monthly price"), null=True, blank=True, help_text=_("In minor units; empty for a custom price.")
    )
    currency = CurrencyField(_("currency"))
    monthly_quota = models.BigIntegerField(_("calls a month"), null=True, blank=True, help_text=_("Empty for no limit."))
    over_quota = models.CharField(_("over quota"), max_length=8, choices=OverQuota, default=OverQuota.STOP)
    key_rate = models.PositiveIntegerField(_("calls a minute and key"), default=1_000)
    partner_rate = models.PositiveIntegerField(_("calls a minute and partner"), default=5_000)
    commission_rate = models.DecimalField(
        _("commission"),
        max_digits=5,
        decimal_places=4,
        default=Decimal(0),
        validators=[MinValueValidator(0), MaxValueValidator(1)],
    )
    marketplace_fee = models.DecimalField(
        _("marketplace fee"),
        max_digits=5,
        decimal_places=4,
        default=Decimal("0.15"),
        validators=[MinValueValidator(0), MaxValueValidator(1)],
    )
    longest_grace = models.DurationField(_("longest grace of a rotated key"), default=timedelta(days=30))
    needs_documents = models.BooleanField(_("needs verified documents"), default=False)
    needs_application = models.BooleanField(_("needs an approved application"), default=False)
    needs_contract = models.BooleanField(_("needs a signed contract"), default=False)

    objects: ClassVar = EntityQuerySet.as_manager()

    class Meta:
        verbose_name = _("tier")
        ordering = ["rank"]

    def __str__(self) -> str:
        return self.name

    @property
    def price(self) -> Money | None:
        """A month's price; None where it is agreed by contract."""
        return None if self.price_minor is None else Money(self.price_minor, self.currency)


class PartnerQuerySet(EntityQuerySet["Partner"]):
    def present(self) -> Self:
        """Without the softly deleted."""
        return self.filter(deleted_at=None)

    def of_member(self, user: User) -> Self:
        """Those that a person belongs to."""
        return self.present().filter(members__user=user)


class Partner(Entity):
    """An organisation that builds on the operator's API, sells in the marketplace, or both."""

    class Type(models.TextChoices):
        TECHNOLOGY = "technology", _("Technology")
        BUSINESS = "business", _("Business")
        MARKETPLACE = "marketplace", _("Marketplace")
        ENTERPRISE = "enterprise", _("Enterprise")

    class Status(models.TextChoices):
        PENDING = "pending", _("Pending")
        ACTIVE = "active", _("Active")
        SUSPENDED = "suspended", _("Suspended")
        CLOSED = "closed", _("Closed")

    TRANSITIONS = {
        Status.PENDING: {Status.ACTIVE, Status.CLOSED},
        Status.ACTIVE: {Status.SUSPENDED, Status.CLOSED},
        Status.SUSPENDED: {Status.ACTIVE, Status.CLOSED},
    }

    id_prefix = "ptn"

    slug = models.SlugField(_("slug"), max_length=60, unique=True, validators=[RegexValidator(r"^[a-z0-9]+(-[a-z0-9]+)*\Z")])
    name = models.CharField(_("name"), max_length=120)
    type = models.CharField(_("type"), max_length=12, choices=Type, default=Type.TECHNOLOGY)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.PENDING, editable=False)
    status_reason = models.TextField(_("reason"), blank=True, editable=False)
    tier = models.ForeignKey(Tier, on_delete=models.PROTECT, related_name="partners", verbose_name=_("tier"))
    website = models.URLField(_("website"), blank=True)
    description = models.TextField(_("description"), max_length=2_000, blank=True)
    listed = models.BooleanField(_("listed"), default=True, help_text=_("Has a public profile once active."))
    activated_at = models.DateTimeField(_("active since"), null=True, editable=False)
    deleted_at = models.DateTimeField(_("deleted"), null=True, editable=False)
    version = models.BigIntegerField(default=0, editable=False)

    objects: ClassVar = PartnerQuerySet.as_manager()

    class Meta:
        verbose_name = _("partner")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=~Q(status="active") | Q(activated_at__isnull=False), name="partner_active_since"),
        ]

    def __str__(self) -> str:
        return self.name


class Role(models.TextChoices):
    """What a person may in one partner; `partners.permissions` says it in one table."""

    OWNER = "owner", _("Owner")
    ADMIN = "admin", _("Admin")
    DEVELOPER = "developer", _("Developer")
    FINANCE = "finance", _("Finance")
    VIEWER = "viewer", _("Viewer")


class MemberQuerySet(EntityQuerySet["Member"]):
    def of_partner(self, partner: Any) -> Self:
        """The team of one partner. People aren't of an environment."""
        return self.filter(partner=partner)


class Member(Entity):
    """A person in a partner, with one role. A person may be in several partners."""

    id_prefix = "mem"

    partner = models.ForeignKey(Partner, on_delete=models.CASCADE, related_name="members")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(_("role"), max_length=10, choices=Role)
    joined_at = models.DateTimeField(default=clock.now, editable=False)

    objects: ClassVar = MemberQuerySet.as_manager()

    class Meta:
        verbose_name = _("member")
        constraints = [models.UniqueConstraint(fields=["partner", "user"], name="member_once")]

    def __str__(self) -> str:
        return f"{self.user} ({self.get_role_display()})"

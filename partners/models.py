"""Partners: organisations, the people in them, and the tier that says what they may."""

from datetime import timedelta
from decimal import Decimal
from typing import Any, ClassVar, Self

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from core import clock, ids
from core.models import Entity, EntityQuerySet, User
from core.money import CurrencyField, Money
from partners.permissions import Role, allows

# Calls a minute: rates are kept in microseconds between two calls.
RATE = [MinValueValidator(1), MaxValueValidator(60_000_000)]


class Tier(Entity):
    """A rung of the one ladder: limits, price, shares, and what it takes to go live on it."""

    class OverQuota(models.TextChoices):
        STOP = "stop", _("Refuse further calls")
        CHARGE = "charge", _("Go on at the usage price, up to the partner's cap")

    class Servers(models.TextChoices):
        STANDARD = "standard", _("Standard servers")
        ALL = "all", _("All servers")
        CUSTOM = "custom", _("Premium and custom servers")

    class Support(models.TextChoices):
        COMMUNITY = "community", _("Community")
        EMAIL = "email", _("E-mail")
        MANAGER = "manager", _("Named account manager")

    id_prefix = "tir"

    slug = models.SlugField(_("slug"), unique=True)
    name = models.CharField(_("name"), max_length=40)
    rank = models.PositiveSmallIntegerField(_("rank"), unique=True, help_text=_("Place on the ladder; higher is more."))
    price_minor = models.BigIntegerField(
        _("monthly price"),
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        help_text=_("In minor units; empty for a custom price."),
    )
    currency = CurrencyField(_("currency"))
    monthly_quota = models.BigIntegerField(
        _("calls a month"), null=True, blank=True, validators=[MinValueValidator(0)], help_text=_("Empty for no limit.")
    )
    over_quota = models.CharField(_("over quota"), max_length=8, choices=OverQuota, default=OverQuota.STOP)
    key_rate = models.PositiveIntegerField(_("calls a minute and key"), default=1_000, validators=RATE)
    partner_rate = models.PositiveIntegerField(_("calls a minute and partner"), default=5_000, validators=RATE)
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
    servers = models.CharField(_("servers"), max_length=8, choices=Servers, default=Servers.STANDARD)
    support = models.CharField(_("support"), max_length=9, choices=Support, default=Support.COMMUNITY)
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

    def public_profiles(self) -> Self:
        """Those that everybody may see."""
        return self.present().filter(status=Partner.Status.ACTIVE, listed=True)

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
    }  # out of `closed` leads `partners.restore` only: to where it was

    id_prefix = "ptn"

    slug = models.SlugField(_("slug"), max_length=60, unique=True, validators=[RegexValidator(r"^[a-z0-9]+(-[a-z0-9]+)*\Z")])
    name = models.CharField(_("name"), max_length=120)
    type = models.CharField(_("type"), max_length=12, choices=Type, default=Type.TECHNOLOGY)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.PENDING, editable=False)
    status_reason = models.TextField(_("reason"), blank=True, editable=False)
    restores_to = models.CharField(
        max_length=10, choices=Status, blank=True, editable=False, help_text="Status before it closed."
    )
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
            models.CheckConstraint(condition=Q(deleted_at=None) | Q(status="closed"), name="partner_deleted_is_closed"),
        ]
        indexes = [models.Index(fields=["status", "-id"], name="partner_by_status")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """Its public page."""
        return reverse("partners:profile", kwargs={"slug": self.slug})


class TierChange(Entity):
    """A partner left a tier: so it is known afterwards which tier held when, and what its calls cost."""

    id_prefix = "tch"

    partner = models.ForeignKey(Partner, on_delete=models.CASCADE, related_name="tier_changes", editable=False)
    previous = models.ForeignKey(Tier, on_delete=models.PROTECT, related_name="+", editable=False)
    changed_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        indexes = [models.Index(fields=["partner", "changed_at"], name="tier_change_of_partner")]


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

    def may(self, permission: str) -> bool:
        """Whether this person's role has a permission; see `partners.permissions`."""
        return allows(self.role, permission)


class Company(models.Model):
    """Facts about the organisation behind a partner, as it states them in onboarding."""

    class Size(models.TextChoices):
        MICRO = "1-9", _("1 to 9 people")
        SMALL = "10-49", _("10 to 49 people")
        MEDIUM = "50-249", _("50 to 249 people")
        LARGE = "250+", _("250 people or more")

    partner = models.OneToOneField(Partner, on_delete=models.CASCADE, primary_key=True, related_name="company")
    contact_name = models.CharField(_("contact person"), max_length=120, blank=True)
    contact_email = models.EmailField(_("contact e-mail"), blank=True)
    contact_phone = models.CharField(_("contact phone"), max_length=40, blank=True)
    legal_name = models.CharField(_("legal name"), max_length=160, blank=True)
    registration_number = models.CharField(_("registration number"), max_length=60, blank=True)
    tax_id = models.CharField(_("tax id"), max_length=60, blank=True)
    street = models.CharField(_("street and number"), max_length=160, blank=True)
    city = models.CharField(_("city"), max_length=80, blank=True)
    postal_code = models.CharField(_("postal code"), max_length=20, blank=True)
    country = models.CharField(_("country"), max_length=2, blank=True, validators=[RegexValidator(r"^[A-Z]{2}\Z")])
    industry = models.CharField(_("industry"), max_length=80, blank=True)
    size = models.CharField(_("size"), max_length=6, choices=Size, blank=True)

    def __str__(self) -> str:
        return self.legal_name or str(self.partner)


class ApiSetup(models.Model):
    """What a partner wants the API for, and where it wants to be called; a step of the onboarding."""

    partner = models.OneToOneField(Partner, on_delete=models.CASCADE, primary_key=True, related_name="api_setup")
    use_case = models.TextField(_("use case"), max_length=2_000, blank=True)
    expected_monthly_calls = models.BigIntegerField(
        _("expected calls a month"), null=True, blank=True, validators=[MinValueValidator(0)]
    )
    webhook_url = models.URLField(_("webhook address"), max_length=500, blank=True)
    oauth_callback_url = models.URLField(_("OAuth callback address"), max_length=500, blank=True)

    def __str__(self) -> str:
        return str(self.partner)


class Review(Entity):
    """One round of the operators' review: a submission, and in time its decision. Every round is kept."""

    class Decision(models.TextChoices):
        WAITING = "waiting", _("Waiting for review")
        APPROVED = "approved", _("Approved")
        CHANGES_REQUESTED = "changes_requested", _("Changes requested")
        REJECTED = "rejected", _("Rejected")

    id_prefix = "rvw"

    partner = models.ForeignKey(Partner, on_delete=models.CASCADE, related_name="reviews")
    decision = models.CharField(_("decision"), max_length=17, choices=Decision, default=Decision.WAITING)
    reason = models.TextField(_("reason"), blank=True)
    decided_at = models.DateTimeField(_("decided"), null=True)
    decided_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+", verbose_name=_("decided by"))

    class Meta:
        verbose_name = _("review")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["partner"], condition=Q(decision="waiting"), name="review_one_waiting"),
            models.CheckConstraint(condition=Q(decision="waiting") | Q(decided_at__isnull=False), name="review_decided_at"),
        ]

    def __str__(self) -> str:
        return f"{self.partner}: {self.get_decision_display()}"


def _place(document: "Document", filename: str) -> str:
    """Where a document's file is kept: nothing of the name that was sent."""
    return f"documents/{document.partner_id}/{document.pk}"


class Document(Entity):
    """A file that shows who the partner is. Kept privately; what it is was found by its content, not by its name."""

    class Kind(models.TextChoices):
        REGISTRATION = "registration", _("Company registration")
        TAX = "tax", _("Tax certificate")
        ADDRESS = "address", _("Proof of address")
        IDENTITY = "identity", _("Proof of identity")
        CONTRACT = "contract", _("Signed contract")
        OTHER = "other", _("Other")

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting for review")
        ACCEPTED = "accepted", _("Accepted")
        REJECTED = "rejected", _("Rejected")

    id_prefix = "doc"

    partner = models.ForeignKey(Partner, on_delete=models.CASCADE, related_name="documents")
    kind = models.CharField(_("kind"), max_length=12, choices=Kind)
    filename = models.CharField(_("name"), max_length=120, help_text=_("As it was sent, for people to read."))
    content_type = models.CharField(_("type"), max_length=40)
    size = models.PositiveIntegerField(_("size"), help_text=_("In bytes."))
    sha256 = models.BinaryField(editable=False)
    file = models.FileField(upload_to=_place, max_length=200)
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.WAITING)
    reason = models.TextField(_("reason"), blank=True)
    decided_at = models.DateTimeField(_("decided"), null=True)
    decided_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+", verbose_name=_("decided by"))

    class Meta:
        verbose_name = _("document")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(state="waiting") | Q(decided_at__isnull=False), name="document_decided_at"),
        ]
        indexes = [models.Index(fields=["state", "id"], name="document_queue")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.filename}"


class NoticeQuerySet(models.QuerySet["Notice"]):
    def due(self) -> Self:
        """Those to be sent now; a lease that ran out counts as never taken."""
        return self.filter(sent_at=None, failed_at=None, due_at__lte=clock.now())


class Notice(models.Model):
    """A mail to one person. The row is the intent, written in the transaction of its cause; `notices.send_due` sends it."""

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    kind = models.CharField(max_length=40)
    cause = models.CharField(max_length=80, help_text="Public id of the event or row behind it.")
    partner = models.ForeignKey(Partner, on_delete=models.CASCADE, null=True, related_name="notices")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="notices")
    facts = models.JSONField(default=dict)
    due_at = models.DateTimeField(default=clock.now)
    attempts = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    objects = NoticeQuerySet.as_manager()

    class Meta:
        verbose_name = _("notice")
        constraints = [models.UniqueConstraint(fields=["cause", "kind", "user"], name="notice_once")]
        indexes = [models.Index(fields=["due_at"], condition=Q(sent_at=None, failed_at=None), name="notice_due")]

    def __str__(self) -> str:
        return f"{self.kind} to {self.user}"

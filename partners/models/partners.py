"""Partners, and what they say of themselves."""

from typing import ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from core import clock, markdown
from core.crypto import EncryptedField
from core.indexes import trigrams
from core.models import Entity, EntityQuerySet, User
from partners import countries
from partners.models.profiles import Industry, Network
from partners.models.tiers import Tier
from partners.permissions import Role

# Who everybody may see: kept in one place for the query and for its indexes.
PUBLIC = Q(status="active", listed=True, deleted_at=None)
# What a search looks at; longer ones are cut, since each word costs.
LONGEST_SEARCH = 80
MOST_INDUSTRIES = 5


class PartnerQuerySet(EntityQuerySet["Partner"]):
    def present(self) -> Self:
        """Without the softly deleted."""
        return self.filter(deleted_at=None)

    def public_profiles(self) -> Self:
        """Those that everybody may see."""
        return self.filter(PUBLIC)

    def matching(self, text: str) -> Self:
        """Those whose name or summary has every word of `text`."""
        found = self
        for word in set(text[:LONGEST_SEARCH].replace("\0", " ").split()):
            found = found.filter(Q(name__icontains=word) | Q(summary__icontains=word))
        return found

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
    }  # out of `closed` leads `partners.restore` only: to where it was, until its personal data is erased

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
    summary = models.CharField(_("summary"), max_length=160, blank=True, help_text=_("One line, for lists."))
    description = models.TextField(_("description"), max_length=5_000, blank=True, help_text=_("Markdown."))
    industries = ArrayField(
        models.CharField(max_length=16, choices=Industry),
        verbose_name=_("industries"),
        default=list,
        blank=True,
        size=MOST_INDUSTRIES,
    )
    countries = ArrayField(models.CharField(max_length=2), verbose_name=_("countries"), default=list, blank=True)
    public_email = models.EmailField(_("e-mail for the public"), blank=True)
    links = models.JSONField(_("pages elsewhere"), default=dict, blank=True)
    logo = models.CharField(_("logo"), max_length=64, blank=True, editable=False, help_text=_("Name of its pictures."))
    listed = models.BooleanField(_("listed"), default=True, help_text=_("Has a public profile once active."))
    keeps_test_bodies = models.BooleanField(
        _("bodies of failed test calls"), default=True, help_text=_("Kept for a week in the call log, without secrets.")
    )
    activated_at = models.DateTimeField(_("active since"), null=True, editable=False)
    verified_at = models.DateTimeField(
        _("documents verified"), null=True, editable=False, help_text=_("Until then it can't publish and is paid nothing out.")
    )
    closed_at = models.DateTimeField(_("closed since"), null=True, editable=False)
    deleted_at = models.DateTimeField(_("deleted"), null=True, editable=False)
    erased_at = models.DateTimeField(_("personal data erased"), null=True, editable=False)
    version = models.BigIntegerField(default=0, editable=False)

    objects: ClassVar = PartnerQuerySet.as_manager()

    class Meta:
        verbose_name = _("partner")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=~Q(status="active") | Q(activated_at__isnull=False), name="partner_active_since"),
            models.CheckConstraint(condition=Q(deleted_at=None) | Q(status="closed"), name="partner_deleted_is_closed"),
            models.CheckConstraint(
                condition=Q(status="closed", closed_at__isnull=False) | ~Q(status="closed") & Q(closed_at=None),
                name="partner_closed_since",
            ),
            models.CheckConstraint(condition=Q(erased_at=None) | Q(deleted_at__isnull=False), name="partner_erased_is_deleted"),
        ]
        indexes = [
            models.Index(fields=["status", "-id"], name="partner_by_status"),
            models.Index(fields=["type", "-id"], name="partner_by_type"),
            models.Index(fields=["tier", "-id"], name="partner_by_tier"),
            models.Index(fields=["name", "-id"], name="partner_by_name"),
            models.Index(fields=["-id"], condition=Q(deleted_at__isnull=False), name="partner_deleted"),
            trigrams("name", name="partner_name_part"),
            trigrams("slug", name="partner_slug_part"),
            models.Index(fields=["name", "id"], condition=PUBLIC, name="partner_showcase"),
            GinIndex(fields=["industries"], condition=PUBLIC, name="partner_showcase_trade"),
            GinIndex(fields=["countries"], condition=PUBLIC, name="partner_showcase_country"),
            trigrams("summary", name="partner_summary_part"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def has_owner(self) -> bool:
        """Whether somebody owns it; nobody does until the first person joins one that an operator made."""
        return self.members.filter(role=Role.OWNER).exists()

    @property
    def has_logo(self) -> bool:
        """Whether it has a picture; otherwise its initials stand for it."""
        return bool(self.logo)

    @property
    def is_public(self) -> bool:
        """Whether everybody may see it now; as `public_profiles`."""
        return self.status == Partner.Status.ACTIVE and self.listed and self.deleted_at is None

    @property
    def story(self) -> SafeString:
        """Its description as HTML; what it links to is not our word."""
        return markdown.render(self.description, rel="nofollow ugc noopener")

    @property
    def trades(self) -> list[Industry]:
        """The industries it works for."""
        return [Industry(each) for each in self.industries]

    @property
    def places(self) -> list[str]:
        """The names of the countries it serves."""
        return sorted(countries.name(each) for each in self.countries)

    @property
    def pages_elsewhere(self) -> list[tuple[str, str]]:
        """Its pages in networks: name of the network, and address."""
        return [(network.label, self.links[network.value]) for network in Network if network.value in self.links]

    @property
    def logo_small(self) -> str:
        """Where its logo is, for a row or a menu; "" without one."""
        return self._logo(64)

    @property
    def logo_large(self) -> str:
        """The same, for a page about it."""
        return self._logo(256)

    def _logo(self, size: int) -> str:
        return reverse("partners:logo", kwargs={"name": self.logo, "size": size}) if self.logo else ""

    def get_absolute_url(self) -> str:
        """Its public page."""
        return reverse("portal:profile", kwargs={"slug": self.slug})


class TierChange(Entity):
    """A partner left a tier: so it is known afterwards which tier held when, and what its calls cost."""

    id_prefix = "tch"

    partner = models.ForeignKey(Partner, on_delete=models.CASCADE, related_name="tier_changes", editable=False)
    previous = models.ForeignKey(Tier, on_delete=models.PROTECT, related_name="+", editable=False)
    changed_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        indexes = [models.Index(fields=["partner", "changed_at"], name="tier_change_of_partner")]


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
    webhook_secret = EncryptedField(null=True, editable=False)
    webhook_checked_at = models.DateTimeField(_("webhook address checked"), null=True, editable=False)
    webhook_reached = models.BooleanField(_("webhook address answers"), null=True, editable=False)
    webhook_finding = models.TextField(_("what the check found"), blank=True, editable=False)

    def __str__(self) -> str:
        return str(self.partner)

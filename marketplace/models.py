"""The marketplace: what partners publish, in which versions, and who has installed it."""

from decimal import Decimal
from typing import Any, ClassVar, Self
from uuid import UUID

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MinValueValidator, RegexValidator, URLValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from core import clock, health
from core.crypto import EncryptedField
from core.health import Health
from core.models import Entity, EntityQuerySet, Environment, PartnerOwned, PartnerOwnedQuerySet
from core.money import CurrencyField, unit
from core.tuning import Tuned
from partners.models import Partner

SLUG = RegexValidator(r"^[a-z0-9]+(-[a-z0-9]+)*\Z", _("Lower-case letters, digits and single hyphens."))
WEB_ADDRESS = URLValidator(schemes=["http", "https"])
NUMBER = RegexValidator(r"^(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})\Z", _("Three numbers with dots, as in 1.4.0."))


LONGEST_SEARCH = 100
"""Characters: anybody may search, and each word is looked for in all texts."""


class Category(Entity):
    """A place in the marketplace's tree; operators edit it."""

    id_prefix = "cat"

    slug = models.SlugField(_("slug"), max_length=60, unique=True, validators=[SLUG])
    name = models.CharField(_("name"), max_length=60)
    description = models.CharField(_("description"), max_length=200, blank=True)
    parent = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="children", verbose_name=_("within")
    )
    position = models.PositiveSmallIntegerField(_("position"), default=0, help_text=_("Order among its neighbours."))

    objects: ClassVar = EntityQuerySet.as_manager()

    class Meta:
        verbose_name = _("category")
        verbose_name_plural = _("categories")
        ordering = ["position", "name"]

    def __str__(self) -> str:
        return self.name

    @classmethod
    def below(cls, slug: str) -> list[UUID]:
        """The ids of the category of this slug and of all those within it; none for an unknown one."""
        found = list(cls.objects.filter(slug=slug).values_list("pk", flat=True))
        level = found
        while level := list(cls.objects.filter(parent__in=level).exclude(pk__in=found).values_list("pk", flat=True)):
            found += level
        return found


class Pricing(models.TextChoices):
    """How consumers pay for an integration."""

    FREE = "free", _("Free")
    PER_CALL = "per_call", _("Per call")


class Priced:
    """What has a `price` a call and a `currency`."""

    price: Decimal
    currency: str

    @property
    def price_text(self) -> str:
        """The price of a call for people, without needless zeros; "" where calls are free."""
        return unit(self.price, self.currency) if self.price else ""


class Terms(Priced, models.Model):
    """What a consumer agrees to: the scopes asked for, and the price of a call in whole `currency` units."""

    scopes = ArrayField(
        models.CharField(max_length=64),
        verbose_name=_("scopes"),
        default=list,
        blank=True,
        help_text=_("A consumer agrees to these when it installs; a key that calls must carry them."),
    )
    pricing = models.CharField(_("pricing"), max_length=8, choices=Pricing, default=Pricing.FREE)
    price = models.DecimalField(
        _("price a call"), max_digits=12, decimal_places=6, default=Decimal(0), validators=[MinValueValidator(0)]
    )
    currency = CurrencyField(_("currency"))

    class Meta:
        abstract = True


def _price_fits(name: str) -> models.CheckConstraint:
    return models.CheckConstraint(condition=Q(pricing="free", price=0) | Q(pricing="per_call", price__gt=0), name=name)


class IntegrationQuerySet(PartnerOwnedQuerySet["Integration"]):
    def listed(self) -> Self:
        """What the public marketplace shows: published, live, of an active partner."""
        return self.filter(
            environment=Environment.LIVE,
            status=Integration.Status.PUBLISHED,
            partner__status=Partner.Status.ACTIVE,
            partner__deleted_at=None,
        )

    def visible_to(self, partner: Any, environment: str) -> Self:
        """What a partner can look at and install: the listed ones; in the test environment its own published ones too."""
        own = self.for_caller(partner, Environment.TEST).filter(status=Integration.Status.PUBLISHED)
        return self.listed() | own if environment == Environment.TEST else self.listed()

    def waiting(self) -> Self:
        """Those that an operator has to look at, longest wait first."""
        return self.filter(status=Integration.Status.IN_REVIEW).order_by("submitted_at")

    def matching(self, text: str) -> Self:
        """Those whose name, summary or description has every word of the first LONGEST_SEARCH characters of `text`."""
        found = self
        for word in set(text[:LONGEST_SEARCH].replace("\0", " ").split()):
            found = found.filter(Q(name__icontains=word) | Q(summary__icontains=word) | Q(description__icontains=word))
        return found


class Integration(PartnerOwned, Terms, Tuned):
    """An API that a partner sells or gives away, served under `/apis/<slug>/`; see `integrations` for what may happen to it.

    The fields here are the copy that its partner works on. Consumers are served by `current`, the version that was reviewed.
    """

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        IN_REVIEW = "in_review", _("In review")
        APPROVED = "approved", _("Approved")
        REJECTED = "rejected", _("Rejected")
        PUBLISHED = "published", _("Published")
        UNPUBLISHED = "unpublished", _("Unpublished")
        SUSPENDED = "suspended", _("Suspended")

    TRANSITIONS = {
        Status.DRAFT: {Status.IN_REVIEW, Status.SUSPENDED},
        Status.IN_REVIEW: {Status.APPROVED, Status.DRAFT, Status.REJECTED, Status.SUSPENDED},
        Status.APPROVED: {Status.PUBLISHED, Status.DRAFT, Status.SUSPENDED},
        Status.PUBLISHED: {Status.UNPUBLISHED, Status.SUSPENDED},
        Status.UNPUBLISHED: {Status.PUBLISHED, Status.DRAFT, Status.SUSPENDED},
        Status.SUSPENDED: {Status.UNPUBLISHED, Status.DRAFT},
    }

    id_prefix = "int"

    slug = models.SlugField(
        _("slug"), max_length=60, unique=True, validators=[SLUG], help_text=_("As in its address, /apis/weather/.")
    )
    name = models.CharField(_("name"), max_length=80)
    summary = models.CharField(_("summary"), max_length=160, help_text=_("One line, for lists."))
    description = models.TextField(_("description"), max_length=10_000, blank=True)
    category = models.ForeignKey(
        Category, on_delete=models.PROTECT, null=True, blank=True, related_name="integrations", verbose_name=_("category")
    )
    upstream_url = models.URLField(
        _("upstream"), max_length=500, validators=[WEB_ADDRESS], help_text=_("Where calls are sent on to.")
    )
    signing_secret = EncryptedField(editable=False)
    status = models.CharField(_("status"), max_length=12, choices=Status, default=Status.DRAFT, editable=False)
    status_reason = models.TextField(_("reason"), blank=True, editable=False)
    current = models.ForeignKey("Version", on_delete=models.PROTECT, null=True, related_name="+", editable=False)
    submitted_at = models.DateTimeField(_("submitted"), null=True, editable=False)
    published_at = models.DateTimeField(_("published"), null=True, editable=False)
    down_since = models.DateTimeField(_("down since"), null=True, editable=False)
    version = models.BigIntegerField(default=0, editable=False)

    objects: ClassVar = IntegrationQuerySet.as_manager()

    class Meta:
        verbose_name = _("integration")
        ordering = ["-id"]
        constraints = [
            _price_fits("integration_price_fits"),
            models.CheckConstraint(
                condition=~Q(status__in=["published", "unpublished"]) | Q(current__isnull=False, published_at__isnull=False),
                name="integration_published_has_version",
            ),
        ]
        indexes = [
            models.Index(fields=["partner", "environment", "-id"], name="integration_of_partner"),
            models.Index(fields=["-published_at"], condition=Q(status="published"), name="integration_listed"),
            models.Index(fields=["down_since"], condition=Q(down_since__isnull=False), name="integration_down"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def health(self) -> Health:
        """How its upstream does, as the gateways see it."""
        return health.of(self.pk)

    @property
    def base_url(self) -> str:
        """Where consumers call it."""
        return f"{settings.BASE_URL}/apis/{self.slug}/"


class Version(Entity, Terms):
    """One release of an integration, as it was reviewed. `released_at` is empty until it is published."""

    id_prefix = "ver"

    integration = models.ForeignKey(Integration, on_delete=models.CASCADE, related_name="versions", editable=False)
    number = models.CharField(_("number"), max_length=20, validators=[NUMBER])
    notes = models.TextField(_("release notes"), max_length=5_000, blank=True)
    upstream_url = models.URLField(_("upstream"), max_length=500, editable=False)
    released_at = models.DateTimeField(_("released"), null=True, editable=False)

    objects: ClassVar = EntityQuerySet.as_manager()

    class Meta:
        verbose_name = _("version")
        ordering = ["-id"]
        constraints = [
            _price_fits("version_price_fits"),
            models.UniqueConstraint(fields=["integration", "number"], name="version_number_once"),
            models.UniqueConstraint(fields=["integration"], condition=Q(released_at__isnull=True), name="version_one_unreleased"),
        ]

    def __str__(self) -> str:
        return self.number


class InstallationQuerySet(PartnerOwnedQuerySet["Installation"]):
    def present(self) -> Self:
        """Without the uninstalled."""
        return self.filter(status=Installation.Status.INSTALLED)


class Installation(Priced, PartnerOwned):
    """A consumer's right to call an integration, and what it agreed to: the scopes, and the price of a call.

    Installing again after an uninstall makes a new row, so that what was agreed to in the past stays known.
    """

    class Status(models.TextChoices):
        INSTALLED = "installed", _("Installed")
        UNINSTALLED = "uninstalled", _("Uninstalled")

    TRANSITIONS = {Status.INSTALLED: {Status.UNINSTALLED}}

    id_prefix = "ins"

    integration = models.ForeignKey(Integration, on_delete=models.PROTECT, related_name="installations", editable=False)
    version = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="+", editable=False)
    status = models.CharField(_("status"), max_length=12, choices=Status, default=Status.INSTALLED, editable=False)
    granted_scopes = ArrayField(models.CharField(max_length=64), verbose_name=_("granted scopes"), default=list, editable=False)
    price = models.DecimalField(_("price a call"), max_digits=12, decimal_places=6, default=Decimal(0), editable=False)
    currency = CurrencyField(_("currency"), editable=False)
    installed_at = models.DateTimeField(_("installed"), default=clock.now, editable=False)
    uninstalled_at = models.DateTimeField(_("uninstalled"), null=True, editable=False)

    objects: ClassVar = InstallationQuerySet.as_manager()

    class Meta:
        verbose_name = _("installation")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["partner", "environment", "integration"],
                condition=Q(status="installed"),
                name="installation_once",
            ),
            models.CheckConstraint(
                condition=Q(status="installed", uninstalled_at__isnull=True)
                | Q(status="uninstalled", uninstalled_at__gte=F("installed_at")),
                name="installation_ends_later",
            ),
        ]

    def __str__(self) -> str:
        return self.public_id

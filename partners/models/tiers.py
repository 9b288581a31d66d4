"""The ladder of tiers: limits, prices, and what each rung asks for."""

from datetime import timedelta
from decimal import Decimal
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from core.models import Entity, EntityQuerySet
from core.money import CurrencyField, Money

# Calls a minute: rates are kept in microseconds between two calls.
RATE = [MinValueValidator(1), MaxValueValidator(60_000_000)]


class DocumentKind(models.TextChoices):
    """What a document shows."""

    REGISTRATION = "registration", _("Company registration")
    TAX = "tax", _("Tax certificate")
    ADDRESS = "address", _("Proof of address")
    IDENTITY = "identity", _("Proof of identity")
    CONTRACT = "contract", _("Signed contract")
    OTHER = "other", _("Other")


def usual_documents() -> list[str]:
    """What operators want to see of a company unless a tier says otherwise."""
    return [DocumentKind.REGISTRATION.value]


class Tier(Entity):
    """A rung of the one ladder: limits, price, shares, and what it takes to go live on it."""

    class OverQuota(models.TextChoices):
        STOP = "stop", _("Refuse further calls")
        CHARGE = "charge", _("Go on at the usage price")

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
    calls_at_once = models.PositiveIntegerField(
        _("calls at once"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("Calls that are being answered, of a partner in one environment. Empty for no limit."),
    )
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
    needs_information = models.BooleanField(
        _("needs the information steps"),
        default=True,
        help_text=_("Basic information, business details and API setup. A confirmed e-mail address is needed in any case."),
    )
    needs_application = models.BooleanField(
        _("needs an approved application"),
        default=False,
        help_text=_("Somebody decides. Without this, and without documents or contract, a partner that submits is live at once."),
    )
    needs_documents = models.BooleanField(_("needs verified documents"), default=False)
    needs_contract = models.BooleanField(_("needs a signed contract"), default=False)
    document_kinds = ArrayField(
        models.CharField(max_length=12, choices=DocumentKind),
        verbose_name=_("documents that verify a partner"),
        default=usual_documents,
        blank=True,
        help_text=_("Publishing and payouts want them on every tier, going live only where it is ticked above."),
    )

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

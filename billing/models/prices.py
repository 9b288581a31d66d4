"""What the operator's own services cost, and from when to when."""

from datetime import datetime
from decimal import Decimal
from typing import ClassVar, Self

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeBoundary, RangeOperators
from django.core.exceptions import ValidationError as FormError
from django.core.serializers.json import DjangoJSONEncoder
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Func, Q
from django.utils.translation import gettext_lazy as _

from billing.rating import Model, Tariff
from core import clock
from core.models import Entity, EntityQuerySet
from core.money import CurrencyField
from core.problems import ValidationError


class PriceQuerySet(EntityQuerySet["Price"]):
    def during(self, start: datetime, end: datetime) -> Self:
        """Those valid at any instant of [start, end), oldest first."""
        return self.filter(Q(valid_until=None) | Q(valid_until__gt=start), valid_from__lt=end).order_by("meter", "valid_from")

    def current(self) -> Self:
        """Those valid now."""
        at = clock.now()
        return self.filter(Q(valid_until=None) | Q(valid_until__gt=at), valid_from__lte=at).order_by("meter")


class Price(Entity):
    """The price of one meter in a period; at any instant a meter has one price at most.

    Amounts are decimal and may be smaller than a cent. Periods begin and end at full hours, because usage is kept by the hour.
    """

    class Meter(models.TextChoices):
        API_CALLS = "api_calls", _("API calls")
        BYTES_OUT = "bytes_out", _("Data sent, in bytes")
        BYTES_IN = "bytes_in", _("Data received, in bytes")

    id_prefix = "prc"

    meter = models.CharField(_("meter"), max_length=40, choices=Meter)
    name = models.CharField(_("name"), max_length=80, help_text=_("As it stands on invoices."))
    model = models.CharField(
        _("model"), max_length=10, choices=[(model.value, model.value.replace("_", " ")) for model in Model], default="per_unit"
    )
    currency = CurrencyField(_("currency"))
    unit_amount = models.DecimalField(
        _("amount a unit"), max_digits=20, decimal_places=10, null=True, blank=True, validators=[MinValueValidator(Decimal(0))]
    )
    flat_amount = models.DecimalField(
        _("flat amount"), max_digits=20, decimal_places=10, null=True, blank=True, validators=[MinValueValidator(Decimal(0))]
    )
    unit_size = models.BigIntegerField(
        _("size of a unit"), default=1, validators=[MinValueValidator(1)], help_text=_("1000000000 prices bytes by the GB.")
    )
    tiers = models.JSONField(
        _("tiers"),
        default=list,
        blank=True,
        encoder=DjangoJSONEncoder,
        help_text=_('Graduated and volume: [{"up_to": 1000, "unit_amount": "0.01"}, {"up_to": null, "unit_amount": "0.008"}]'),
    )
    valid_from = models.DateTimeField(_("valid from"))
    valid_until = models.DateTimeField(_("valid until"), null=True, blank=True)

    objects: ClassVar = PriceQuerySet.as_manager()

    class Meta:
        verbose_name = _("price")
        ordering = ["meter", "-valid_from"]
        constraints = [
            ExclusionConstraint(
                name="price_one_at_a_time",
                violation_error_message=_("Another price of this meter holds in that time. End that one first."),
                expressions=[
                    ("meter", RangeOperators.EQUAL),
                    (
                        Func(
                            "valid_from",
                            "valid_until",
                            RangeBoundary(),
                            function="TSTZRANGE",
                            output_field=DateTimeRangeField(),
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                ],
            ),
            models.CheckConstraint(
                condition=Q(valid_until__isnull=True) | Q(valid_until__gt=F("valid_from")), name="price_ends_later"
            ),
            models.CheckConstraint(condition=Q(unit_size__gte=1), name="price_unit_size"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def tariff(self) -> Tariff:
        """The price as the pure function of `billing.rating` takes it."""
        return Tariff.read(
            {
                "model": self.model,
                "currency": self.currency,
                "unit_amount": self.unit_amount,
                "flat_amount": self.flat_amount,
                "unit_size": self.unit_size,
                "tiers": self.tiers,
            }
        )

    def clean(self) -> None:
        """What forms check before they save: a readable price, and a period of full hours, changed only in what is to come."""
        try:
            self.tariff  # noqa: B018  (reading it checks it)
        except ValidationError as error:
            raise FormError([found["detail"] for found in error.facts["errors"]]) from error
        stored = Price.objects.filter(pk=self.pk).first()
        for name in ("valid_from", "valid_until"):
            at, before = getattr(self, name), getattr(stored, name, None)
            if at == before:
                continue
            if at is not None and (at.minute, at.second, at.microsecond) != (0, 0, 0):
                raise FormError({name: _("A price begins and ends at a full hour.")})
            if any(instant is not None and instant <= clock.now() for instant in (at, before)):
                raise FormError({name: _("Prices don't change for what was used already. Choose a full hour to come.")})
        if self.valid_from and self.valid_until and self.valid_until <= self.valid_from:
            raise FormError({"valid_until": _("A price ends after it begins.")})

"""From a quantity to an amount: a pure function of a tariff, in decimals, rounded once a line (half to even).

* `flat` costs `flat_amount` once, however much is used.
* `per_unit` costs `unit_amount` for each unit.
* `graduated` prices each part of the quantity by the tier it falls in, as income tax does.
* `volume` prices the whole quantity by the one tier it reaches.
A tier is `{"up_to": 1000 | null, "unit_amount": "0.01", "flat_amount": "0"}`; bounds rise, are inclusive, the last is open.
"""

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation, localcontext
from typing import Any, Self

from django.utils.translation import gettext as _

from core.money import Money, MoneyError, places
from core.problems import ValidationError

LARGEST_QUANTITY = 10**18
LARGEST_AMOUNT = Decimal(10) ** 9
MOST_PLACES = 10
MOST_TIERS = 50
PRECISION = 60


class Model(enum.StrEnum):
    FLAT = "flat"
    PER_UNIT = "per_unit"
    GRADUATED = "graduated"
    VOLUME = "volume"


@dataclass(frozen=True, slots=True)
class Band:
    """One tier: applies up to and with the quantity `up_to`, without end if None."""

    up_to: int | None
    unit_amount: Decimal
    flat_amount: Decimal


@dataclass(frozen=True, slots=True)
class Tariff:
    """A checked price. `per_unit` and `flat` are a single open band, so that only the two ways to use bands are left."""

    model: Model
    currency: str
    bands: tuple[Band, ...]
    unit_size: int = 1

    @classmethod
    def per_unit(cls, unit_amount: Decimal, currency: str) -> Self:
        """So much for each."""
        return cls(Model.PER_UNIT, currency, (Band(None, unit_amount, Decimal(0)),))

    @classmethod
    def read(cls, price: Mapping[str, Any]) -> Self:
        """From the fields of a price. Raises ValidationError that points to what is wrong."""
        errors: dict[str, Any] = {}
        model = _model(price, errors)
        currency = str(price.get("currency") or "USD")
        try:
            places(currency)
        except MoneyError:
            errors["currency"] = [_("Use an ISO 4217 code, such as USD.")]
        size = price.get("unit_size") or 1
        if isinstance(size, bool) or not isinstance(size, int) or size < 1:
            errors["unit_size"] = [_("A whole number from 1.")]
        bands: tuple[Band, ...] = ()
        if model in {Model.GRADUATED, Model.VOLUME}:
            bands = _bands(price.get("tiers"), errors)
        elif model:
            bands = (_single(model, price, errors),)
        if errors or model is None:
            raise ValidationError(errors)
        return cls(model, currency, bands, int(size))

    @property
    def unit_amount(self) -> Decimal | None:
        """The price of a unit where there is just one."""
        return self.bands[0].unit_amount if self.model is Model.PER_UNIT else None


@dataclass(frozen=True, slots=True)
class ChargeLine:
    """A part of the quantity and what it costs, rounded."""

    quantity: int
    unit_amount: Decimal
    flat_amount: Decimal
    amount: Money


def rate(tariff: Tariff, quantity: int) -> list[ChargeLine]:
    """What `quantity` costs, a line for each tier it touches; none for nothing. The total is the sum of the lines."""
    if quantity < 0:
        raise ValueError("quantities count up from zero")
    if quantity == 0:
        return []
    if tariff.model is Model.GRADUATED:
        return _graduated(tariff, quantity)
    band = next(band for band in tariff.bands if band.up_to is None or quantity <= band.up_to)
    return [_line(tariff, band, quantity)]


def total(tariff: Tariff, quantity: int) -> Money:
    """What `quantity` costs altogether."""
    return sum((line.amount for line in rate(tariff, quantity)), Money(0, tariff.currency))


def _graduated(tariff: Tariff, quantity: int) -> list[ChargeLine]:
    lines, below = [], 0
    for band in tariff.bands:
        upper = quantity if band.up_to is None else min(quantity, band.up_to)
        if upper > below:
            lines.append(_line(tariff, band, upper - below))
            below = upper
    return lines


def _line(tariff: Tariff, band: Band, quantity: int) -> ChargeLine:
    with localcontext(prec=PRECISION):
        exact = band.flat_amount + band.unit_amount * quantity / tariff.unit_size
        return ChargeLine(quantity, band.unit_amount, band.flat_amount, Money.rounded(exact, tariff.currency))


def _model(price: Mapping[str, Any], errors: dict[str, Any]) -> Model | None:
    try:
        return Model(price.get("model", ""))
    except ValueError:
        errors["model"] = [_("One of: {models}.").format(models=", ".join(Model))]
        return None


def _single(model: Model, price: Mapping[str, Any], errors: dict[str, Any]) -> Band:
    name = "flat_amount" if model is Model.FLAT else "unit_amount"
    found: dict[str, Any] = {}
    amount = _amount(price, name, found, needed=True)
    errors.update(found)
    if price.get("tiers"):
        errors["tiers"] = [_("Tiers belong to graduated and volume prices.")]
    return Band(None, Decimal(0), amount) if model is Model.FLAT else Band(None, amount, Decimal(0))


def _bands(tiers: object, errors: dict[str, Any]) -> tuple[Band, ...]:
    if not isinstance(tiers, Sequence) or isinstance(tiers, str) or not 1 <= len(tiers) <= MOST_TIERS:
        errors["tiers"] = [_("A list of 1 to {most} tiers.").format(most=MOST_TIERS)]
        return ()
    bands: list[Band] = []
    found: dict[str, Any] = {}
    for index, tier in enumerate(tiers):
        wrong: dict[str, Any] = {}
        if isinstance(tier, Mapping):
            bands.append(_band(tier, bands[-1].up_to if bands else 0, wrong, is_last=index == len(tiers) - 1))
        else:
            wrong["non_field_errors"] = [_("A tier is an object with up_to and unit_amount.")]
        if wrong:
            found[str(index)] = wrong
    if found:
        errors["tiers"] = found
    return tuple(bands)


def _band(tier: Mapping[str, Any], below: int | None, wrong: dict[str, Any], *, is_last: bool) -> Band:
    for name in tier.keys() - {"up_to", "unit_amount", "flat_amount"}:
        wrong[str(name)] = [_("Unknown field.")]
    up_to = tier.get("up_to")
    if is_last:
        if up_to is not None:
            wrong["up_to"] = [_("The last tier is open: leave up_to out or null.")]
    elif isinstance(up_to, bool) or not isinstance(up_to, int) or not (below or 0) < up_to <= LARGEST_QUANTITY:
        wrong["up_to"] = [_("A whole number above the tier before; only the last tier is open.")]
    bound = up_to if isinstance(up_to, int) and not is_last else None
    return Band(bound, _amount(tier, "unit_amount", wrong), _amount(tier, "flat_amount", wrong))


def _amount(source: Mapping[str, Any], name: str, wrong: dict[str, Any], *, needed: bool = False) -> Decimal:
    raw = source.get(name)
    if raw is None and not needed:
        return Decimal(0)
    try:
        if isinstance(raw, bool | float) or raw is None:
            raise InvalidOperation
        amount = Decimal(raw)
        exponent = amount.as_tuple().exponent
        if not isinstance(exponent, int) or not 0 <= amount <= LARGEST_AMOUNT or -exponent > MOST_PLACES:
            raise InvalidOperation
    except (InvalidOperation, TypeError, ValueError):
        wrong[name] = [_('A decimal string of at most {places} places, such as "0.01".').format(places=MOST_PLACES)]
        return Decimal(0)
    return amount

"""Money: a whole number of minor units and a currency (ISO 4217). No floats, no silent rounding."""

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from functools import cache
from typing import Any, Self

from babel.numbers import format_currency, get_currency_precision, get_currency_symbol, is_currency
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _


class MoneyError(ValueError):
    """The text is no amount, or two currencies met."""


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """`minor` units (cents for USD) of `currency`."""

    minor: int
    currency: str

    @classmethod
    def of(cls, amount: str | Decimal | int, currency: str) -> Self:
        """From a decimal amount; raises MoneyError if it has more places than the currency."""
        try:
            scaled = Decimal(amount).scaleb(places(currency))
        except InvalidOperation as error:
            raise MoneyError(f"{amount!r} is no amount") from error
        if not scaled.is_finite() or scaled != scaled.to_integral_value():
            raise MoneyError(f"{amount} has more places than {currency} allows")
        return cls(int(scaled), currency)

    @classmethod
    def rounded(cls, amount: Decimal, currency: str) -> Self:
        """From an exact amount, rounded once, half to even."""
        return cls(int(amount.scaleb(places(currency)).to_integral_value(ROUND_HALF_EVEN)), currency)

    @property
    def amount(self) -> Decimal:
        """The decimal amount, with all its places."""
        return Decimal(self.minor).scaleb(-places(self.currency))

    def as_json(self) -> dict[str, str]:
        """`{"amount": "12.34", "currency": "USD"}`."""
        return {"amount": f"{self.amount:f}", "currency": self.currency}

    def allocate(self, weights: list[int]) -> list["Money"]:
        """Split by weights without losing a cent; the largest remainders get the odd ones."""
        total = sum(weights)
        if total <= 0 or min(weights) < 0:
            raise MoneyError("weights must be positive")
        shares = [divmod(self.minor * weight, total) for weight in weights]
        missing = self.minor - sum(share for share, _ in shares)
        order = sorted(range(len(weights)), key=lambda index: (-shares[index][1], index))
        extra = set(order[:missing])
        return [Money(share + (index in extra), self.currency) for index, (share, _) in enumerate(shares)]

    def __add__(self, other: "Money") -> "Money":
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.minor - self._same(other), self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.minor, self.currency)

    def __mul__(self, times: int) -> "Money":
        return Money(self.minor * times, self.currency)

    def __lt__(self, other: "Money") -> bool:
        return self.minor < self._same(other)

    def __le__(self, other: "Money") -> bool:
        return self.minor <= self._same(other)

    def __bool__(self) -> bool:
        return self.minor != 0

    def __str__(self) -> str:
        return format_currency(self.amount, self.currency, locale="en_US")

    def _same(self, other: "Money") -> int:
        if other.currency != self.currency:
            raise MoneyError(f"{self.currency} and {other.currency} don't add up")
        return other.minor


@cache
def places(currency: str) -> int:
    """How many decimal places a currency has. Raises MoneyError for an unknown one."""
    if not is_currency(currency):
        raise MoneyError(f"{currency!r} is no currency")
    return get_currency_precision(currency)


def _require_known(currency: str) -> None:
    try:
        places(currency)
    except MoneyError as error:
        raise ValidationError(_("Use an ISO 4217 code, such as USD.")) from error


def unit(amount: Decimal, currency: str) -> str:
    """A price of one unit with all its places, at least those of the currency: `$0.005`, `$1.00`."""
    whole = Decimal(amount)
    plain = whole.quantize(Decimal(1)) if whole == whole.to_integral_value() else whole.normalize()
    if -plain.as_tuple().exponent <= places(currency):  # type: ignore[operator]  # a finite number has a number there
        return str(format_currency(plain, currency, locale="en_US"))
    return f"{get_currency_symbol(currency, locale='en_US')}{plain:f}"


class CurrencyField(models.CharField):  # type: ignore[type-arg]  # fields take no types at run time
    """An ISO 4217 code."""

    default_validators = [_require_known]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"max_length": 3, "default": "USD", **kwargs})

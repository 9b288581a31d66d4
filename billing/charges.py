"""What a partner's usage of a month costs, less what was charged for it before.

Quantities are those of `usage`: metered calls in the live environment, by the hour they began in, without those that were
answered with 500 and above. A charge is always the price of the whole month so far, less the lines that invoices have for it
already; so however often a month is closed on the way, no call is charged twice, roundings don't add up, and calls that were
counted late are charged with the next closing.

What is charged: calls of the operator's own API beyond those that the tier includes, where the tier goes on over quota; calls
of installed integrations at the price the consumer agreed to when it installed them; the month's price of the tier, once.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import QuerySet, Sum
from django.utils.translation import gettext as _

from billing import rating
from billing.models import Line, Price
from billing.rating import Tariff
from core.models import Environment
from core.money import Money
from marketplace.models import Installation, Integration
from partners import tiers
from partners.models import Partner, Tier
from usage.models import HourRollup
from usage.periods import Period

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Charge:
    """A position of the next invoice."""

    kind: Line.Kind
    description: str
    quantity: int
    unit_amount: Decimal | None
    amount: Money
    period_start: datetime
    period_end: datetime
    meter: str = ""
    price: Price | None = None
    target: UUID | None = None
    tier: Tier | None = None


@dataclass(frozen=True, slots=True)
class _Slice:
    """A part of the month in which one price held; `key` is how its lines are found again."""

    period: Period
    tariff: Tariff
    quantity: int
    facts: dict[str, Any]

    @property
    def key(self) -> tuple[Any, ...]:
        price: Price | None = self.facts.get("price")
        return self.facts["kind"], price and price.pk, self.facts.get("target"), self.period.start


def outstanding(*, partner: Partner, month: date, until: datetime) -> list[Charge]:
    """Everything that is not charged yet for calls in hours of the month that began before `until`, and for the tier."""
    whole = Period.month(month)
    period = Period(whole.start, min(until, whole.end))
    return [*of_usage(partner=partner, month=month, until=until), *_subscription(partner, period, whole)]


def of_usage(*, partner: Partner, month: date, until: datetime) -> list[Charge]:
    """The same for calls alone."""
    whole = Period.month(month)
    period = Period(whole.start, min(until, whole.end))
    charged = _charged(partner, whole)
    found = [*_own_slices(partner, period), *_integration_slices(partner, period)]
    return [charge for part in found if (charge := _difference(part, *charged.get(part.key, (0, 0))))]


def _difference(part: _Slice, quantity: int, minor: int) -> Charge | None:
    """The slice's price less what was charged; None where there is nothing to charge, or nothing was used since."""
    used = part.quantity - quantity
    amount = rating.total(part.tariff, part.quantity) - Money(minor, part.tariff.currency)
    if used <= 0 or not amount:
        return None
    return Charge(
        quantity=used,
        unit_amount=part.tariff.unit_amount,
        amount=amount,
        period_start=part.period.start,
        period_end=part.period.end,
        **part.facts,
    )


def _charged(partner: Partner, whole: Period) -> dict[tuple[Any, ...], tuple[int, int]]:
    """Quantity and amount that lines have, by slice. Voided invoices count: voiding forgives, it doesn't postpone."""
    lines = Line.objects.filter(invoice__partner=partner, period_start__gte=whole.start, period_start__lt=whole.end)
    sums = lines.order_by().values_list("kind", "price", "target", "period_start").annotate(Sum("quantity"), Sum("amount_minor"))
    return {(kind, price, target, start): (quantity, minor) for kind, price, target, start, quantity, minor in sums}


def _own_slices(partner: Partner, period: Period) -> Iterator[_Slice]:
    terms = _terms(partner, period)
    for price in Price.objects.during(period.start, period.end):
        held = Period(max(period.start, price.valid_from), min(period.end, price.valid_until or period.end))
        if price.meter == Price.Meter.API_CALLS:
            quantity = sum(_beyond_included(partner, period.start, held, *term) for term in terms)
        else:
            quantity = int(_rollups(partner, held).aggregate(sum=Sum(price.meter))["sum"] or 0)
        facts = {"kind": Line.Kind.USAGE, "description": price.name, "meter": price.meter, "price": price}
        yield _Slice(held, price.tariff, quantity, facts)


def _terms(partner: Partner, period: Period) -> list[tuple[Period, Tier]]:
    """The parts of the month in which one tier held, each from the full hour after it was changed to."""
    terms = tiers.held(partner=partner, start=period.start, end=period.end)
    starts = [period.start, *(_next_hour(since) for since, _tier in terms[1:])]
    ends = [*starts[1:], period.end]
    return [(Period(start, end), tier) for start, end, (_since, tier) in zip(starts, ends, terms, strict=True)]


def _beyond_included(partner: Partner, month_start: datetime, held: Period, term: Period, tier: Tier) -> int:
    """Calls beyond the included ones in the part of the month in which both price and tier held; earlier calls use up first."""
    part = Period(max(held.start, term.start), min(held.end, term.end))
    included = _included(tier)
    if included is None or part.end <= part.start:
        return 0
    before = _own_calls(partner, Period(month_start, part.start)) if part.start > month_start else 0
    return max(0, before + _own_calls(partner, part) - included) - max(0, before - included)


def _included(tier: Tier) -> int | None:
    """Calls a month that the tier's own price covers; None for all, also where the gateway stops at the quota."""
    return tier.monthly_quota if tier.over_quota == Tier.OverQuota.CHARGE else None


def _own_calls(partner: Partner, period: Period) -> int:
    return int(_rollups(partner, period).metered_by_integration().get(None, 0))


def _integration_slices(partner: Partner, period: Period) -> Iterator[_Slice]:
    counted = _rollups(partner, period).metered_by_integration()
    called = Integration.objects.filter(pk__in=[target for target in counted if target]).exclude(partner=partner)
    installed = _installed(partner, called, period)
    for integration in called.order_by("pk"):
        for held, tariff in _agreed(installed[integration.pk], period):
            facts = {
                "kind": Line.Kind.INTEGRATION,
                "description": _("{name}: calls").format(name=integration.name),
                "meter": Price.Meter.API_CALLS,
                "target": integration.pk,
            }
            calls = counted[integration.pk] if held == period else _calls_of(partner, integration, held)
            yield _Slice(held, tariff, calls, facts)


def _installed(partner: Partner, called: QuerySet[Integration], period: Period) -> dict[UUID, list[Installation]]:
    """What the consumer agreed to for each of these integrations, oldest first; also in what is left of the period's last hour,
    because its calls are charged whole."""
    rows = Installation.objects.for_caller(partner, Environment.LIVE).filter(integration__in=called)
    found: dict[UUID, list[Installation]] = defaultdict(list)
    for row in rows.filter(installed_at__lt=_next_hour(period.end)).order_by("installed_at"):
        found[row.integration_id].append(row)
    return found


def _agreed(installed: list[Installation], period: Period) -> Iterator[tuple[Period, Tariff]]:
    """The prices the consumer agreed to, each from the full hour after its installation; the first holds from the start."""
    steps: list[tuple[datetime, Decimal, str]] = []
    for row in installed:
        begins = max(period.start, _next_hour(row.installed_at)) if steps else period.start
        if steps and (begins <= period.start or begins == steps[-1][0]):
            steps[-1] = (steps[-1][0], row.price, row.currency)
        elif begins < period.end and (not steps or steps[-1][1:] != (row.price, row.currency)):
            steps.append((begins, row.price, row.currency))
    ends = [*(begins for begins, _price, _currency in steps[1:]), period.end]
    for (begins, price, currency), end in zip(steps, ends, strict=False):
        yield Period(begins, end), Tariff.per_unit(price, currency)


def _calls_of(partner: Partner, integration: Integration, period: Period) -> int:
    return int(_rollups(partner, period).metered_by_integration().get(integration.pk, 0))


def _subscription(partner: Partner, period: Period, whole: Period) -> list[Charge]:
    """The tier's price for the month, with the first closing of the month; nothing for a tier that is free or by contract.

    It is the tier that held last before that closing's instant, so a change in the month after concerns the month after.
    """
    _since, tier = tiers.held(partner=partner, start=period.start, end=period.end)[-1]
    lines = Line.objects.filter(invoice__partner=partner, kind=Line.Kind.SUBSCRIPTION, period_start=whole.start)
    is_customer = partner.status in {Partner.Status.ACTIVE, Partner.Status.SUSPENDED}
    since = partner.activated_at
    if not tier.price or not is_customer or since is None or since >= period.end or lines.exists():
        return []
    return [
        Charge(
            kind=Line.Kind.SUBSCRIPTION,
            description=_("Plan {name}").format(name=tier.name),
            quantity=1,
            unit_amount=tier.price.amount,
            amount=tier.price,
            period_start=whole.start,
            period_end=whole.end,
            tier=tier,
        )
    ]


def _rollups(partner: Partner, period: Period) -> Any:
    """The hours that are charged. An answer of 500 and above is a failure of ours or of the seller's: nobody pays for it."""
    return HourRollup.objects.for_caller(partner, Environment.LIVE).within(period).filter(status__lt=500)


def _next_hour(at: datetime) -> datetime:
    floor = at.replace(minute=0, second=0, microsecond=0)
    return floor if floor == at else floor + HOUR

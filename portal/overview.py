"""How a partner stands, in one look: what its first page and `GET /partner/dashboard` show. The number of questions to the
database is the same for every partner, and calls are counted from rollups."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from django.db.models import Count, Max, Q, Sum

from apikeys.models import Key
from billing import ledger
from billing.ledger import Balance
from billing.models import Earning, Invoice, PayoutAccount
from core import clock, ids
from core.models import Environment
from core.money import Money
from partners.models import Partner
from usage import questions
from usage.periods import Period
from webhooks.models import Delivery, Endpoint

# How long ahead an end is told of, and how far back failures are.
SOON = timedelta(days=14)
LATELY = timedelta(days=7)
# Beyond so many nobody wants to know how many more.
MOST = 1_000

May = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Usage:
    """Calls of this month, of ever, and how much of the month's quota (None: no limit) they are."""

    month: questions.Summary
    ever: int
    quota: int | None

    @property
    def share(self) -> float:
        """Of the quota; 0 where there is no limit."""
        return self.month.metered / self.quota if self.quota else 0.0

    @property
    def tone(self) -> str:
        return "bad" if self.share >= 1 else "warn" if self.share >= 0.8 else ""


@dataclass(frozen=True, slots=True)
class Keys:
    """Credentials of this environment: how many work, and how many of those won't in two weeks."""

    usable: int
    expiring: int
    made: int
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class Webhooks:
    """Endpoints by state, and deliveries that were given up in the last week, at most MOST of them."""

    active: int
    paused: int
    disabled: int
    failed: int

    @property
    def present(self) -> int:
        return self.active + self.paused + self.disabled


@dataclass(frozen=True, slots=True)
class Revenue:
    """What the marketplace earned the partner in one currency."""

    month: Money
    ever: Money


@dataclass(frozen=True, slots=True)
class Finances:
    """Money, for those who may see it. Nothing in the test environment ever earns or costs any."""

    revenue: list[Revenue]
    balances: list[Balance]
    overdue: int
    has_payout_account: bool

    @property
    def is_owed(self) -> bool:
        """Whether there is anything that will be paid out."""
        return any(each.available.minor > 0 or each.pending.minor > 0 for each in self.balances)


@dataclass(frozen=True, slots=True)
class Overview:
    """All of it; `finances` is None for whoever may not see money."""

    usage: Usage
    keys: Keys
    webhooks: Webhooks
    finances: Finances | None

    @classmethod
    def of(cls, partner: Partner, environment: str, may: May) -> Self:
        """As it is now; `may` answers whether whoever asks has a permission."""
        return cls(
            usage=_usage(partner, environment),
            keys=_keys(partner, environment),
            webhooks=_webhooks(partner, environment),
            finances=_finances(partner, environment) if may("billing:read") else None,
        )


def _usage(partner: Partner, environment: str) -> Usage:
    month = Period.this_month()
    summary = questions.summary(partner, environment, month)
    before = questions.requests_before(partner, environment, month.start)
    return Usage(summary, before + summary.requests, partner.tier.monthly_quota)


def _keys(partner: Partner, environment: str) -> Keys:
    now = clock.now()
    works = Q(status=Key.Status.ACTIVE) & (Q(expires_at=None) | Q(expires_at__gt=now))
    found = Key.objects.for_caller(partner, environment).aggregate(
        usable=Count("pk", filter=works),
        expiring=Count("pk", filter=works & Q(expires_at__lte=now + SOON, successor=None)),
        made=Count("pk"),
        last_used_at=Max("last_used_at"),
    )
    return Keys(**found)


def _webhooks(partner: Partner, environment: str) -> Webhooks:
    states = Endpoint.objects.for_caller(partner, environment).aggregate(
        active=Count("pk", filter=Q(status=Endpoint.Status.ACTIVE)),
        paused=Count("pk", filter=Q(status=Endpoint.Status.PAUSED)),
        disabled=Count("pk", filter=Q(status=Endpoint.Status.DISABLED)),
    )
    lost = Delivery.objects.for_caller(partner, environment).filter(
        status=Delivery.Status.FAILED, pk__gte=ids.earliest(clock.now() - LATELY)
    )
    return Webhooks(**states, failed=lost[:MOST].count())


def _finances(partner: Partner, environment: str) -> Finances:
    month = Period.this_month()
    sums = (
        Earning.objects.for_caller(partner, environment)
        .order_by("currency")
        .values_list("currency")
        .annotate(lately=Sum("amount_minor", filter=Q(created_at__gte=month.start)), ever=Sum("amount_minor"))
    )
    revenue = [Revenue(Money(lately or 0, currency), Money(ever, currency)) for currency, lately, ever in sums]
    live = environment == Environment.LIVE
    return Finances(
        revenue=revenue or [Revenue(Money(0, "USD"), Money(0, "USD"))],
        balances=ledger.balances(partner) if live else ledger.nothing(),
        overdue=Invoice.objects.for_caller(partner, environment).filter(status=Invoice.Status.OVERDUE).count(),
        has_payout_account=PayoutAccount.objects.for_caller(partner, environment).exists(),
    )


def checklist_done(overview: Overview) -> dict[str, bool]:
    """What every new partner does once in an environment, and whether it has."""
    return {
        "key": overview.keys.made > 0,
        "call": overview.usage.ever > 0,
        "webhook": overview.webhooks.present > 0,
    }

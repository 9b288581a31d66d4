"""Closing a month: its usage becomes invoices.

A closing belongs to a partner, a month and an instant `until`. A month that is over is closed until its end. With `as_of` it is
closed up to that instant, so that it can be done any day: what is charged are the calls of hours begun before it. A partner's
closings of a month only go forward: one up to an instant that is covered already changes nothing. Each takes what is new
since the ones before it (`billing.charges`), and what was counted late for the month before.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from billing import charges, invoices, runs
from billing.charges import Charge
from billing.models import Closing, Invoice
from core import clock
from core.actors import Actor
from core.problems import ValidationError
from partners.models import Partner
from usage.periods import Period


@dataclass(frozen=True, slots=True)
class Closed:
    """A month of one partner or all, as it is invoiced up to `until`: closed for `done` of `partners` so far."""

    month: date
    until: datetime
    partners: int
    done: int
    invoices: list[Invoice]

    @property
    def is_whole(self) -> bool:
        return self.done == self.partners


def close(
    *, month: date, by: Actor, partner: Partner | None = None, as_of: datetime | None = None, within: timedelta | None = None
) -> Closed:
    """Close a month for one partner or for all, and give its invoices up to that instant, new and old.

    A transaction for each partner: what broke off, or wasn't done `within` the time, goes on with the next call, and nothing is
    done twice. Raises ValidationError for a month that has not begun, or for one that still runs without `as_of`; an `as_of` to
    come means now. Where partners fail, the others are closed all the same; then `runs.each` raises.
    """
    until = _until(month, as_of)
    owners = Partner.objects.filter(pk=partner.pk) if partner else Partner.objects.filter(activated_at__lt=until)
    covered = Closing.objects.filter(month=month, until__gte=until)
    left = list(owners.exclude(pk__in=covered.values("partner")).order_by("pk"))
    count = owners.count()

    def turn(owner: Partner) -> None:
        close_partner(partner=owner, month=month, until=until, by=by)

    done = count - len(left) + runs.each(left, turn, run=f"close {month:%Y-%m}", within=within)
    made = Invoice.objects.issued().filter(closing__month=month, closing__until__lte=until)
    if partner:
        made = made.filter(partner=partner)
    rows = made.select_related("partner", "closing").prefetch_related("lines__invoice").order_by("pk")
    return Closed(month, until, count, done, list(rows))


@transaction.atomic
def close_partner(*, partner: Partner, month: date, until: datetime, by: Actor) -> None:
    """One partner's part of `close`. Closings wait for each other."""
    _lock()
    partner = Partner.objects.select_related("tier").get(pk=partner.pk)  # as it is now
    past = Closing.objects.filter(partner=partner, month=month)
    if past.filter(until__gte=until).exists():
        return
    latest = past.order_by("-until").first()
    closing = Closing.objects.create(partner=partner, month=month, until=until)
    found = [
        *_late(partner, month),
        *charges.outstanding(partner=partner, month=month, until=until),
    ]
    start = latest.until if latest else Period.month(month).start
    for currency, some in _by_currency(found):
        invoices.issue(invoice=invoices.draft(closing=closing, charges=some, currency=currency, period_start=start), by=by)


def _late(partner: Partner, month: date) -> list[Charge]:
    """What was counted for the month before after that month had been closed to its end."""
    before = Period.month(month - timedelta(days=1))
    closed = Closing.objects.filter(partner=partner, month=before.start.date(), until=before.end).exists()
    return charges.of_usage(partner=partner, month=before.start.date(), until=before.end) if closed else []


def _by_currency(found: list[Charge]) -> Iterator[tuple[str, list[Charge]]]:
    """The charges of each currency that come to more than nothing. Where a volume price fell below what was charged before, the
    difference waits for the month's next closing."""
    grouped: dict[str, list[Charge]] = defaultdict(list)
    for charge in found:
        grouped[charge.amount.currency].append(charge)
    for currency, some in sorted(grouped.items()):
        if sum(charge.amount.minor for charge in some) > 0:
            yield currency, some


def _until(month: date, as_of: datetime | None) -> datetime:
    now, period = clock.now(), Period.month(month)
    if as_of is None and period.end > now:
        raise ValidationError({"month": [_("This month is not over. Pass as_of to close it up to an instant.")]})
    until = min(as_of or period.end, period.end, now)
    if until <= period.start:
        raise ValidationError({"as_of" if as_of else "month": [_("That is before the month begins.")]})
    return until


def _lock() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('billing:closing', 0))")

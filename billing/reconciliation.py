"""Proof that the ledger is right: what each transaction and each account holds against what the documents say.

Two things are compared. Every transaction must have its entries and sum to zero in each currency. And the balance of every
account must be what follows from invoices, payments, earnings and payouts alone, without looking at the ledger:

* receivable of a partner: its open and overdue invoices
* cash: payments less payouts that were paid
* revenue: lines of issued invoices, without voided ones and without calls of integrations
* marketplace fees: the fees of the sales on such invoices
* earnings in hold, earnings available, payouts in transit of a partner: the rows in that state
* bad debt: invoices written off, less the earnings that were reversed with them
Every document also has its transactions, once; that is a unique constraint.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Sum

from billing.ledger import Kind
from billing.models import Account, Earning, Invoice, Line, Payment, Payout, Transaction
from core import ids
from core.money import Money

Owner = tuple[str, UUID | None, str]
UNBALANCED = """
SELECT t.id, coalesce(a.currency, ''), coalesce(sum(e.amount_minor), 0), t.entry_count, count(e.id)
FROM billing_transaction t
LEFT JOIN billing_entry e ON e.transaction_id = t.id LEFT JOIN billing_account a ON a.id = e.account_id
GROUP BY t.id, a.currency
HAVING coalesce(sum(e.amount_minor), 0) <> 0 OR count(e.id) = 0
    OR t.entry_count <> (SELECT count(*) FROM billing_entry WHERE transaction_id = t.id)
ORDER BY t.id
"""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is wrong: a transaction, or an account whose balance is not what the documents say."""

    what: str
    currency: str
    ledger: Money
    documents: Money
    partner_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """What was looked at and what was found."""

    transactions: int
    accounts: int
    differences: list[Difference]

    @property
    def balanced(self) -> bool:
        return not self.differences


def check() -> Report:
    """Recompute everything, in one snapshot of the database. Reads only."""
    with transaction.atomic():
        if len(connection.savepoint_ids) == 0:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        booked, due = _booked(), _due()
        differences = [*_crooked(), *(_difference(owner, booked, due) for owner in sorted(booked.keys() | due.keys(), key=str))]
        return Report(
            transactions=Transaction.objects.count(),
            accounts=Account.objects.count(),
            differences=[found for found in differences if found is not None],
        )


def _crooked() -> Iterable[Difference]:
    with connection.cursor() as cursor:
        cursor.execute(UNBALANCED)
        for key, currency, minor, _expected, _counted in cursor.fetchall():
            money = currency or "USD"
            yield Difference(ids.encode(Transaction.id_prefix, key), money, Money(int(minor), money), Money(0, money))


def _difference(owner: Owner, booked: dict[Owner, int], due: dict[Owner, int]) -> Difference | None:
    kind, partner_id, currency = owner
    if booked.get(owner, 0) == due.get(owner, 0):
        return None
    return Difference(kind, currency, Money(booked.get(owner, 0), currency), Money(due.get(owner, 0), currency), partner_id)


def _booked() -> dict[Owner, int]:
    rows = Account.objects.order_by().values_list("kind", "partner_id", "currency").annotate(sum=Sum("entries__amount_minor"))
    return {(kind, partner, currency): minor or 0 for kind, partner, currency, minor in rows}


def _due() -> dict[Owner, int]:
    """The balance of each account, from the documents; debits positive."""
    due: dict[Owner, int] = defaultdict(int)
    counted = Invoice.objects.exclude(status__in=[Invoice.Status.DRAFT, Invoice.Status.VOID])
    sales = Earning.objects.filter(kind=Earning.Kind.MARKETPLACE_SALE)
    written_off = counted.filter(status=Invoice.Status.UNCOLLECTIBLE)
    own_lines = Line.objects.filter(invoice__in=counted).exclude(kind=Line.Kind.INTEGRATION)
    fees = sales.filter(line__invoice__in=counted)
    reversed_with_it = sales.filter(line__invoice__in=written_off, status=Earning.Status.REVERSED)

    _add(due, Kind.RECEIVABLE, counted.unpaid(), "total_minor", of_partner=True)
    _add(due, Kind.CASH, Payment.objects.all(), "amount_minor")
    _add(due, Kind.CASH, Payout.objects.filter(status=Payout.Status.PAID), "amount_minor", sign=-1)
    _add(due, Kind.REVENUE, own_lines, "amount_minor", sign=-1, currency="invoice__currency")
    _add(due, Kind.MARKETPLACE_FEES, fees, "fee_minor", sign=-1)
    for kind, status in ((Kind.EARNINGS_PENDING, Earning.Status.PENDING), (Kind.EARNINGS_AVAILABLE, Earning.Status.AVAILABLE)):
        _add(due, kind, Earning.objects.filter(status=status), "amount_minor", sign=-1, of_partner=True)
    _add(due, Kind.PAYOUTS_IN_TRANSIT, Payout.objects.unsettled(), "amount_minor", sign=-1, of_partner=True)
    _add(due, Kind.BAD_DEBT, written_off, "total_minor")
    _add(due, Kind.BAD_DEBT, reversed_with_it, "amount_minor", sign=-1)
    return due


def _add(
    due: dict[Owner, int],
    kind: Account.Kind,
    rows: Any,
    field: str,
    *,
    sign: int = 1,
    of_partner: bool = False,
    currency: str = "currency",
) -> None:
    names = [currency, *(["partner_id"] if of_partner else [])]
    for code, *owner, minor in rows.order_by().values_list(*names).annotate(sum=Sum(field)):
        due[kind, owner[0] if owner else None, code] += sign * int(minor)

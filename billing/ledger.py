"""Double-entry bookkeeping: every movement of money is one transaction whose entries sum to zero.

The database refuses an unbalanced transaction and every change of a committed one (migration 0002). A correction is a
further transaction. Debits are positive, credits negative; so what the platform owes has a negative balance.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Sum

from billing.models import Account, Entry, Transaction
from core.models import Entity
from core.money import Money

Kind = Account.Kind


@dataclass(frozen=True, slots=True)
class Posting:
    """Money onto (positive) or off (negative) one account; `partner` for the kinds of account that partners have."""

    kind: Account.Kind
    money: Money
    partner_id: UUID | None = None


def debit(kind: Account.Kind, money: Money, partner: Any = None) -> Posting:
    """More of what we have, or less of what we owe."""
    return Posting(kind, money, getattr(partner, "pk", partner))


def credit(kind: Account.Kind, money: Money, partner: Any = None) -> Posting:
    """Less of what we have, or more of what we owe."""
    return Posting(kind, -money, getattr(partner, "pk", partner))


@transaction.atomic
def post(*, kind: Transaction.Kind, source: Entity, postings: Iterable[Posting]) -> Transaction:
    """Book one movement, once: a second call for the same kind and source changes nothing and gives the first.

    Postings to one account are added up, and nothings left out. Raises ValueError if they don't sum to zero in each currency, or
    if nothing moves.
    """
    amounts = _added(postings)
    booked = Transaction(kind=kind, source=source.public_id, entry_count=len(amounts))
    Transaction.objects.bulk_create([booked], ignore_conflicts=True)
    if not Transaction.objects.filter(pk=booked.pk).exists():
        return Transaction.objects.get(kind=kind, source=source.public_id)
    Entry.objects.bulk_create(
        Entry(transaction=booked, account=_account(kind, partner_id, currency), amount_minor=minor)
        for (kind, partner_id, currency), minor in amounts.items()
    )
    return booked


@dataclass(frozen=True, slots=True)
class Balance:
    """Where a partner stands in one currency."""

    currency: str
    owed: Money
    pending: Money
    available: Money
    in_transit: Money


def nothing(currency: str = "USD") -> list[Balance]:
    """The balance of whoever can have none: a test environment, or a partner before its first movement."""
    zero = Money(0, currency)
    return [Balance(currency, owed=zero, pending=zero, available=zero, in_transit=zero)]


def balances(partner: Any) -> list[Balance]:
    """What a partner owes and is owed, a row for each currency; one row of zeros where nothing has moved yet."""
    sums: dict[str, dict[str, int]] = defaultdict(dict)
    rows = Account.objects.filter(partner=partner).values_list("currency", "kind").annotate(sum=Sum("entries__amount_minor"))
    for currency, kind, minor in rows:
        sums[currency][kind] = minor or 0
    standing = [
        Balance(
            currency,
            owed=Money(found.get(Kind.RECEIVABLE, 0), currency),
            pending=Money(-found.get(Kind.EARNINGS_PENDING, 0), currency),
            available=Money(-found.get(Kind.EARNINGS_AVAILABLE, 0), currency),
            in_transit=Money(-found.get(Kind.PAYOUTS_IN_TRANSIT, 0), currency),
        )
        for currency, found in sorted(sums.items())
    ]
    return standing or nothing()


def _added(postings: Iterable[Posting]) -> dict[tuple[Account.Kind, UUID | None, str], int]:
    amounts: dict[tuple[Account.Kind, UUID | None, str], int] = defaultdict(int)
    sums: dict[str, int] = defaultdict(int)
    for posting in postings:
        amounts[posting.kind, posting.partner_id, posting.money.currency] += posting.money.minor
        sums[posting.money.currency] += posting.money.minor
    if any(sums.values()):
        raise ValueError(f"a transaction sums to zero in each currency, not to {dict(sums)}")
    # always in the same order, so that two who make the same accounts wait for each other and don't lock each other out
    moved = {owner: amounts[owner] for owner in sorted(amounts, key=str) if amounts[owner]}
    if not moved:
        raise ValueError("nothing moves")
    return moved


def _account(kind: Account.Kind, partner_id: UUID | None, currency: str) -> Account:
    owner: Any = {"kind": kind, "partner_id": partner_id, "currency": currency}
    return Account.objects.get_or_create(**owner)[0]

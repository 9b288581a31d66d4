"""From available earnings to money on the partner's account; never twice.

An earning is in one payout at most, by constraint. A payout moves along its states by compare-and-swap, and each step books
its own ledger transaction, which is unique too. A failed payout gives its earnings back; the next run takes them up.
"""

import json
import re
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from billing import earnings, ledger, processors, runs
from billing.event_types import PAYOUT_ACCOUNT_CHANGED, PAYOUT_APPROVED, PAYOUT_CREATED, PAYOUT_FAILED, PAYOUT_HELD, PAYOUT_PAID
from billing.ledger import Kind, credit, debit
from billing.models import Earning, Payout, PayoutAccount, PayoutItem, Transaction
from core import clock, events
from core.actors import Actor
from core.events import EventType
from core.models import Environment
from core.money import Money
from core.problems import Conflict, ValidationError
from core.states import StaleState, transition
from partners.models import Partner

IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}\Z")
NUMBER = re.compile(r"[A-Z0-9]{4,34}\Z")
CODE = re.compile(r"[A-Z0-9]{1,20}\Z")

NO_ACCOUNT = "no_payout_account"
BELOW_MINIMUM = "below_minimum"
NOT_ACTIVE = "partner_not_active"
NOT_VERIFIED = "verification_required"


class Suspended(Conflict):
    detail = _("This partner is suspended. Hold the payout until that is decided.")


@dataclass(frozen=True, slots=True)
class Skipped:
    """Money that stays available, and why: one of the reasons above."""

    partner: Partner
    amount: Money
    reason: str


@dataclass(frozen=True, slots=True)
class Run:
    """What a run did."""

    matured: int
    payouts: list[Payout] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)


def run(*, by: Actor, as_of: datetime | None = None, partner: Partner | None = None) -> Run:
    """Make available what has passed its hold at `as_of` (now), and a payout for each partner whose sum reaches the minimum.

    Each partner is a transaction of its own, so a run that breaks off is taken up by the next. Where partners fail, the others
    are paid all the same; then `runs.each` raises.
    """
    done = Run(matured=earnings.mature(at=as_of or clock.now(), partner=partner))
    waiting = Earning.objects.payable().filter(**({"partner": partner} if partner else {}))
    owners = Partner.objects.filter(pk__in=waiting.order_by().values("partner").distinct()).order_by("pk")
    runs.each(list(owners), lambda owner: _pay_out(owner, by, done), run="payouts")
    return done


@transaction.atomic
def _pay_out(partner: Partner, by: Actor, done: Run) -> None:
    _lock(partner)
    by_currency: dict[str, list[Earning]] = defaultdict(list)
    for earning in Earning.objects.payable().filter(partner=partner).select_for_update().order_by("pk"):
        by_currency[earning.currency].append(earning)
    account = PayoutAccount.objects.for_caller(partner, Environment.LIVE).first()
    for currency, found in by_currency.items():
        amount = sum((earning.amount for earning in found), Money(0, currency))
        reason = _reason_to_wait(partner, account, amount)
        if reason or account is None:
            done.skipped.append(Skipped(partner, amount, reason or NO_ACCOUNT))
        else:
            done.payouts.append(_create(partner, account, amount, found, by))


def _reason_to_wait(partner: Partner, account: PayoutAccount | None, amount: Money) -> str | None:
    if partner.status != Partner.Status.ACTIVE:
        return NOT_ACTIVE
    if partner.verified_at is None:
        return NOT_VERIFIED
    if amount.minor <= 0 or amount < Money.of(settings.PAYOUT_MINIMUM, amount.currency):
        return BELOW_MINIMUM
    return None if account else NO_ACCOUNT


def _create(partner: Partner, account: PayoutAccount, amount: Money, found: list[Earning], by: Actor) -> Payout:
    payout = Payout.objects.create(
        partner=partner,
        environment=Environment.LIVE,
        amount_minor=amount.minor,
        currency=amount.currency,
        processor=processors.MANUAL.name,
        destination=json.dumps(
            {
                "method": account.method,
                "holder": account.holder,
                "account_number": account.account_number,
                "bank_code": account.bank_code,
                "country": account.country,
            }
        ),
        destination_hint=str(account),
    )
    PayoutItem.objects.bulk_create(PayoutItem(payout=payout, earning=earning) for earning in found)
    _move(found, Earning.Status.AVAILABLE, Earning.Status.IN_PAYOUT)
    postings = [debit(Kind.EARNINGS_AVAILABLE, amount, partner), credit(Kind.PAYOUTS_IN_TRANSIT, amount, partner)]
    ledger.post(kind=Transaction.Kind.PAYOUT_CREATED, source=payout, postings=postings)
    _tell(PAYOUT_CREATED, payout, by)
    return payout


@transaction.atomic
def approve(*, payout: Payout, by: Actor) -> None:
    """Let it go out. Raises StaleState unless it waits for approval or is held, Suspended while its partner is suspended."""
    if Partner.objects.filter(pk=payout.partner_id, status=Partner.Status.SUSPENDED).exists():
        raise Suspended()
    transition(payout, Payout.Status.APPROVED, approved_at=clock.now(), status_reason="")
    _tell(PAYOUT_APPROVED, payout, by)


@transaction.atomic
def hold(*, payout: Payout, reason: str, by: Actor) -> None:
    """Keep it back until it is approved anew. Raises StaleState once it is settled."""
    transition(payout, Payout.Status.HELD, status_reason=reason)
    _tell(PAYOUT_HELD, payout, by)


@transaction.atomic
def mark_paid(*, payout: Payout, by: Actor, reference: str = "") -> None:
    """The transfer was made. Raises StaleState unless it is approved."""
    transition(payout, Payout.Status.PAID, settled_at=clock.now(), reference=reference)
    postings = [debit(Kind.PAYOUTS_IN_TRANSIT, payout.amount, payout.partner_id), credit(Kind.CASH, payout.amount)]
    ledger.post(kind=Transaction.Kind.PAYOUT_PAID, source=payout, postings=postings)
    _move(_bound(payout), Earning.Status.IN_PAYOUT, Earning.Status.PAID)
    _tell(PAYOUT_PAID, payout, by)


@transaction.atomic
def mark_failed(*, payout: Payout, reason: str, by: Actor) -> None:
    """The transfer did not arrive: its money is available again, for the next run. Raises StaleState unless it is approved."""
    transition(payout, Payout.Status.FAILED, settled_at=clock.now(), status_reason=reason)
    owner = payout.partner_id
    postings = [debit(Kind.PAYOUTS_IN_TRANSIT, payout.amount, owner), credit(Kind.EARNINGS_AVAILABLE, payout.amount, owner)]
    ledger.post(kind=Transaction.Kind.PAYOUT_FAILED, source=payout, postings=postings)
    _move(_bound(payout), Earning.Status.IN_PAYOUT, Earning.Status.AVAILABLE)
    payout.items.update(is_released=True)
    _tell(PAYOUT_FAILED, payout, by)


@transaction.atomic
def set_account(
    *, partner: Partner, environment: str, holder: str, account_number: str, bank_code: str, country: str, by: Actor
) -> PayoutAccount:
    """Where future payouts go. Payouts that were already made keep their destination.

    Raises ValidationError for what is no number or code, and for an IBAN (ISO 13616) whose check digits are wrong.
    """
    number, code = (_compact(text) for text in (account_number, bank_code))
    if not NUMBER.match(number):
        raise ValidationError({"account_number": [_("Give 4 to 34 letters and digits; spaces and hyphens don't matter.")]})
    if code and not CODE.match(code):
        raise ValidationError({"bank_code": [_("Give letters and digits, 20 at most.")]})
    if IBAN.match(number) and not _checks_out(number):
        raise ValidationError({"account_number": [_("This IBAN has a typing error: its check digits don't fit.")]})
    account, _made = PayoutAccount.objects.update_or_create(
        partner=partner,
        environment=environment,
        defaults={
            "method": PayoutAccount.Method.MANUAL,
            "holder": holder,
            "account_number": number,
            "bank_code": code,
            "country": country,
            "hint": f"…{number[-4:]}",
        },
    )
    data = {"payout_account_id": account.public_id, "hint": account.hint}
    events.emit(type=PAYOUT_ACCOUNT_CHANGED, partner=partner, environment=environment, subject=account, actor=by, data=data)
    return account


def _compact(text: str) -> str:
    return "".join(text.replace("-", "").split()).upper()


def _checks_out(iban: str) -> bool:
    """ISO 7064, mod 97-10: the first four characters moved to the end, letters as numbers from 10."""
    return int("".join(str(int(letter, 36)) for letter in iban[4:] + iban[:4])) % 97 == 1


def _bound(payout: Payout) -> list[Earning]:
    rows = Earning.objects.filter(payout_items__payout=payout, payout_items__is_released=False)
    return list(rows.select_for_update(of=("self",)).order_by("pk"))


def _move(found: list[Earning], before: Earning.Status, after: Earning.Status) -> None:
    moved = Earning.objects.filter(pk__in=[earning.pk for earning in found], status=before).update(status=after)
    if moved != len(found):
        raise StaleState()


def _lock(partner: Partner) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"billing:payout:{partner.pk}"])


def _tell(type: EventType, payout: Payout, by: Actor) -> None:
    data: dict[str, Any] = {
        "payout_id": payout.public_id,
        "status": payout.status,
        "amount": payout.amount.as_json(),
        "reason": payout.status_reason,
    }
    events.emit(type=type, partner=payout.partner_id, environment=payout.environment, subject=payout, actor=by, data=data)

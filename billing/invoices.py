"""From charges to money: draft, issue with the next number, paid, overdue, voided, written off."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from billing import earnings, ledger, processors
from billing.charges import Charge
from billing.event_types import INVOICE_ISSUED, INVOICE_OVERDUE, INVOICE_PAID, INVOICE_UNCOLLECTIBLE, INVOICE_VOIDED
from billing.ledger import Kind, Posting, credit, debit
from billing.models import Closing, Counter, Earning, Invoice, Line, Payment, Transaction
from core import clock, events
from core.actors import SYSTEM, Actor
from core.events import EventType
from core.models import Environment
from core.money import Money
from core.states import StaleState, transition


@transaction.atomic
def draft(*, closing: Closing, charges: Sequence[Charge], currency: str, period_start: datetime) -> Invoice:
    """An invoice without a number, for charges of one currency that come to more than nothing."""
    invoice = Invoice.objects.create(
        partner=closing.partner,
        environment=Environment.LIVE,
        closing=closing,
        currency=currency,
        total_minor=sum(charge.amount.minor for charge in charges),
        period_start=period_start,
        period_end=closing.until,
    )
    Line.objects.bulk_create(
        Line(
            invoice=invoice,
            kind=charge.kind,
            description=charge.description,
            meter=charge.meter,
            price=charge.price,
            target=charge.target,
            tier=charge.tier,
            quantity=charge.quantity,
            unit_amount=charge.unit_amount,
            amount_minor=charge.amount.minor,
            period_start=charge.period_start,
            period_end=charge.period_end,
        )
        for charge in charges
    )
    return invoice


@transaction.atomic
def issue(*, invoice: Invoice, by: Actor = SYSTEM) -> None:
    """Give a draft the next number, book it, and credit the sellers in it. Raises StaleState unless it is a draft."""
    now = clock.now()
    due_at = now + timedelta(days=settings.INVOICE_DUE_DAYS)
    transition(invoice, Invoice.Status.OPEN, number=_next_number(now), issued_at=now, due_at=due_at)
    made = earnings.create(invoice=invoice)
    postings = [debit(Kind.RECEIVABLE, invoice.total, invoice.partner), *_income(invoice, made, ledger.credit)]
    ledger.post(kind=Transaction.Kind.INVOICE_ISSUED, source=invoice, postings=postings)
    _tell(INVOICE_ISSUED, invoice, by, due_at=due_at.isoformat())


@transaction.atomic
def mark_paid(*, invoice: Invoice, by: Actor, reference: str = "") -> Payment:
    """The whole amount has come in. Raises StaleState unless it is open or overdue."""
    now = clock.now()
    transition(invoice, Invoice.Status.PAID, paid_at=now)
    payment = Payment.objects.create(
        invoice=invoice,
        amount_minor=invoice.total_minor,
        currency=invoice.currency,
        processor=processors.MANUAL.name,
        reference=reference,
        received_at=now,
    )
    postings = [debit(Kind.CASH, invoice.total), credit(Kind.RECEIVABLE, invoice.total, invoice.partner)]
    ledger.post(kind=Transaction.Kind.INVOICE_PAID, source=invoice, postings=postings)
    _tell(INVOICE_PAID, invoice, by, payment_id=payment.public_id)
    events.emit(
        type=events.TYPES["payment.processed"],
        partner=invoice.partner_id,
        environment=invoice.environment,
        subject=payment,
        actor=by,
        data={"payment_id": payment.public_id, **payment.amount.as_json(), "invoice_id": invoice.public_id},
    )
    return payment


@transaction.atomic
def void(*, invoice: Invoice, reason: str, by: Actor) -> None:
    """Nothing is owed for it any more, and its charges aren't made again; what sellers earned by it is taken back.

    Raises StaleState unless it is open or overdue.
    """
    transition(invoice, Invoice.Status.VOID, closed_reason=reason)
    sold = list(earnings.of_invoice(invoice).select_for_update())
    postings = [credit(Kind.RECEIVABLE, invoice.total, invoice.partner), *_income(invoice, sold, ledger.debit)]
    for earning in sold:
        earnings.take_back(earning=earning, by=by)
    ledger.post(kind=Transaction.Kind.INVOICE_VOIDED, source=invoice, postings=postings)
    _tell(INVOICE_VOIDED, invoice, by, reason=reason)


@transaction.atomic
def write_off(*, invoice: Invoice, reason: str, by: Actor) -> None:
    """Its money will not come: earnings still in hold are taken back, the rest is the platform's loss.

    Raises StaleState unless it is open or overdue.
    """
    transition(invoice, Invoice.Status.UNCOLLECTIBLE, closed_reason=reason)
    in_hold = list(earnings.of_invoice(invoice).filter(status=Earning.Status.PENDING).select_for_update())
    shared = sum((earning.amount for earning in in_hold), Money(0, invoice.currency))
    postings = [
        credit(Kind.RECEIVABLE, invoice.total, invoice.partner),
        debit(Kind.BAD_DEBT, invoice.total - shared),
        *(debit(Kind.EARNINGS_PENDING, earning.amount, earning.partner_id) for earning in in_hold),
    ]
    for earning in in_hold:
        earnings.take_back(earning=earning, by=by)
    ledger.post(kind=Transaction.Kind.INVOICE_WRITTEN_OFF, source=invoice, postings=postings)
    _tell(INVOICE_UNCOLLECTIBLE, invoice, by, reason=reason)


def mark_overdue() -> int:
    """Mark every open invoice whose due date has passed; returns how many."""
    marked = 0
    for invoice in Invoice.objects.past_due(clock.now()).order_by("pk").iterator():
        with transaction.atomic():
            try:
                transition(invoice, Invoice.Status.OVERDUE)
            except StaleState:  # paid or voided a moment ago
                continue
            _tell(INVOICE_OVERDUE, invoice, SYSTEM)
            marked += 1
    return marked


def _income(invoice: Invoice, sold: Sequence[Earning], side: Any) -> list[Posting]:
    """The other side of the receivable: sellers' shares, our fees on them, and the rest, which is our revenue."""
    nothing = Money(0, invoice.currency)
    gross, fees = (sum((getattr(earning, name) for earning in sold), nothing) for name in ("gross", "fee"))
    return [
        side(Kind.REVENUE, invoice.total - gross),
        side(Kind.MARKETPLACE_FEES, fees),
        *(side(earnings.account_kind(earning), earning.amount, earning.partner_id) for earning in sold),
    ]


def _next_number(at: datetime) -> str:
    """The next of the year's series; the counter's row stays locked until the transaction that uses the number ends."""
    series = f"{at:%Y}"
    Counter.objects.get_or_create(series=series)
    counter = Counter.objects.select_for_update().get(series=series)
    counter.last += 1
    counter.save(update_fields=["last"])
    return f"{series}-{counter.last:06d}"


def _tell(type: EventType, invoice: Invoice, by: Actor, **facts: Any) -> None:
    data = {
        "invoice_id": invoice.public_id,
        "number": invoice.number,
        "status": invoice.status,
        "total": invoice.total.as_json(),
        **facts,
    }
    events.emit(type=type, partner=invoice.partner_id, environment=invoice.environment, subject=invoice, actor=by, data=data)

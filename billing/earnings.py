"""What sellers get: created with the invoice, held, then available; taken back when the sale is undone."""

from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from billing import ledger
from billing.event_types import EARNING_AVAILABLE, EARNING_CREATED, EARNING_REVERSED
from billing.ledger import Kind, credit, debit
from billing.models import Account, Earning, Invoice, Line, Transaction
from core import clock, events
from core.actors import SYSTEM, Actor
from core.events import EventType
from core.money import Money
from core.states import transition
from marketplace.models import Integration
from partners.models import Partner

BATCH = 500


def split(price: Money, rate: Decimal) -> tuple[Money, Money]:
    """The platform's fee (rounded half to even) and the seller's share; together exactly the price."""
    fee = Money.rounded(price.amount * rate, price.currency)
    return fee, price - fee


def create(*, invoice: Invoice) -> list[Earning]:
    """The sellers' earnings of an invoice that is being issued, in hold. They are booked by the invoice's own transaction."""
    lines = list(invoice.lines.filter(kind=Line.Kind.INTEGRATION))
    sellers = _sellers(lines)
    available_at = clock.now() + timedelta(days=settings.PAYOUT_HOLD_DAYS)
    made = [_of_sale(line, invoice, sellers[line.target], available_at) for line in lines if line.target]
    Earning.objects.bulk_create(made)
    for earning in made:
        _tell(EARNING_CREATED, earning, SYSTEM, available_at=available_at.isoformat())
    return made


def of_invoice(invoice: Invoice) -> QuerySet[Earning]:
    """The earnings that its lines made."""
    return Earning.objects.filter(line__invoice=invoice, kind=Earning.Kind.MARKETPLACE_SALE).order_by("pk")


def account_kind(earning: Earning) -> Account.Kind:
    """Where its money stands or, once it has left, whence it is taken back: from what will be available next."""
    return Kind.EARNINGS_PENDING if earning.status == Earning.Status.PENDING else Kind.EARNINGS_AVAILABLE


def mature(*, at: datetime, partner: Partner | None = None) -> int:
    """Make every earning available whose hold has passed at `at`; returns how many. Two runs at once share the work."""
    matured = 0
    while True:
        with transaction.atomic():
            ripe = Earning.objects.ripe(at).order_by("pk")
            if partner:
                ripe = ripe.filter(partner=partner)
            batch = list(ripe.select_for_update(skip_locked=True, of=("self",))[:BATCH])
            for earning in batch:
                _make_available(earning)
        matured += len(batch)
        if len(batch) < BATCH:
            return matured


def take_back(*, earning: Earning, by: Actor) -> None:
    """Undo an earning in a caller's transaction that books it: one in hold is reversed, a later one weighed by a negative one."""
    if earning.status == Earning.Status.PENDING:
        transition(earning, Earning.Status.REVERSED)
    else:
        Earning.objects.create(
            partner_id=earning.partner_id,
            environment=earning.environment,
            kind=Earning.Kind.REVERSAL,
            reverses=earning,
            description=earning.description,
            status=Earning.Status.AVAILABLE,
            currency=earning.currency,
            gross_minor=-earning.gross_minor,
            fee_minor=-earning.fee_minor,
            amount_minor=-earning.amount_minor,
            fee_rate=earning.fee_rate,
            available_at=clock.now(),
        )
    _tell(EARNING_REVERSED, earning, by)


def _make_available(earning: Earning) -> None:
    transition(earning, Earning.Status.AVAILABLE)
    if earning.amount:
        owner = earning.partner_id
        postings = [debit(Kind.EARNINGS_PENDING, earning.amount, owner), credit(Kind.EARNINGS_AVAILABLE, earning.amount, owner)]
        ledger.post(kind=Transaction.Kind.EARNING_MATURED, source=earning, postings=postings)
    _tell(EARNING_AVAILABLE, earning, SYSTEM)


def _sellers(lines: list[Line]) -> dict[object, Partner]:
    called = Integration.objects.filter(pk__in=[line.target for line in lines]).select_related("partner__tier")
    return {integration.pk: integration.partner for integration in called}


def _of_sale(line: Line, invoice: Invoice, seller: Partner, available_at: datetime) -> Earning:
    rate = seller.tier.marketplace_fee
    fee, share = split(line.amount, rate)
    return Earning(
        partner=seller,
        environment=invoice.environment,
        kind=Earning.Kind.MARKETPLACE_SALE,
        line=line,
        description=line.description,
        currency=invoice.currency,
        gross_minor=line.amount_minor,
        fee_minor=fee.minor,
        amount_minor=share.minor,
        fee_rate=rate,
        available_at=available_at,
    )


def _tell(type: EventType, earning: Earning, by: Actor, **facts: str) -> None:
    data = {
        "earning_id": earning.public_id,
        "amount": earning.amount.as_json(),
        "description": earning.description,
        **facts,
    }
    events.emit(type=type, partner=earning.partner_id, environment=earning.environment, subject=earning, actor=by, data=data)

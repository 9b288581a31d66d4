"""What billing tells: invoices, earnings and payouts."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from core.events import EventType, register

MONEY = {
    "type": "object",
    "required": ["amount", "currency"],
    "properties": {"amount": {"type": "string"}, "currency": {"type": "string"}},
}
TEXT = {"type": "string"}
TIME = {"type": "string", "format": "date-time"}
INVOICE_ID = "inv_01jd8x6w4vf3g9k2m5n7p9q1r3"
PAYOUT_ID = "pay_01jd8x6w4vf3g9k2m5n7p9q1r3"
EARNING_ID = "ern_01jd8x6w4vf3g9k2m5n7p9q1r3"


def _schema(more: dict[str, Any] | None = None, /, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(properties), "properties": {**properties, **(more or {})}}


def _invoice(name: str, description: Any, **more: Any) -> EventType:
    schema = _schema(more, invoice_id=TEXT, number=TEXT, status=TEXT, total=MONEY)
    status = name.removeprefix("invoice.").replace("issued", "open").replace("voided", "void")
    example = {
        "invoice_id": INVOICE_ID,
        "number": "2026-000042",
        "status": status,
        "total": {"amount": "12.34", "currency": "USD"},
    }
    return EventType(name, description, schema, example)


def _payout(name: str, description: Any) -> EventType:
    schema = _schema(payout_id=TEXT, status=TEXT, amount=MONEY, reason=TEXT)
    status = name.removeprefix("payout.").replace("created", "pending")
    return EventType(
        name,
        description,
        schema,
        {"payout_id": PAYOUT_ID, "status": status, "amount": {"amount": "85.00", "currency": "USD"}, "reason": ""},
    )


def _earning(name: str, description: Any, **more: Any) -> EventType:
    example = {"earning_id": EARNING_ID, "amount": {"amount": "4.25", "currency": "USD"}, "description": "Weather: 500 calls"}
    return EventType(name, description, _schema(more, earning_id=TEXT, amount=MONEY, description=TEXT), example)


INVOICE_ISSUED = _invoice("invoice.issued", _("An invoice was issued."), due_at=TIME)
INVOICE_PAID = _invoice("invoice.paid", _("The money for an invoice came in."), payment_id=TEXT)
INVOICE_OVERDUE = _invoice("invoice.overdue", _("An invoice is past its due date."))
INVOICE_VOIDED = _invoice("invoice.voided", _("An invoice was voided: nothing is owed for it any more."), reason=TEXT)
INVOICE_UNCOLLECTIBLE = _invoice("invoice.uncollectible", _("An invoice was written off."), reason=TEXT)

EARNING_CREATED = _earning("earning.created", _("You earned something; it is in hold."), available_at=TIME)
EARNING_AVAILABLE = _earning("earning.available", _("The hold of an earning passed; the next payout takes it."))
EARNING_REVERSED = _earning("earning.reversed", _("An earning was taken back, because its sale was voided."))

PAYOUT_CREATED = _payout("payout.created", _("A payout was made and waits for approval."))
PAYOUT_APPROVED = _payout("payout.approved", _("A payout was approved."))
PAYOUT_HELD = _payout("payout.held", _("A payout was held back; the reason says why."))
PAYOUT_PAID = _payout("payout.paid", _("A payout was paid."))
PAYOUT_FAILED = _payout("payout.failed", _("A payout failed; its money is available again."))

PAYOUT_ACCOUNT_CHANGED = EventType(
    "payout_account.changed",
    _("The account that payouts go to was changed."),
    _schema(payout_account_id=TEXT, hint=TEXT),
    {"payout_account_id": "pac_01jd8x6w4vf3g9k2m5n7p9q1r3", "hint": "…3000"},
)
PRICE_CHANGED = EventType("price.changed", _("A price was made or changed."), internal=True)

register(
    INVOICE_ISSUED,
    INVOICE_PAID,
    INVOICE_OVERDUE,
    INVOICE_VOIDED,
    INVOICE_UNCOLLECTIBLE,
    EARNING_CREATED,
    EARNING_AVAILABLE,
    EARNING_REVERSED,
    PAYOUT_CREATED,
    PAYOUT_APPROVED,
    PAYOUT_HELD,
    PAYOUT_PAID,
    PAYOUT_FAILED,
    PAYOUT_ACCOUNT_CHANGED,
    PRICE_CHANGED,
)

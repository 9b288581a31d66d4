"""Who moves the money outside. A processor says what is to be done and what came of it; the ledger follows.

`manual` is people: the partner transfers what its invoice asks for, an operator transfers payouts, and an operator confirms
both (`invoices.mark_paid`, `payouts.mark_paid`). A processor with an interface of its own is asked in the same places, after
the intent is committed, with an idempotency key made from the row's id.
"""

import json
from typing import Protocol

from django.conf import settings
from django.utils.translation import gettext as _

from billing.models import Invoice, Payout


class Processor(Protocol):
    """Collects invoices and sends payouts."""

    @property
    def name(self) -> str:
        """As it is stored in payments and payouts."""

    def collect(self, invoice: Invoice) -> str:
        """Start collecting an invoice; what the partner has to do for it, in words."""

    def send(self, payout: Payout) -> str:
        """Start sending an approved payout; what the operator has to do for it, in words."""


class Manual:
    """Bank transfers by hand."""

    name = "manual"

    def collect(self, invoice: Invoice) -> str:
        return _("Transfer {total} and quote {number}. {how}").format(
            total=invoice.total, number=invoice.number, how=settings.PAYMENT_INSTRUCTIONS
        )

    def send(self, payout: Payout) -> str:
        account = json.loads(payout.destination)
        return _("Transfer {amount} to {holder}, {number} {bank}, {country}; quote {reference}.").format(
            amount=payout.amount,
            holder=account["holder"],
            number=account["account_number"],
            bank=account["bank_code"],
            country=account["country"],
            reference=payout.public_id,
        )


MANUAL: Processor = Manual()

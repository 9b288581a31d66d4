"""Prices, invoices, earnings, payouts, and the double-entry ledger that holds every cent of them."""

from billing.models.invoices import Closing, Counter, Invoice, Line, Payment
from billing.models.ledger import Account, Entry, Transaction
from billing.models.payouts import Earning, Payout, PayoutAccount, PayoutItem
from billing.models.prices import Price

__all__ = [
    "Account",
    "Closing",
    "Counter",
    "Earning",
    "Entry",
    "Invoice",
    "Line",
    "Payment",
    "Payout",
    "PayoutAccount",
    "PayoutItem",
    "Price",
    "Transaction",
]

"""What billing keeps of a partner that is erased: what the law wants kept where money went to and fro."""

from billing.models import Earning, Invoice, Payout, PayoutAccount
from partners.models import Partner


def keeps_company(partner: Partner) -> bool:
    """Whether there are any papers of money that name whom they are for."""
    return any(kind.objects.filter(partner=partner).exists() for kind in (Invoice, Earning, Payout))


def erase(partner: Partner) -> None:
    """Take its bank account away. Payouts keep the one that they went to, as invoices and the ledger keep all of theirs."""
    PayoutAccount.objects.filter(partner=partner).delete()

"""What the law wants kept of a partner with whom money went to and fro: whom invoices and payouts name."""

from billing.models import Invoice, Payout
from partners.models import Partner


def keeps_company(partner: Partner) -> bool:
    """Whether there are any."""
    return Invoice.objects.filter(partner=partner).exists() or Payout.objects.filter(partner=partner).exists()

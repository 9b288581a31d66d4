"""What products keep of a partner that is erased: they know no partners, so that somebody above both has to see to it."""

from partners.models import Partner
from products.requests.models import Request


def erase(partner: Partner) -> None:
    """Take away what its requests were about and what came of them; that there were any stays."""
    Request.objects.filter(partner=partner).update(payload=None, result=None, error=None)

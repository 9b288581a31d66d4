"""What usage keeps of people: the addresses and programs that calls came from."""

from partners.models import Partner
from usage.models import Call


def erase(partner: Partner) -> None:
    """Delete each call of its own; what they add up to stays."""
    Call.objects.filter(partner_id=partner.pk).delete()

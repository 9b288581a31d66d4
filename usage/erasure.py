"""What usage keeps of people: the addresses and programs that calls came from."""

from partners.models import Partner
from usage.models import Bodies, Call


def erase(partner: Partner) -> None:
    """Delete each call of its own, with its bodies; what they add up to stays."""
    Bodies.objects.filter(partner_id=partner.pk).delete()
    Call.objects.filter(partner_id=partner.pk).delete()

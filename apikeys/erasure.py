"""What keys say of people: names that they were given, and addresses that they are used from."""

from apikeys.models import Key
from partners.models import Partner


def erase(partner: Partner) -> None:
    """Take both away; that there were keys, and when, stays."""
    Key.objects.filter(partner=partner).update(name="", ip_allowlist=[], last_used_address=None, last_used_agent="")

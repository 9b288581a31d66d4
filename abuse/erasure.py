"""What is known here of where a partner's people are."""

from abuse.models import Incident, Oddity, Sighting
from apikeys.models import Key
from partners.models import Partner


def erase(partner: Partner) -> None:
    """Take away networks and what was seen; that there were incidents, and when, stays."""
    Sighting.objects.filter(key_id__in=Key.objects.filter(partner=partner).values("pk")).delete()
    Oddity.objects.filter(partner=partner).delete()
    Incident.objects.filter(partner=partner).update(evidence={}, found="", note="")

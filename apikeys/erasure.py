"""What keys and applications say of people: names that they were given, and addresses that they are used from."""

from apikeys.models import Application, ClientSecret, Consent, Key, Leak
from partners.models import Partner


def erase(partner: Partner) -> None:
    """Take both away, and end applications and consents; that there were any, and when, stays."""
    Leak.objects.filter(key__partner=partner).delete()
    Key.objects.filter(partner=partner).update(name="", ip_allowlist=[], last_used_address=None, last_used_agent="")
    ended = {"status": Consent.Status.REVOKED}
    nothing = {"name": "", "redirect_uris": [], "ip_allowlist": [], "created_by": "", "status": Application.Status.REVOKED}
    Application.objects.filter(partner=partner).update(**nothing)
    Consent.objects.filter(application__partner=partner).update(**ended)
    ClientSecret.objects.filter(application__partner=partner).update(created_by="")
    Consent.objects.filter(partner=partner).update(member=None, **ended)

"""What a partner says in the marketplace, and where its integrations run."""

from marketplace.models import Integration, Version
from partners.models import Partner


def erase(partner: Partner) -> None:
    """Take both away; names and prices stay for those who installed and paid them."""
    mine = Integration.objects.filter(partner=partner)
    Version.objects.filter(integration__in=mine).update(notes="", upstream_url="")
    mine.update(summary="", description="", status_reason="", upstream_url="", signing_secret="")

"""What webhooks say of a partner: addresses of its own, and what came back from them."""

from partners.models import Partner
from webhooks import deliveries
from webhooks.models import Attempt, Delivery, Endpoint, Halt, Health, Inspector, Tally


def erase(partner: Partner) -> None:
    """Take its endpoints away with all that was sent and answered; that it was told of something, and when, stays."""
    told = Delivery.objects.filter(partner=partner)
    Attempt.objects.filter(delivery__in=told.values("pk")).delete()
    told.update(explanation="")
    for endpoint in Endpoint.objects.filter(partner=partner):
        deliveries.cancel_open(endpoint)
    Health.objects.filter(endpoint__partner=partner).delete()
    Halt.objects.filter(partner=partner).delete()
    Tally.objects.filter(endpoint__partner=partner).delete()
    Inspector.objects.filter(partner=partner).delete()
    Endpoint.objects.filter(partner=partner).update(
        status=Endpoint.Status.REMOVED,
        url="",
        description="",
        status_reason="",
        filter={},
        headers=None,
        secret="",
        previous_secret=None,
        previous_public_key="",
        previous_secret_until=None,
    )

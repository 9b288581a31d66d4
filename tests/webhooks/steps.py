"""Partners, endpoints, events, and the platform's loops run step by step."""

import asyncio
from datetime import timedelta
from typing import Any

from django.db import transaction

from core import clock, events, relay
from core.actors import SYSTEM
from core.events import TYPES
from core.models import Event
from core.outbound import Client
from local.sink import Sink
from partners.models import Partner, Tier
from webhooks import circuits, endpoints
from webhooks.claims import Outcome, claim, write
from webhooks.courier import attempt
from webhooks.models import Delivery, Endpoint

NOWHERE = "http://127.0.0.1:21399/none"
"""Nothing listens there."""


def make_partner(slug: str) -> Partner:
    """An active partner on the first tier."""
    tier, _ = Tier.objects.get_or_create(slug="developer", defaults={"name": "Developer", "rank": 1})
    now = clock.now()
    return Partner.objects.create(slug=slug, name=slug.title(), tier=tier, status=Partner.Status.ACTIVE, activated_at=now)


def make_endpoint(partner: Partner, sink: Sink | str, *event_types: str, environment: str = "live") -> Endpoint:
    """An active endpoint; a sink is told its secret."""
    url = sink if isinstance(sink, str) else sink.url
    created = endpoints.create(partner=partner, environment=environment, url=url, event_types=event_types or ["*"], by=SYSTEM)
    if isinstance(sink, Sink):
        sink.secret = created.secret
    return created.endpoint


def seal_all() -> None:
    """Run the relay until nothing is new."""
    while relay.seal():
        pass


def deliver(*, most: int = 100, client: type[Client] = Client) -> list[Outcome]:
    """Relay, then attempt once what is due, as the courier does; returns what came of it."""
    seal_all()
    claimed = claim(most, cap=most, in_flight={})

    async def post_all() -> list[Outcome]:
        async with client() as posting:
            return await asyncio.gather(*(attempt(posting, delivery) for delivery in claimed))

    outcomes = asyncio.run(post_all())
    if outcomes:
        write(outcomes)
    return outcomes


def publish(partner: Partner | None, name: str = "course.completed", environment: str = "live", **data: Any) -> Event:
    """Emit an event of the catalogue, with its example for data unless given."""
    kind = TYPES[name]
    with transaction.atomic():
        return events.emit(type=kind, partner=partner, environment=environment, data=data or kind.example)


def tick(by: timedelta = timedelta(minutes=1)) -> None:
    """Let time pass, and the circuits' loop look."""
    clock.tick(by)
    circuits.step()


def statuses() -> list[str]:
    """Of all deliveries, oldest first."""
    return list(Delivery.objects.order_by("id").values_list("status", flat=True))


def told(name: str) -> int:
    """How many events `webhook.<name>` there are."""
    return Event.objects.filter(type=f"webhook.{name}").count()

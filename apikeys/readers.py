"""What keys and applications do when they read of others' facts."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from apikeys import keys
from apikeys.models import Application, Key
from apikeys.oauth import applications
from core.actors import SYSTEM
from core.models import Event


def follow_products(events: Sequence[Event], payloads: Mapping[UUID, dict[str, Any]]) -> None:
    """Take scopes that an API product no longer has from those who have them: a name that comes back later, perhaps with another
    meaning, opens nothing to them."""
    for event in events:
        if event.type == "product.updated" and (gone := payloads[event.pk].get("removed_scopes")):
            for key in Key.objects.filter(status__in=keys.UNSAFE, scopes__overlap=gone).order_by("id"):
                keys.withdraw(key=key, gone=gone, by=SYSTEM)
            kept = Application.objects.exclude(status=Application.Status.REVOKED).filter(scopes__overlap=gone)
            for application in kept.order_by("id"):
                applications.withdraw(application=application, gone=gone, by=SYSTEM)

"""Operators pause all of a partner's webhooks, and let them go on."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from core import events
from core.actors import Actor
from core.problems import Conflict
from core.states import swap
from webhooks import circuits, deliveries, endpoints
from webhooks.event_types import WEBHOOK_ALL_PAUSED, WEBHOOK_ALL_RESUMED
from webhooks.models import Endpoint, Halt


class HaltedAlready(Conflict):
    detail = _("All webhooks of this partner are paused already.")


class NotHalted(Conflict):
    detail = _("The webhooks of this partner are not paused by an operator.")


@transaction.atomic
def halt(*, partner: Any, reason: str, by: Actor) -> Halt:
    """Pause every endpoint of a partner, live and test, until `resume`; what happens is held. Raises HaltedAlready."""
    if endpoints.halt_of(partner.pk):
        raise HaltedAlready()
    made = Halt.objects.create(partner=partner, reason=reason)
    active = Endpoint.objects.filter(partner=partner, status=Endpoint.Status.ACTIVE).order_by("pk").select_for_update(no_key=True)
    for endpoint in active.defer("secret", "previous_secret"):
        swap(endpoint, where={}, status=Endpoint.Status.PAUSED, status_reason=reason[:300], halt=made)
        endpoints.settle(endpoint)
    _tell(WEBHOOK_ALL_PAUSED, made, by, reason=reason)
    return made


@transaction.atomic
def resume(*, partner: Any, by: Actor) -> int:
    """Let those that `halt` paused go on; what was held goes out. Returns how many there are. Raises NotHalted."""
    found = endpoints.halt_of(partner.pk)
    if found is None:
        raise NotHalted()
    paused = list(found.endpoints.defer("secret", "previous_secret").order_by("pk").select_for_update(no_key=True))
    for endpoint in paused:
        on = endpoint.status == Endpoint.Status.PAUSED
        swap(endpoint, where={}, halt=None, **({"status": Endpoint.Status.ACTIVE, "status_reason": ""} if on else {}))
        if on:
            deliveries.release(endpoint)
            circuits.reset(endpoint)
    _tell(WEBHOOK_ALL_RESUMED, found, by)
    found.delete()
    return len(paused)


def _tell(kind: events.EventType, halt: Halt, by: Actor, **facts: str) -> None:
    partner = halt.partner
    events.emit(type=kind, partner=partner, subject=partner, actor=by, data={"partner_id": partner.public_id, **facts})

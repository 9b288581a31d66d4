"""Whether the webhook address that a newcomer gives takes what it is sent: a signed test delivery, and in words what came of it.

How a delivery is signed and sent is known by `webhooks`, which stands above this app and registers it here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from core import clock
from partners.models import ApiSetup, Partner


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of a test delivery: whether it was taken, and in words what happened."""

    reached: bool
    words: str


@dataclass(frozen=True, slots=True)
class Courier:
    """Who can do it: a new signing secret, and a signed test delivery to `url` for a partner."""

    new_secret: Callable[[], str]
    deliver: Callable[..., Finding]


_couriers: list[Courier] = []


def register(courier: Courier) -> None:
    """Make the courier known; from the `ready` of the app that has it."""
    _couriers[:] = [courier]


def fresh(setup: ApiSetup) -> dict[str, Any]:
    """The columns of an address that was not checked yet; the secret stays, once there is one."""
    unchecked = {"webhook_checked_at": None, "webhook_reached": None, "webhook_finding": ""}
    return unchecked if setup.webhook_secret else {**unchecked, "webhook_secret": _couriers[0].new_secret()}


def run(partner: Partner) -> ApiSetup:
    """Send the test delivery, if an address is given, and keep what came of it. Takes seconds where nobody answers, so it is
    not for a transaction."""
    setup = partner.api_setup
    if setup.webhook_url:
        if not setup.webhook_secret:
            setup.webhook_secret = _couriers[0].new_secret()
            setup.save(update_fields=["webhook_secret"])
        found = _couriers[0].deliver(partner=partner, url=setup.webhook_url, secret=setup.webhook_secret)
        facts = {
            "webhook_checked_at": clock.now(),
            "webhook_reached": found.reached,
            "webhook_finding": found.words,
        }
        # only if it still is the address that was tried
        ApiSetup.objects.filter(pk=setup.pk, webhook_url=setup.webhook_url).update(**facts)
        setup.refresh_from_db()
    return setup

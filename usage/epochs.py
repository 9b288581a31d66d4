"""Calls of gateway processes that died before they had told about them: known by number, never billed.

A gateway counts the metered calls it admits in Redis (see `usage.records`). When its sign of life has run out and all that it
sent is ingested, what it admitted and did not send is the difference to what is recorded. The numbers stay side by side in
`Tally`, so a batch that comes later after all makes the difference smaller by itself.
"""

from uuid import UUID

import structlog
from django.db import transaction

from core import clock
from core.models import Environment
from usage.ingest import client, last_entry, order
from usage.models import Position, Tally
from usage.records import ALIVE, EPOCH, STREAM

log = structlog.get_logger(__name__)

KEPT_SECONDS = 7 * 24 * 3600
"""How long a closed epoch's count stays in Redis, in case the process was only cut off and comes back."""
ENDED = "usage:ended:{}"
"""The last stream entry there was when an epoch's end was noticed: once it is ingested, so is all that the epoch sent."""


def step() -> int:
    """Close the epochs that ended; returns how many. One that is alive again is reopened."""
    closed = 0
    for key in client().scan_iter(match=EPOCH.format("*"), count=200):
        epoch = key.decode().removeprefix(EPOCH.format(""))
        if client().exists(ALIVE.format(epoch)):
            _reopen(epoch)
        elif client().ttl(key) == -1 and _has_told_all(epoch):
            closed += close(epoch)
    return closed


def close(epoch: str) -> int:
    """Write down what a dead gateway had admitted; 1 if that is news. Doing it again changes nothing."""
    admitted = _admitted(epoch)
    with transaction.atomic():
        for (partner, environment), count in sorted(admitted.items()):
            tally, _ = Tally.objects.get_or_create(epoch=epoch, partner_id=partner, environment=environment)
            Tally.objects.filter(pk=tally.pk).update(admitted=count, closed_at=clock.now())
    client().expire(EPOCH.format(epoch), KEPT_SECONDS)
    missing = Tally.objects.filter(epoch=epoch).unknown()
    if missing:
        log.warning("usage_calls_unknown", epoch=epoch, calls=missing)
    return 1


def _reopen(epoch: str) -> None:
    if client().persist(EPOCH.format(epoch)):
        Tally.objects.filter(epoch=epoch).update(admitted=None, closed_at=None)


def _has_told_all(epoch: str) -> bool:
    client().set(ENDED.format(epoch), last_entry(), nx=True, ex=KEPT_SECONDS)
    last: bytes = client().get(ENDED.format(epoch))
    position = Position.objects.filter(pk=STREAM).first() or Position()
    return order(position.entry) >= order(last.decode())


def _admitted(epoch: str) -> dict[tuple[UUID, str], int]:
    counted: dict[bytes, bytes] = client().hgetall(EPOCH.format(epoch))
    found = {}
    for member, count in counted.items():
        partner, _, environment = member.decode().partition(":")
        if len(partner) == 32 and environment in Environment.values and count.isdigit():
            found[UUID(partner), environment] = int(count)
    return found

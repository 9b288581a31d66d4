"""A gateway that is killed under load and started anew: each admitted call is in usage once, or known by number, unbilled."""

import time
from uuid import UUID

import pytest

from core import clock, ids
from tests.gateway.load import Load, statuses
from tests.gateway.processes import GatewayProcess
from tests.platform import member
from usage import epochs, ingest, questions
from usage.models import Call, Tally
from usage.periods import Period
from usage.records import ALIVE, EPOCH
from usage.records import member as counted_as

pytestmark = pytest.mark.slow

LATEST = 1.0
"""Seconds before its end from which a process may not have sent its calls: a flush's interval, and what a busy machine adds."""


def epochs_of(redis, partner):
    """What each gateway process has admitted of a partner."""
    name = counted_as(partner.pk, "live")
    found = {key.decode().removeprefix(EPOCH.format("")): redis.hget(key, name) for key in redis.scan_iter(EPOCH.format("*"))}
    return {epoch: int(count) for epoch, count in found.items() if count}


def test_every_admitted_call_is_recorded_once_or_known_by_number(platform, redis, say):
    partner = (initech := member(platform, "Initech", tier="enterprise")).partner
    key = initech.key().text
    with GatewayProcess() as doomed:
        load = Load([doomed.port], [key], clients=20)
        load.wait_for(2_000)
        doomed.kill()
        killed_at = time.time()
        before = [answer for answer in load.end() if answer.status]
    with GatewayProcess() as fresh:
        after = Load([fresh.port], [key], clients=20, rounds=25).end()
        fresh.stop()

    for epoch in epochs_of(redis, partner):
        redis.delete(ALIVE.format(epoch))  # its time to live is over
    epochs.step()  # notices the end
    while ingest.step():
        pass
    epochs.step()  # closes it
    confirmed = {ids.decode("call", answer.headers["x-request-id"]): answer for answer in before + after if answer.status == 204}
    recorded = list(Call.objects.for_caller(partner, "live").values_list("pk", flat=True))
    lost = [answer for call, answer in confirmed.items() if call not in set(recorded)]
    admitted = sum(epochs_of(redis, partner).values())
    unknown = Tally.objects.for_caller(partner, "live").within(Period.this_month()).unknown()
    billed = questions.month_total(partner.pk, "live", clock.now())
    earliest = max([killed_at - answer.ended for answer in lost], default=0.0)
    say(
        f"clients were let in {len(confirmed)} times ({statuses(before + after)}); admitted {admitted}, in usage "
        f"{len(recorded)}, unknown {unknown}, billed {billed}; of those that clients know {len(lost)} are missing, from the last "
        f"{earliest:.2f} s"
    )
    assert len(recorded) == len(set(recorded)) == billed
    assert all(isinstance(call, UUID) for call in recorded)
    assert len(lost) <= unknown == admitted - len(recorded)
    assert earliest < LATEST
    assert len(confirmed) <= admitted <= len(confirmed) + load.clients  # those in flight when it was killed

"""Calls that a killed gateway never told about are known by number, shown, and never billed."""

import uuid

import pytest

from core import clock
from tests.usage.conftest import EPOCH_ID, call
from usage import epochs, ingest, questions
from usage.models import Tally
from usage.periods import Period
from usage.records import ALIVE, EPOCH, member

ACME = uuid.uuid4()


@pytest.fixture
def admitted(redis):
    def count(calls: int, *, alive: bool = False) -> None:
        redis.hset(EPOCH.format(EPOCH_ID), member(ACME, "live"), calls)
        if alive:
            redis.set(ALIVE.format(EPOCH_ID), 1)
        else:
            redis.delete(ALIVE.format(EPOCH_ID))

    return count


def unknown() -> int:
    return Tally.objects.for_caller(ACME, "live").within(Period.this_month()).unknown()


@pytest.mark.django_db
class TestDeadGateway:
    def test_the_difference_is_booked_once(self, admitted, send):
        admitted(5)
        send(call(partner=ACME), call(partner=ACME), call(partner=ACME, metered=False))
        ingest.step()
        assert epochs.step() == 1
        assert epochs.step() == 0
        assert unknown() == 3
        assert questions.month_total(ACME, "live", clock.now()) == 2

    def test_not_while_it_lives(self, admitted):
        admitted(5, alive=True)
        assert epochs.step() == 0
        assert unknown() == 0

    def test_not_before_all_that_it_sent_is_ingested(self, admitted, send):
        admitted(2)
        send(call(partner=ACME), call(partner=ACME))
        assert epochs.step() == 0
        ingest.step()
        assert epochs.step() == 1
        assert unknown() == 0

    def test_what_others_send_meanwhile_does_not_hold_it_up(self, admitted, send):
        admitted(2)
        send(call(partner=ACME))
        epochs.step()
        ingest.step()
        send(call(partner=ACME), epoch="another")
        assert epochs.step() == 1
        assert unknown() == 1

    def test_a_batch_that_comes_late_after_all_is_counted(self, admitted, send):
        admitted(4)
        epochs.step()
        assert unknown() == 4
        send(call(partner=ACME), call(partner=ACME))
        ingest.step()
        assert unknown() == 2

    def test_one_that_was_only_cut_off_opens_again(self, admitted, send, redis):
        admitted(4)
        epochs.step()
        admitted(6, alive=True)
        epochs.step()
        assert unknown() == 0
        assert redis.ttl(EPOCH.format(EPOCH_ID)) == -1

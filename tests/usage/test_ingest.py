"""From the stream into the tables: every call once, whatever is sent twice, late, broken or strange."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from core import clock, partitions
from tests.usage.conftest import call
from usage import ingest, questions, tasks
from usage.models import Call, HourRollup, MinuteRollup, Position
from usage.records import STREAM, entry, pack

ACME, GLOBEX = uuid.uuid4(), uuid.uuid4()


@pytest.mark.django_db
class TestOnce:
    def test_a_call_arrives_with_all_its_facts(self, send, redis):
        key, target = uuid.uuid4(), uuid.uuid4()
        told = call(
            partner=ACME,
            credential=key,
            target=target.hex,
            status=404,
            code="not_found",
            address="2001:db8::1",
            client_request_id="mine",
        )
        send(told)
        assert ingest.step() == 1
        row = Call.objects.get()
        assert row.pk.bytes == told.call
        assert int(row.at.timestamp() * 1_000_000) == told.at
        assert (row.partner_id, row.credential_id, row.integration_id) == (ACME, key, target)
        assert (row.status, row.code, row.address, row.client_request_id) == (404, "not_found", "2001:db8::1", "mine")
        assert (row.latency_us, row.bytes_in, row.bytes_out, row.metered) == (12_000, 100, 2_000, True)
        assert redis.xlen(STREAM) == 0

    def test_nothing_to_do_is_no_work(self):
        assert ingest.step() == 0

    def test_duplicates_in_one_batch_in_two_batches_and_in_two_steps(self, send):
        one, two = call(partner=ACME), call(partner=ACME)
        send(one, one, two)
        send(two)
        ingest.step()
        send(one, two)
        ingest.step()
        assert Call.objects.count() == 2
        assert questions.month_total(ACME, "live", clock.now()) == 2
        assert sum(row.latency_counts[0] for row in HourRollup.objects.all()) == 2

    def test_entries_that_a_crash_left_behind_are_not_read_again(self, send, redis):
        send(call(partner=ACME))
        left = redis.xrange(STREAM)[0]
        ingest.step()
        redis.delete(STREAM)
        redis.xadd(STREAM, left[1], id=left[0])  # as if the process had died before it trimmed
        assert ingest.step() == 0
        assert redis.xlen(STREAM) == 0
        assert questions.month_total(ACME, "live", clock.now()) == 1

    def test_a_redis_that_was_emptied_and_counts_anew_is_read_from_its_start(self, send, redis):
        told = call(partner=ACME)
        Position.objects.create(stream=STREAM, entry="99999999999999-0")
        send(told, call(partner=ACME))
        assert ingest.step() == 1
        send(told)
        ingest.step()
        assert questions.month_total(ACME, "live", clock.now()) == 2

    def test_a_call_of_last_month_counts_in_its_month(self, send):
        send(
            call(partner=ACME, at=datetime(2026, 1, 31, 23, 59, 59, tzinfo=UTC)),
            call(partner=ACME, at=datetime(2026, 2, 1, tzinfo=UTC)),
        )
        ingest.step()
        assert questions.month_total(ACME, "live", datetime(2026, 1, 15, tzinfo=UTC)) == 1
        assert questions.month_total(ACME, "live", datetime(2026, 2, 15, tzinfo=UTC)) == 1

    def test_a_backlog_is_taken_in_bounded_bites(self, send, monkeypatch):
        monkeypatch.setattr(ingest, "ENTRIES", 2)
        for _ in range(5):
            send(call(partner=ACME))
        assert [ingest.step() for _ in range(4)] == [2, 2, 1, 0]
        assert Call.objects.count() == 5

    def test_large_entries_are_taken_in_bites_of_bytes_one_at_least(self, send, monkeypatch):
        sizes = []
        for count in (3, 3, 9, 1):
            told = [call(partner=ACME) for _ in range(count)]
            sizes.append(len(pack(told)))
            send(*told)
        monkeypatch.setattr(ingest, "PACKED", sizes[0] + sizes[1])
        assert [ingest.step() for _ in range(4)] == [2, 1, 1, 0]
        assert questions.month_total(ACME, "live", clock.now()) == 16

    def test_what_was_read_ahead_is_left_when_another_worker_took_it(self, send, monkeypatch):
        monkeypatch.setattr(ingest, "ENTRIES", 2)
        for _ in range(6):
            send(call(partner=ACME))
        assert ingest.step() == 2
        ahead, ingest._ahead[:] = ingest._ahead[:], []
        assert ingest.step() == 2  # the other worker
        ingest._ahead[:] = ahead
        assert [ingest.step() for _ in range(2)] == [2, 0]
        assert questions.month_total(ACME, "live", clock.now()) == 6


@pytest.mark.django_db
class TestStrangeInput:
    def test_what_is_unreadable_is_put_aside_and_holds_up_nobody(self, send, redis):
        redis.xadd(STREAM, {"v": 1, "e": "x", "n": 1, "b": b"\xc1"})
        redis.xadd(STREAM, {"v": 9, "e": "x", "n": 1, "b": b"\x90"})
        send(call(partner=ACME))
        assert ingest.step() == 3
        assert Call.objects.count() == 1
        assert redis.xlen(ingest.REFUSED) == 2

    @pytest.mark.parametrize(
        "facts",
        [
            {"path": "/a\x00b" + "x" * 10_000},
            {"user_agent": "ü" * 5_000, "client_request_id": "\x00"},
            {"address": "unix:"},
            {"address": "fe80::1%eth0"},
            {"status": 70_000, "latency_us": 10**12},
            {"latency_us": -5, "bytes_out": -1},
            {"operation": ""},
        ],
    )
    def test_what_clients_send_can_not_stop_the_others(self, send, facts):
        send(call(partner=ACME, **facts), call(partner=ACME))
        ingest.step()
        assert Call.objects.count() == 2

    def test_a_clock_gone_wild(self, send):
        told = call(partner=ACME)
        send(type(told)(**{name: getattr(told, name) for name in told.__struct_fields__} | {"at": 10**19 // 2}))
        ingest.step()
        assert Call.objects.count() == 1


@pytest.mark.django_db
class TestCounting:
    def test_refused_calls_are_seen_and_not_metered(self, send):
        send(call(partner=ACME), call(partner=ACME, status=429, code="rate_limited", metered=False))
        ingest.step()
        assert questions.month_total(ACME, "live", clock.now()) == 1
        assert sum(HourRollup.objects.for_caller(ACME, "live").values_list("requests", flat=True)) == 2

    def test_partners_environments_and_integrations_are_apart(self, send):
        weather = uuid.uuid4()
        send(
            call(partner=ACME),
            call(partner=ACME, environment="test"),
            call(partner=GLOBEX),
            call(partner=ACME, target=weather.hex),
            call(partner=ACME, target=weather.hex),
            call(),
        )
        ingest.step()
        assert questions.month_total(ACME, "live", clock.now()) == 3
        assert questions.month_total(ACME, "test", clock.now()) == 1
        assert questions.month_total(GLOBEX, "live", clock.now()) == 1
        assert questions.month_by_integration(ACME, "live", clock.now()) == {None: 1, weather: 2}

    def test_a_key_s_last_use_is_written_down(self, send):
        from apikeys import keys
        from core.actors import SYSTEM
        from partners import partners

        partner = partners.create(name="Acme", by=SYSTEM, active=True)
        key = keys.issue(partner=partner, environment="live", name="CI", scopes=[], by=SYSTEM).key
        at = clock.now() + timedelta(minutes=1)
        first = call(partner=partner.pk, credential=key.pk)
        last = call(partner=partner.pk, credential=key.pk, at=at, address="2001:db8::7", user_agent="orders/1.4")
        send(last, first)
        ingest.step()
        key.refresh_from_db()
        assert abs(key.last_used_at - at) < timedelta(milliseconds=1)
        assert at - key.first_used_at > timedelta(seconds=50)
        assert (key.last_used_address, key.last_used_agent) == ("2001:db8::7", "orders/1.4")


@pytest.mark.django_db
class TestHousekeeping:
    def test_calls_move_into_partitions_made_ahead_and_old_ones_go(self, send, tick):
        send(call(partner=ACME))
        ingest.step()  # into the default partition
        partitions.maintain()
        send(call(partner=ACME))
        ingest.step()
        assert Call.objects.count() == 2
        tick(days=40)
        partitions.maintain()
        tasks.forget_minutes()
        assert Call.objects.count() == 2
        assert not MinuteRollup.objects.exists()
        tick(days=52)
        partitions.maintain()
        assert not Call.objects.exists()
        assert HourRollup.objects.metered() == 2


def test_the_entry_is_what_the_gateway_writes():
    told = call(partner=ACME)
    assert set(entry("e", [told])) == {"v", "e", "n", "b"}


@pytest.mark.django_db
def test_wild_values_hold_up_nobody(send) -> None:
    """Whatever a gateway that is out of its mind says is cut to what the columns hold, and counted."""
    wild = call(
        latency_us=2**40,
        bytes_in=2**63,
        bytes_out=-5,
        status=70_000,
        address="no address",
        path="/\x00" + "x" * 5_000,
        operation="GET /\x00" + "y" * 500,
        user_agent="z" * 900,
        code="c\x00",
    )
    send(wild, wild, call(), call(operation="GET /�" + "y" * 500, status=999, code="c�"))
    ingest.step()
    assert Call.objects.count() == 3
    kept = Call.objects.get(pk=uuid.UUID(bytes=wild.call))
    assert (kept.latency_us, kept.bytes_out, kept.status, kept.address, kept.code) == (2**31 - 1, 0, 999, None, "c�")
    assert (len(kept.path), len(kept.operation), len(kept.user_agent)) == (2_000, 200, 300)
    assert HourRollup.objects.get(status=999).requests == 2, "two ways to say the same facts"

"""Chains grow without gaps or forks, whoever relays, and a reader that fails stops nobody."""

import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction

from core import audit, clock, events, ids, relay
from core.event_types import OPERATOR_TOKEN_ISSUED
from core.models import Event, Head, MissedEvent


@pytest.fixture(autouse=True)
def _own_readers(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(relay, "READERS", [])
    yield
    clock.reset()


def emit(count: int, partners: list) -> None:
    with transaction.atomic():
        for number in range(count):
            events.emit(type=OPERATOR_TOKEN_ISSUED, partner=partners[number % len(partners)], data={"n": number})


@pytest.mark.django_db(transaction=True)
def test_four_relays_at_once_never_fork_a_chain() -> None:
    partners = [None, *(ids.new() for _ in range(5))]
    emit(300, partners)
    failures: list[BaseException] = []

    def work() -> None:
        try:
            idle = 0
            while idle < 3:
                idle = 0 if relay.seal(batch=20) else idle + 1
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    emit(100, partners)
    for thread in threads:
        thread.join()
    while relay.seal():
        pass
    assert not failures
    assert not Event.objects.unsealed().exists()
    report = audit.verify()
    assert report.intact, report.breaks
    assert (report.chains, report.events) == (6, 400)
    for owner in partners:
        numbers = list(Event.objects.filter(partner_id=owner).order_by("number").values_list("number", flat=True))
        assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.django_db
def test_a_batch_takes_few_queries(django_assert_max_num_queries) -> None:
    partners = [ids.new() for _ in range(20)]
    emit(200, partners)
    with django_assert_max_num_queries(12):
        assert relay.seal() == 200


@pytest.mark.django_db
class TestReaders:
    def test_reader_sees_each_event_once_in_order(self) -> None:
        seen: list[Event] = []
        relay.READERS.append(lambda batch, payloads: seen.extend(batch))
        emit(30, [None])
        while relay.seal(batch=7):
            pass
        assert [event.number for event in seen] == list(range(1, 31))

    def test_poison_is_set_apart(self) -> None:
        """The chain goes on, the other reader gets everything, and the failing one all but the event it can't take."""
        taken: list[int] = []
        healed = False

        def fussy(batch, payloads) -> None:
            for event in batch:
                if payloads[event.pk]["n"] == 3 and not healed:
                    raise ValueError("not three")
            taken.extend(payloads[event.pk]["n"] for event in batch)

        others: list[int] = []
        relay.READERS.extend([fussy, lambda batch, payloads: others.extend(payloads[event.pk]["n"] for event in batch)])
        emit(6, [None])
        assert relay.seal() == 6
        assert taken == [0, 1, 2, 4, 5]
        assert others == [0, 1, 2, 3, 4, 5]
        missed = MissedEvent.objects.get()
        assert "not three" in missed.error
        assert relay.show_missed() == 0, "not before its time"
        clock.tick(timedelta(minutes=2))
        assert relay.show_missed() == 0
        missed.refresh_from_db()
        assert missed.attempts == 2
        healed = True
        clock.tick(timedelta(hours=1))
        assert relay.show_missed() == 1
        assert taken == [0, 1, 2, 4, 5, 3]
        assert not MissedEvent.objects.exists()

    def test_rows_of_a_failing_reader_are_undone(self) -> None:
        def half(batch, payloads) -> None:
            Head.objects.create(owner=ids.new())
            raise ValueError

        relay.READERS.append(half)
        emit(1, [None])
        relay.seal()
        assert Head.objects.count() == 1

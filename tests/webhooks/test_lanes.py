"""Endpoints that are told in order: one by one for each subject, whatever fails, waits or is paused meanwhile."""

import threading
from collections.abc import Collection
from datetime import timedelta

import pytest
from django.db import connection, transaction

from core import clock, events
from core.actors import SYSTEM
from core.events import TYPES
from core.models import Event
from partners.models import Partner
from tests.webhooks.steps import NOWHERE, make_endpoint, publish, seal_all, tick
from webhooks import circuits, deliveries, endpoints, replays
from webhooks.claims import Claimed, Outcome, claim, write
from webhooks.models import Delivery, Endpoint, Health
from webhooks.replays import Selection

pytestmark = pytest.mark.django_db

SENT = {"webhook-id": "evt_1"}


@pytest.fixture
def ordered(acme: Partner) -> Endpoint:
    """An endpoint of acme's that is told in order."""
    return endpoints.create(
        partner=acme, environment="live", url=NOWHERE, event_types=["course.*"], by=SYSTEM, fifo=True, concurrency=20
    ).endpoint


def happen(partner: Partner | None, *names: str) -> None:
    """`a1` is the first event about the subject a; each is sealed at once."""
    for name in names:
        with transaction.atomic():
            emit(partner, name)
    seal_all()


def emit(partner: Partner | None, name: str) -> Event:
    kind = TYPES["course.completed"]
    return events.emit(type=kind, partner=partner, subject=name[0], data={**kind.example, "name": name})


def name_of(delivery: Delivery | Claimed) -> str:
    event_id = delivery.event_id if isinstance(delivery, Delivery) else Delivery.objects.get(pk=delivery.id).event_id
    data = Event.objects.get(pk=event_id).data
    assert data is not None
    return str(data["name"])


def names(claimed: Collection[Claimed]) -> list[str]:
    return sorted(name_of(each) for each in claimed)


def take() -> list[Claimed]:
    return claim(100, cap=5, in_flight={})


def end(claimed: Collection[Claimed], *, failing: Collection[str] = (), final: bool = False) -> None:
    """Write down that they were answered 204, those that are `failing` 500."""
    write([_outcome(each, failed=name_of(each) in failing, final=final) for each in claimed])


def _outcome(claimed: Claimed, *, failed: bool, final: bool) -> Outcome:
    status, text = (500, "no") if failed else (204, "yes")
    over = failed and final
    return Outcome(claimed, succeeded=not failed, explanation=text, status_code=status, request_headers=SENT, final=over)


def turn(*, failing: Collection[str] = (), final: bool = False) -> list[str]:
    """Attempt what may go out now; returns which those are."""
    claimed = take()
    end(claimed, failing=failing, final=final) if claimed else None
    return names(claimed)


def standing(name: str) -> Delivery:
    return next(each for each in Delivery.objects.select_related("endpoint") if name_of(each) == name)


class TestOrder:
    """The first of each lane goes out, and the next when that has ended."""

    def test_one_by_one_and_lanes_beside_each_other(self, acme: Partner, ordered: Endpoint) -> None:
        happen(acme, "a1", "a2", "b1", "a3", "b2")
        assert [turn(), turn(), turn(), turn()] == [["a1", "b1"], ["a2", "b2"], ["a3"], []]

    def test_nothing_goes_while_the_first_is_in_flight(self, acme: Partner, ordered: Endpoint) -> None:
        happen(acme, "a1", "a2")
        flying = take()
        assert take() == []
        happen(acme, "a3")
        assert take() == []
        end(flying)
        assert turn() == ["a2"]

    def test_retry_holds_up_its_lane_only(self, acme: Partner, ordered: Endpoint) -> None:
        happen(acme, "a1", "a2", "b1", "b2")
        assert turn(failing=["a1"]) == ["a1", "b1"]
        assert [turn(), turn()] == [["b2"], []]
        clock.tick(timedelta(seconds=7))
        assert [turn(), turn()] == [["a1"], ["a2"]]

    def test_given_up_lets_the_lane_go_on(self, acme: Partner, ordered: Endpoint) -> None:
        happen(acme, "a1", "a2")
        turn(failing=["a1"], final=True)
        assert standing("a1").status == "failed"
        assert turn() == ["a2"]

    def test_events_without_a_subject_share_a_lane(self, acme: Partner, ordered: Endpoint) -> None:
        publish(acme)
        publish(acme)
        seal_all()
        assert len(take()) == 1

    def test_platform_and_partner_have_lanes_of_their_own(self, acme: Partner, ordered: Endpoint) -> None:
        happen(acme, "a1")
        happen(None, "a2")
        assert turn() == ["a1", "a2"]

    def test_lanes_of_endpoints_are_apart(self, acme: Partner, globex: Partner, ordered: Endpoint) -> None:
        other = make_endpoint(globex, NOWHERE)
        endpoints.update(endpoint=other, by=SYSTEM, fifo=True)
        happen(acme, "a1", "a2")
        happen(globex, "a3", "a4")
        assert turn(failing=["a1"]) == ["a1", "a3"]
        assert turn() == ["a4"]

    def test_unordered_endpoint_gets_all_at_once(self, acme: Partner) -> None:
        make_endpoint(acme, NOWHERE)
        happen(acme, "a1", "a2", "a3")
        assert turn() == ["a1", "a2", "a3"]

    def test_long_lane_is_set_aside_at_once(self, acme: Partner, ordered: Endpoint) -> None:
        """However many wait, a claim comes upon them once."""
        happen(acme, *(f"a{place}" for place in range(60)), "b1")
        assert [turn(failing=["a0"]), turn()] == [["a0"], ["b1"]]
        assert not Delivery.objects.due().exists()
        assert Delivery.objects.filter(waits=True).count() == 59

    def test_dead_worker_leaves_the_lane_whole(self, acme: Partner, ordered: Endpoint) -> None:
        happen(acme, "a1", "a2")
        take()
        clock.tick(timedelta(seconds=61))
        assert [turn(), turn()] == [["a1"], ["a2"]]


class TestHeld:
    """What is held comes back in order."""

    def test_pause(self, acme: Partner, ordered: Endpoint) -> None:
        happen(acme, "a1", "a2", "b1")
        turn(failing=["a1"])
        endpoints.pause(endpoint=ordered, by=SYSTEM)
        happen(acme, "a3")
        assert turn() == []
        endpoints.enable(endpoint=ordered, by=SYSTEM)
        assert [turn(), turn(), turn(), turn()] == [["a1"], ["a2"], ["a3"], []]

    def test_first_that_arrives_during_a_pause(self, acme: Partner, ordered: Endpoint) -> None:
        happen(acme, "a1", "a2")
        flying = take()
        endpoints.pause(endpoint=ordered, by=SYSTEM)
        end(flying)
        endpoints.enable(endpoint=ordered, by=SYSTEM)
        assert turn() == ["a2"]

    def test_dropped(self, acme: Partner, ordered: Endpoint) -> None:
        happen(acme, "a1", "a2")
        endpoints.pause(endpoint=ordered, by=SYSTEM)
        endpoints.enable(endpoint=ordered, by=SYSTEM, send_held=False)
        happen(acme, "a3")
        assert turn() == ["a3"]

    def test_open_circuit_probes_the_first_of_lanes(self, acme: Partner, ordered: Endpoint) -> None:
        happen(acme, *(f"{lane}{place}" for place in (1, 2) for lane in "abcdefghijkl"))
        first = [f"{lane}1" for lane in "abcdefghijkl"]
        assert turn(failing=first) == first
        assert Health.objects.get().opened_at is not None
        for _ in range(4):
            tick(timedelta(hours=1))
            assert turn(failing=first)[0] in first, "a probe is never out of turn"
        tick(timedelta(hours=1))
        sent = turn()
        assert len(sent) == 1
        clock.tick(timedelta(seconds=7))
        circuits.step()
        while some := turn():
            sent += some
        assert sorted(sent) == sorted(f"{lane}{place}" for lane in "abcdefghijkl" for place in (1, 2))
        assert all(sent.index(f"{lane}1") < sent.index(f"{lane}2") for lane in "abcdefghijkl")

    def test_first_that_arrives_while_the_circuit_opens(self, acme: Partner, ordered: Endpoint) -> None:
        happen(acme, "a1", "a2", *(f"{lane}1" for lane in "bcdefghijk"))
        flying = take()
        [first] = [each for each in flying if name_of(each) == "a1"]
        end([each for each in flying if each != first], failing=[f"{lane}1" for lane in "bcdefghijk"])
        assert Health.objects.get().opened_at is not None
        end([first])
        assert "a2" in turn()


class TestAskedFor:
    """Sent again by hand, or replayed."""

    def test_resend_of_one_that_is_over_goes_alone(self, acme: Partner, ordered: Endpoint) -> None:
        happen(acme, "a1", "a2", "a3")
        turn(failing=["a1"], final=True)
        deliveries.retry(delivery=standing("a1"), by=SYSTEM)
        assert turn(failing=["a1"]) == ["a1", "a2"]
        assert turn() == ["a3"], "it holds up nobody"

    def test_resend_of_one_that_waits_keeps_its_place(self, acme: Partner, ordered: Endpoint) -> None:
        happen(acme, "a1", "a2", "a3")
        turn(failing=["a1"])
        deliveries.retry(delivery=standing("a3"), by=SYSTEM)
        assert turn() == []
        deliveries.retry(delivery=standing("a1"), by=SYSTEM)
        assert [turn(), turn(), turn()] == [["a1"], ["a2"], ["a3"]]

    def test_replay_is_in_order_and_before_what_is_new(self, acme: Partner, ordered: Endpoint) -> None:
        happen(acme, "a1", "a2", "a3")
        for _ in range(3):
            turn()
        deliveries.retry(delivery=standing("a1"), by=SYSTEM)
        turn()
        replays.start(endpoint=ordered, by=SYSTEM, selection=Selection())
        happen(acme, "a4")
        assert [turn(), turn(), turn(), turn()] == [["a1"], ["a2"], ["a3"], ["a4"]]

    def test_replay_that_is_cancelled_lets_the_lane_go_on(self, acme: Partner, ordered: Endpoint) -> None:
        happen(acme, "a1")
        turn()
        replay = replays.start(endpoint=ordered, by=SYSTEM, selection=Selection())
        assert replay is not None
        happen(acme, "a2", "b1")
        take()
        clock.tick(timedelta(seconds=1))
        replays.cancel(replay=replay, by=SYSTEM)
        assert turn() == ["a2"]

    def test_test_event_goes_alone(self, acme: Partner, ordered: Endpoint) -> None:
        happen(acme, "a1", "a2")
        turn(failing=["a1"])
        endpoints.send_test(endpoint=ordered, by=SYSTEM)
        assert len(take()) == 1


class TestSwitching:
    """Order can be asked for, and given up, while deliveries are open."""

    def test_on(self, acme: Partner) -> None:
        endpoint = make_endpoint(acme, NOWHERE)
        happen(acme, "a1", "a2")
        flying = take()
        happen(acme, "b1")
        endpoints.update(endpoint=endpoint, by=SYSTEM, fifo=True)
        happen(acme, "a3")
        assert turn() == ["b1"]
        end(flying)
        assert turn() == ["a3"]

    def test_off(self, acme: Partner, ordered: Endpoint) -> None:
        happen(acme, "a1", "a2", "a3", "a4")
        turn(failing=["a1"])
        endpoints.update(endpoint=ordered, by=SYSTEM, fifo=False)
        assert turn() == ["a2", "a3", "a4"]
        clock.tick(timedelta(seconds=7))
        assert turn() == ["a1"]

    def test_other_changes_leave_lanes_alone(self, acme: Partner, ordered: Endpoint) -> None:
        happen(acme, "a1", "a2")
        turn(failing=["a1"])
        endpoints.update(endpoint=ordered, by=SYSTEM, fifo=True, description="orders", rate_per_second=100)
        assert turn() == []


class TestRaces:
    """Two workers, and a writer at the same moment."""

    pytestmark = pytest.mark.django_db(transaction=True)

    def test_claim_meets_the_write_that_ends_the_first(self, acme: Partner, ordered: Endpoint) -> None:
        """Whoever comes second knows what the other did; nobody is left waiting for one that is over."""
        happen(acme, "a1")
        flying = take()
        happen(acme, "a2")
        claimed: list[list[Claimed]] = []
        with transaction.atomic():
            end(flying)
            other = threading.Thread(target=_claim_apart, args=(claimed,))
            other.start()
            other.join(20)
        assert claimed == [[]]
        assert not standing("a2").waits
        clock.tick(timedelta(milliseconds=200))
        assert turn() == ["a2"]

    def test_write_meets_the_claim_that_sets_the_next_aside(self, acme: Partner, ordered: Endpoint) -> None:
        happen(acme, "a1")
        flying = take()
        happen(acme, "a2")
        writing = threading.Thread(target=_write_apart, args=(flying,))
        with transaction.atomic():
            assert take() == []
            writing.start()
            writing.join(1)
            assert writing.is_alive(), "it waits for the claim"
        writing.join(20)
        assert turn() == ["a2"]

    def test_order_is_that_of_sealing(self, acme: Partner, ordered: Endpoint) -> None:
        """An id is given before its transaction commits: who commits later is told of later."""
        emitted, go_on = threading.Event(), threading.Event()

        def emit_slowly() -> None:
            try:
                with transaction.atomic():
                    emit(acme, "a2")
                    emitted.set()
                    go_on.wait(20)
            finally:
                connection.close()

        other = threading.Thread(target=emit_slowly)
        other.start()
        emitted.wait(20)
        happen(acme, "a1")
        go_on.set()
        other.join(20)
        seal_all()
        assert [event.number for event in Event.objects.order_by("id")[1:]] == [3, 2]
        assert [turn(), turn()] == [["a1"], ["a2"]]

    def test_two_claims(self, acme: Partner, ordered: Endpoint) -> None:
        happen(acme, *(f"a{place}" for place in range(9)))
        claimed: list[list[Claimed]] = []
        with transaction.atomic():
            mine = take()
            other = threading.Thread(target=_claim_apart, args=(claimed,))
            other.start()
            other.join(20)
        assert (names(mine), claimed) == (["a0"], [[]])
        end(mine)
        clock.tick(timedelta(milliseconds=200))
        assert turn() == ["a1"]


def _claim_apart(claimed: list[list[Claimed]]) -> None:
    try:
        claimed.append(take())
    finally:
        connection.close()


def _write_apart(flying: list[Claimed]) -> None:
    try:
        end(flying)
    finally:
        connection.close()


def test_lanes_cost_the_others_nothing(acme: Partner, django_assert_num_queries: object) -> None:
    make_endpoint(acme, NOWHERE)
    happen(acme, "a1", "a2", "a3")
    with django_assert_num_queries(6):  # type: ignore[operator]  # two of them for the savepoint
        claimed = take()
    assert len(claimed) == 3

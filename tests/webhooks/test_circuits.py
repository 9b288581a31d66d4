"""The circuit of an endpoint that fails: when it opens, what is sent meanwhile, and what closes it."""

from datetime import timedelta

import pytest

from core import clock
from core.actors import SYSTEM
from local.sink import Sink
from partners.models import Partner
from tests.webhooks.steps import NOWHERE, deliver, make_endpoint, publish, seal_all, statuses, tick, told
from webhooks import circuits, deliveries, endpoints, health, replays
from webhooks.claims import Outcome, claim, write
from webhooks.models import Attempt, Delivery, Endpoint, Health
from webhooks.replays import Selection

pytestmark = pytest.mark.django_db


class TestCircuit:
    """Opens after ten failures in a row; then one probe at a time until one succeeds."""

    def test_fewer_failures_leave_it_closed(self, acme: Partner, dead: Endpoint) -> None:
        for _ in range(circuits.FAILURES - 1):
            publish(acme)
        deliver()
        assert Health.objects.get().opened_at is None
        assert set(statuses()) == {"pending"}

    def test_success_ends_the_row_of_failures(self, acme: Partner, dead: Endpoint, sink: Sink) -> None:
        for _ in range(circuits.FAILURES - 1):
            publish(acme)
        deliver()
        Endpoint.objects.update(url=sink.url)
        publish(acme)
        deliver()
        Endpoint.objects.update(url=NOWHERE)
        publish(acme)
        deliver()
        assert (Health.objects.get().failures, Health.objects.get().opened_at) == (1, None)

    def test_healthy_endpoint_has_no_row(self, acme: Partner, endpoint: Endpoint) -> None:
        publish(acme)
        deliver()
        assert not Health.objects.exists()

    def test_opens_and_holds_everything(self, acme: Partner, broken: Endpoint) -> None:
        assert set(statuses()) == {"held"}
        publish(acme)
        assert deliver() == []
        assert set(statuses()) == {"held"}
        clock.tick(timedelta(days=1))
        assert deliver() == [], "nothing goes out by the schedule"

    def test_probes_come_one_at_a_time_and_cost_no_step(self, broken: Endpoint) -> None:
        before = {row.pk: row.step for row in Delivery.objects.all()}
        for wait in circuits.PROBES:
            tick(wait * 1.2)
            [outcome] = deliver()
            assert outcome.claimed.probe
            assert deliver() == []
        assert {row.pk: row.step for row in Delivery.objects.all()} == before
        assert Health.objects.get().failures == circuits.FAILURES + len(circuits.PROBES)

    def test_probe_does_not_come_early(self, broken: Endpoint) -> None:
        tick(circuits.PROBES[0] * 0.7)
        assert deliver() == []

    def test_waits_of_probes_stay_in_bounds(self) -> None:
        for step, wait in enumerate(circuits.PROBES):
            waits = [circuits.probe_wait(step) for _ in range(100)]
            assert wait * 0.8 <= min(waits) <= max(waits) <= wait * 1.2
        assert circuits.probe_wait(99) <= circuits.PROBES[-1] * 1.2

    def test_probes_take_turns(self, broken: Endpoint) -> None:
        """One event that its receiver chokes on doesn't keep the circuit open for all."""
        probed = set()
        for _ in range(4):
            tick(timedelta(hours=1))
            probed |= {outcome.claimed.id for outcome in deliver()}
        assert len(probed) == 4

    def test_success_closes_it_and_all_is_sent(self, broken: Endpoint, sink: Sink) -> None:
        Endpoint.objects.update(url=sink.url)
        tick()
        assert [outcome.succeeded for outcome in deliver()] == [True]
        assert (Health.objects.get().opened_at, Health.objects.get().failing_since) == (None, None)
        deliver()
        clock.tick(timedelta(seconds=6))
        deliver()
        assert set(statuses()) == {"succeeded"}
        assert len({delivery["id"] for delivery in sink.deliveries}) == len(sink.deliveries) == 12

    def test_place_in_the_schedule_is_kept(self, acme: Partner, dead: Endpoint, sink: Sink) -> None:
        publish(acme)
        for _ in range(4):
            deliver()
            clock.tick(timedelta(minutes=40))
        waits_until = Delivery.objects.get().due_at
        for _ in range(circuits.FAILURES - 4):
            publish(acme)
        deliver()
        Endpoint.objects.update(url=sink.url)
        tick()
        deliver()
        first = Delivery.objects.order_by("id")[0]
        assert (first.status, first.step, first.due_at) == ("pending", 4, waits_until)

    def test_lost_probe_is_made_up_for(self, broken: Endpoint) -> None:
        tick()
        assert len(claim(10, cap=10, in_flight={})) == 1, "and its worker dies"
        tick(circuits.PATIENCE)
        assert len(deliver()) == 1
        assert statuses().count("pending") == 0

    def test_probe_that_can_not_be_sent_gives_way_to_the_next(self, broken: Endpoint) -> None:
        tick()
        [probe] = claim(10, cap=10, in_flight={})
        failures = Health.objects.get().failures
        write([Outcome(probe, succeeded=False, explanation="The event's data has outlived its retention.", final=True)])
        assert Health.objects.get().failures == failures
        tick(timedelta(seconds=1))
        [outcome] = deliver()
        assert outcome.claimed.id != probe.id

    def test_attempt_that_was_on_its_way_closes_it(self, acme: Partner, dead: Endpoint) -> None:
        for _ in range(circuits.FAILURES + 1):
            publish(acme)
        seal_all()
        claimed = claim(20, cap=20, in_flight={})
        sent = {"webhook-id": "evt_1"}
        write([Outcome(each, succeeded=False, explanation="no", request_headers=sent) for each in claimed[:-1]])
        assert Health.objects.get().opened_at is not None
        write([Outcome(claimed[-1], succeeded=True, explanation="yes", status_code=204, request_headers=sent)])
        assert statuses().count("held") == 0
        assert Health.objects.get().opened_at is None

    def test_one_dead_endpoint_holds_up_nobody(self, broken: Endpoint, globex: Partner, acme: Partner, sink: Sink) -> None:
        make_endpoint(globex, sink)
        for _ in range(20):
            publish(acme)
        publish(globex)
        deliver(most=5)
        deliver(most=5)
        assert sink.wait_for("course.completed", timeout=1)


class TestAskedFor:
    """Who asks for an attempt gets one at once, as the probe."""

    def test_resend(self, broken: Endpoint, sink: Sink) -> None:
        Endpoint.objects.update(url=sink.url)
        delivery = Delivery.objects.select_related("endpoint").order_by("id")[5]
        deliveries.retry(delivery=delivery, by=SYSTEM)
        assert [outcome.claimed.id for outcome in deliver()] == [delivery.pk]
        assert Health.objects.get().opened_at is None

    def test_test_event(self, broken: Endpoint) -> None:
        sent = endpoints.send_test(endpoint=broken, by=SYSTEM)
        assert [outcome.claimed.id for outcome in deliver()] == [sent.pk]

    def test_replay(self, broken: Endpoint) -> None:
        Delivery.objects.update(status="failed")
        replay = replays.start(endpoint=broken, by=SYSTEM, selection=Selection(only_failed=True))
        assert replay is not None
        assert replay.queued == 12
        assert deliver() == []
        circuits.step()
        assert len(deliver()) == 1

    def test_new_address_begins_anew(self, broken: Endpoint, sink: Sink) -> None:
        endpoints.update(endpoint=broken, by=SYSTEM, url=sink.url)
        assert circuits.of(Endpoint.objects.get()).circuit == "closed"
        clock.tick(timedelta(seconds=7))
        deliver()
        assert set(statuses()) == {"succeeded"}


class TestSwitchedOff:
    """Pausing, disabling and enabling go together with the circuit."""

    def test_paused_endpoint_is_not_probed(self, broken: Endpoint) -> None:
        endpoints.pause(endpoint=broken, by=SYSTEM)
        tick(timedelta(hours=1))
        assert deliver() == []
        assert set(statuses()) == {"held"}

    def test_paused_while_the_probe_is_on_its_way(self, broken: Endpoint) -> None:
        tick()
        [probe] = claim(10, cap=10, in_flight={})
        endpoints.pause(endpoint=broken, by=SYSTEM)
        write([Outcome(probe, succeeded=True, explanation="yes", status_code=204, request_headers={"webhook-id": "evt_1"})])
        assert sorted(statuses()) == ["held"] * 11 + ["succeeded"]
        tick(timedelta(hours=1))
        assert deliver() == [], "closing the circuit sends nothing that its team has paused"

    @pytest.mark.parametrize("send_held", [True, False])
    def test_enabled_begins_anew(self, broken: Endpoint, sink: Sink, send_held: bool) -> None:
        endpoints.pause(endpoint=broken, by=SYSTEM)
        Endpoint.objects.update(url=sink.url)
        assert endpoints.enable(endpoint=broken, by=SYSTEM, send_held=send_held) == 12
        tick()
        deliver()
        assert set(statuses()) == ({"succeeded"} if send_held else {"cancelled"})

    def test_held_while_a_circuit_closed_is_released_in_the_end(self, broken: Endpoint, sink: Sink) -> None:
        """A claim that had seen it open may hold a delivery after all were released."""
        Endpoint.objects.update(url=sink.url)
        tick()
        deliver()
        Delivery.objects.filter(status="pending").update(status="held")
        tick(circuits.SETTLED)
        assert statuses().count("held") == 0


class TestGone:
    """410 switches off, also where it is a probe or the endpoint is paused already; what it was about is kept."""

    def answer_410(self, *, most: int = 1) -> None:
        claimed = claim(most, cap=most, in_flight={})
        write([Outcome(each, False, "gone", status_code=410, final=True, request_headers={"a": "b"}) for each in claimed])

    def test_as_a_probe(self, broken: Endpoint, sink: Sink) -> None:
        tick()
        self.answer_410()
        broken.refresh_from_db()
        assert (broken.status, set(statuses())) == ("disabled", {"held"})
        tick(timedelta(hours=1))
        assert deliver() == []
        Endpoint.objects.update(url=sink.url)
        endpoints.enable(endpoint=broken, by=SYSTEM)
        deliver()
        assert set(statuses()) == {"succeeded"}

    def test_of_many_at_once_is_told_once(self, acme: Partner, dead: Endpoint) -> None:
        for _ in range(3):
            publish(acme)
        seal_all()
        self.answer_410(most=3)
        assert (told("disabled"), set(statuses())) == (1, {"held"})

    def test_while_paused_meanwhile(self, acme: Partner, dead: Endpoint) -> None:
        publish(acme)
        seal_all()
        claimed = claim(1, cap=1, in_flight={})
        endpoints.pause(endpoint=dead, by=SYSTEM)
        write([Outcome(claimed[0], False, "gone", status_code=410, final=True, request_headers={"a": "b"})])
        dead.refresh_from_db()
        assert (dead.status, set(statuses())) == ("disabled", {"held"})


def test_condition_says_when_it_is_tried_next(acme: Partner, dead: Endpoint) -> None:
    assert circuits.of(Endpoint.objects.get()) == circuits.Condition()
    for _ in range(circuits.FAILURES):
        publish(acme)
    deliver()
    condition = circuits.of(Endpoint.objects.get())
    assert (condition.circuit, condition.failures_in_a_row) == ("open", 10)
    assert condition.next_try_at is not None
    assert condition.next_try_at <= clock.now() + circuits.PROBES[0] * 1.2
    assert condition.failing_since is not None
    assert condition.disabled_from == condition.failing_since + circuits.DISABLED_AFTER
    assert "nothing listens" in condition.last_error
    tick()
    assert circuits.of(Endpoint.objects.get()).circuit == "half_open"
    assert Attempt.objects.count() == circuits.FAILURES
    assert health.LEAST_FAILURES < circuits.FAILURES

"""The worker takes requests whose type has a handler to their end, whatever happens to it on the way."""

from datetime import timedelta

import pytest

from core.states import StaleState
from products.requests import requests, worker
from products.requests.handlers import NotYet, Refused
from products.requests.models import Request, RequestType

pytestmark = pytest.mark.django_db


def test_handler_result_completes_it(acme, handling, emitted) -> None:
    handling("ECHO", lambda work: {"said": work.payload})
    mine = acme.post("/requests", {"type": "ECHO", "payload": [1]})["requestId"]
    assert worker.work_one() == 1
    found = acme.get(f"/requests/{mine}")
    assert (found["status"], found["result"], found["progress"], found["attempts"]) == ("COMPLETED", {"said": [1]}, 100, 1)
    assert emitted() == ["request.submitted", "request.completed"]
    assert worker.work_one() == 0


def test_type_without_handler_waits_for_the_back_end(acme) -> None:
    mine = acme.post("/requests", {"type": "BY_HAND"})["requestId"]
    assert worker.work_one() == 0
    assert acme.get(f"/requests/{mine}")["status"] == "SUBMITTED"


def test_refusal_of_a_handler_fails_it_at_once(acme, handling, emitted) -> None:
    def refuse(work) -> None:
        raise Refused("No such company.")

    handling("CHECK", refuse)
    mine = acme.post("/requests", {"type": "CHECK"})["requestId"]
    worker.work_one()
    found = acme.get(f"/requests/{mine}")
    assert (found["status"], found["error"], found["attempts"]) == ("FAILED", "No such company.", 1)
    assert emitted() == ["request.submitted", "request.failed"]


@pytest.mark.parametrize("mishap", [NotYet("The CRM is away."), ZeroDivisionError()])
def test_mishap_is_tried_again_later_and_later_until_attempts_are_used_up(acme, handling, tick, mishap) -> None:
    runs = []

    def break_off(work) -> None:
        runs.append(work.request_id)
        raise mishap

    RequestType.objects.create(name="SHAKY", max_attempts=3, backoff=timedelta(seconds=10))
    handling("SHAKY", break_off)
    mine = acme.post("/requests", {"type": "SHAKY"})["requestId"]
    worker.work_one()
    assert acme.get(f"/requests/{mine}")["status"] == "SUBMITTED"
    assert worker.work_one() == 0  # not before its pause is over
    tick(seconds=13)
    assert worker.work_one() == 1
    tick(seconds=13)
    assert worker.work_one() == 0  # the second pause is twice as long
    tick(seconds=13)
    assert worker.work_one() == 1
    assert acme.get(f"/requests/{mine}")["status"] == "FAILED"
    assert len(runs) == 3


def test_request_of_a_dead_worker_is_worked_by_another(acme, handling, tick) -> None:
    handling("ECHO", lambda work: work.payload, lease=timedelta(seconds=20))
    mine = acme.post("/requests", {"type": "ECHO", "payload": 1})["requestId"]
    requests.claim_next(leases={"ECHO": timedelta(seconds=20)}, worker="dies")
    worker.watch()
    assert worker.work_one() == 0  # it may be alive as long as its lease runs
    tick(seconds=21)
    assert worker.watch() == 1
    assert worker.work_one() == 1
    assert acme.get(f"/requests/{mine}")["status"] == "COMPLETED"
    assert acme.get(f"/requests/{mine}")["attempts"] == 2


def test_worker_taken_for_dead_cannot_write_a_second_result(acme, handling, tick, emitted) -> None:
    """It wakes up after another one has claimed and finished its request."""

    def sleep_past_the_lease(work) -> str:
        if Request.objects.get().attempts == 1:
            tick(seconds=21)
            worker.watch()
            worker.work_one()
            return "too late"
        return "in time"

    handling("SLOW", sleep_past_the_lease)
    mine = acme.post("/requests", {"type": "SLOW"})["requestId"]
    worker.work_one()
    assert acme.get(f"/requests/{mine}")["result"] == "in time"
    assert emitted().count("request.completed") == 1


def test_report_keeps_a_slow_handler_its_lease(acme, handling, tick) -> None:
    def slow(work) -> str:
        for progress in (30, 60, 90):
            tick(seconds=15)
            work.report(progress)
            worker.watch()
        return "done"

    handling("SLOW", slow)
    mine = acme.post("/requests", {"type": "SLOW"})["requestId"]
    worker.work_one()
    assert (acme.get(f"/requests/{mine}")["result"], acme.get(f"/requests/{mine}")["attempts"]) == ("done", 1)


def test_lease_lost_at_the_last_attempt_fails_it(acme, tick) -> None:
    RequestType.objects.create(name="ONCE", max_attempts=1)
    mine = acme.post("/requests", {"type": "ONCE"})["requestId"]
    requests.claim_next(leases={"ONCE": timedelta(seconds=5)}, worker="dies")
    tick(seconds=6)
    worker.watch()
    assert acme.get(f"/requests/{mine}")["status"] == "FAILED"


def test_failed_one_can_be_given_another_round(acme, handling) -> None:
    from core.actors import SYSTEM

    mine = acme.post("/requests", {"type": "ECHO"})["requestId"]
    row = Request.objects.get()
    requests.abandon(request=row, error="Ended.", by=SYSTEM)
    requests.retry(request=row, by=SYSTEM)
    handling("ECHO", lambda work: "done")
    worker.work_one()
    assert acme.get(f"/requests/{mine}")["status"] == "COMPLETED"
    with pytest.raises(StaleState):
        requests.retry(request=row, by=SYSTEM)

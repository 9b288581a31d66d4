"""The operator's back end claims requests, reports, completes and fails them by API."""

from dataclasses import replace

import pytest

from core import ids
from core.actors import SYSTEM
from core.states import StaleState
from products.requests import requests, worker
from products.requests.models import Request

pytestmark = pytest.mark.django_db


@pytest.fixture
def submitted(acme) -> str:
    return acme.post("/requests", {"type": "BY_HAND", "payload": {"n": 1}})["requestId"]


def test_claim_progress_complete(acme, operator, submitted, emitted) -> None:
    assert [row["requestId"] for row in operator.get("/requests?status=SUBMITTED")["data"]] == [submitted]
    claimed = operator.post(f"/requests/{submitted}/claim", {}, expect=200)
    assert (claimed["status"], claimed["payload"], claimed["claimedBy"]) == ("PROCESSING", {"n": 1}, "a operator")
    assert operator.post(f"/requests/{submitted}/progress", {"progress": 40}, expect=200)["progress"] == 40
    operator.post(f"/requests/{submitted}/complete", {"result": {"ok": True}}, expect=200)
    found = acme.get(f"/requests/{submitted}")
    assert (found["status"], found["result"], found["progress"]) == ("COMPLETED", {"ok": True}, 100)
    assert emitted() == ["request.submitted", "request.completed"]


def test_body_may_be_left_out_of_a_claim(operator, submitted) -> None:
    assert operator.post(f"/requests/{submitted}/claim", expect=200)["lease"]


def test_second_claim_is_a_conflict(operator, submitted) -> None:
    operator.post(f"/requests/{submitted}/claim", {}, expect=200)
    assert operator.post(f"/requests/{submitted}/claim", {}, expect=409)["code"] == "conflict"


@pytest.mark.parametrize(("verb", "body"), [("progress", {"progress": 1}), ("complete", {}), ("fail", {"error": "x"})])
class TestHolder:
    def test_unclaimed_is_a_conflict(self, operator, submitted, verb, body) -> None:
        assert operator.post(f"/requests/{submitted}/{verb}", body, expect=409)["code"] == "conflict"

    def test_other_token_is_a_conflict(self, operator, submitted, verb, body) -> None:
        operator.post(f"/requests/{submitted}/claim", {}, expect=200)
        other = replace(operator, credential=ids.new())
        assert other.post(f"/requests/{submitted}/{verb}", body, expect=409)["code"] == "conflict"

    def test_lost_lease_is_a_conflict(self, operator, submitted, tick, verb, body) -> None:
        """Two processes of one back end share a token; the first was taken for dead."""
        first = operator.post(f"/requests/{submitted}/claim", {"leaseSeconds": 60}, expect=200)
        tick(seconds=61)
        worker.watch()
        second = operator.post(f"/requests/{submitted}/claim", {}, expect=200)
        assert operator.post(f"/requests/{submitted}/{verb}", body | {"lease": first["lease"]}, expect=409)["code"] == "conflict"
        operator.post(f"/requests/{submitted}/{verb}", body | {"lease": second["lease"]}, expect=200)

    def test_partner_cannot(self, acme, operator, submitted, verb, body) -> None:
        pretender = replace(operator, kind="key", partner=acme.partner)
        assert pretender.send("POST", f"/requests/{submitted}/{verb}", body).status_code == 404

    def test_unknown_request_is_not_found(self, operator, verb, body) -> None:
        assert operator.post(f"/requests/{ids.encode('req', ids.new())}/{verb}", body, expect=404)["code"] == "not_found"


class TestFail:
    def test_for_good(self, acme, operator, submitted, emitted) -> None:
        operator.post(f"/requests/{submitted}/claim", {}, expect=200)
        operator.post(f"/requests/{submitted}/fail", {"error": "No such company."}, expect=200)
        found = acme.get(f"/requests/{submitted}")
        assert (found["status"], found["error"]) == ("FAILED", "No such company.")
        assert emitted()[-1] == "request.failed"

    def test_with_retry_it_waits_again(self, acme, operator, submitted) -> None:
        operator.post(f"/requests/{submitted}/claim", {}, expect=200)
        operator.post(f"/requests/{submitted}/fail", {"error": {"code": "away"}, "retry": True}, expect=200)
        assert acme.get(f"/requests/{submitted}")["status"] == "SUBMITTED"

    @pytest.mark.parametrize("body", [{}, {"error": ""}, {"error": 3}, {"error": "x" * 20_000}, {"error": "x", "cause": "y"}])
    def test_reason_is_wanted(self, operator, submitted, body) -> None:
        operator.post(f"/requests/{submitted}/claim", {}, expect=200)
        assert operator.post(f"/requests/{submitted}/fail", body, expect=422)["code"] == "validation_error"


def test_list_filters_by_partner_and_environment(acme, globex, operator, submitted) -> None:
    other = globex.post("/requests", {"type": "BY_HAND"})
    rows = operator.get(f"/requests?partner_id={other['partnerId']}&environment=live")["data"]
    assert [row["requestId"] for row in rows] == [other["requestId"]]
    assert operator.get("/requests?partner_id=nonsense")["data"] == []


def test_scope_is_wanted(operator, submitted) -> None:
    assert replace(operator, scopes=("partners:read",)).get("/requests", expect=403)["scope"] == "requests:write"


def test_a_claim_by_what_was_read_before_another_attempt_is_a_conflict(acme, operator, submitted) -> None:
    """An attempt that began and ended meanwhile counts."""
    stale = Request.objects.get()
    operator.post(f"/requests/{submitted}/claim", {}, expect=200)
    operator.post(f"/requests/{submitted}/fail", {"error": "Later", "retry": True}, expect=200)
    with pytest.raises(StaleState):
        requests.claim(request=stale, by=SYSTEM)
    assert Request.objects.get().attempts == 1

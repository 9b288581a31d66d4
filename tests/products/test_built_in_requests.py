"""The two types of requests that the platform does itself: readiness and data export."""

import pytest

from local.sink import Sink
from products.requests import worker
from tests.products.conftest import Caller

pytestmark = pytest.mark.django_db


def done(caller: Caller, type: str) -> dict:
    made = caller.post("/requests", {"type": type, "payload": {}})["requestId"]
    worker.work_one()
    found = caller.get(f"/requests/{made}")
    assert found["status"] == "COMPLETED", found
    return found["result"]


@pytest.fixture
def newcomer(client):
    """A partner that has just signed up."""
    from core.actors import SYSTEM
    from partners import partners, tiers

    tiers.seed()
    return Caller(client, "key", partners.create(name="Newcomer", by=SYSTEM).pk, environment="test")


def test_readiness_says_what_is_missing(newcomer) -> None:
    found = done(newcomer, "ONBOARDING")
    assert (found["ready"], found["status"]) == (False, "pending")
    assert [step["name"] for step in found["onboarding"]["steps"]] == [
        "basic-info",
        "business-details",
        "api-setup",
        "documents",
        "activation",
    ]
    assert {"legal_name", "use_case", "confirmed_email"} <= set(found["missing"])
    assert found["keys"] == {"live": 0, "test": 0}


def test_readiness_looks_whether_webhooks_can_be_reached(newcomer) -> None:
    with Sink() as sink:
        newcomer.post("/webhooks", {"url": f"{sink.url}/here", "event_types": ["request.*"]})
        newcomer.post("/webhooks", {"url": "http://127.0.0.1:21799/nobody", "event_types": ["request.*"]})
        found = done(newcomer, "ONBOARDING")["webhooks"]
    assert [(each["url"].rsplit("/", 1)[1], each["reachable"]) for each in found] == [("here", True), ("nobody", False)]


def test_export_holds_what_is_the_partners_and_nothing_else(newcomer, globex) -> None:
    mine = newcomer.post("/requests", {"type": "X"})["requestId"]
    newcomer.post("/keys", {"name": "CI", "environment": "test", "scopes": ["partner:read"]})
    globex.post("/requests", {"type": "X"})
    found = done(newcomer, "DATA_EXPORT")
    assert found["partner"]["name"] == "Newcomer"
    assert [each["requestId"] for each in found["requests"]["data"]] == [mine]
    assert [each["name"] for each in found["keys"]["data"]] == ["CI"]
    assert found["requests"]["complete"] is True
    assert found["withheld"] == []
    assert "pk_test_" not in str(found).replace("pk_test_…", "").replace("'pk_test_'", "")


def test_export_shows_nobody_what_their_rights_dont(newcomer, client) -> None:
    made = newcomer.post("/requests", {"type": "DATA_EXPORT"})["requestId"]
    worker.work_one()
    weak = Caller(client, "key", newcomer.partner, environment="test", scopes=("requests:read", "members:read"))
    for found in (weak.get(f"/requests/{made}"), weak.get("/requests")["data"][0]):
        assert found["result"].keys() == {"exported_at", "environment", "members", "invitations", "requests", "withheld"}
        withheld = ["applications", "consents", "earnings", "invoices", "keys", "partner", "payouts", "webhooks"]
        assert found["result"]["withheld"] == withheld
    again = done(newcomer, "DATA_EXPORT")["requests"]["data"][0]["result"]
    assert again.keys() == {"exported_at", "environment", "withheld"}, "an export in an export shows nothing to anybody"

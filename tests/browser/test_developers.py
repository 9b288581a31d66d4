"""What developers read: the way in, error codes, the reference; and a partner's requests."""

import pytest

from core.actors import SYSTEM
from tests.browser import people
from tests.browser.conftest import EXTREMES, Visit
from tests.browser.test_looks import look

pytestmark = pytest.mark.django_db(transaction=True)


def test_way_in(visit: Visit) -> None:
    assert "Your first call" in look(visit, "/developers/", "developers")


def test_error_codes(visit: Visit) -> None:
    assert "insufficient_scope" in look(visit, "/developers/errors/", "error-codes")


def test_error_code(visit: Visit) -> None:
    assert "Retry-After" in look(visit, "/developers/errors/rate_limited", "error-code")


def test_event_types(visit: Visit) -> None:
    assert "mentor.matched" in look(visit, "/developers/events/?q=mentor", "event-types", screens=EXTREMES)
    assert "Optional" in look(visit, "/developers/events/invoice.issued", "event-type", screens=EXTREMES)


def test_reference_runs_under_the_content_security_policy(visit: Visit) -> None:
    """Swagger UI shows the operations, and the browser refused nothing (which the fixture asserts)."""
    visitor = visit()
    visitor.goto("/api/docs")
    visitor.page.locator(".opblock").first.wait_for(timeout=60_000)
    visitor.see("reference", EXTREMES)
    visitor.page.locator(".operation-filter-input").fill("keys")  # of so many, those in sight are drawn
    visitor.page.locator("#operations-keys-createKey, [id$=createKey]").first.wait_for()
    shown = [text.replace("\u200b", "").strip() for text in visitor.page.locator(".opblock-summary-path").all_text_contents()]
    assert "/api/partner/v1/keys" in shown
    assert all(path.startswith("/api/") for path in shown)


def test_requests_of_a_partner(visit: Visit) -> None:
    from products.requests import requests

    owner, partner = people.established()
    address = f"/p/{partner.slug}/requests/"
    assert "No requests yet" in look(visit, address, "requests-empty", owner)
    made = requests.submit(partner=partner, environment="live", type="CREDIT_CHECK", payload={"company": "Initech"}, by=SYSTEM)
    assert made.public_id in look(visit, address, "requests", owner)
    assert "Initech" in look(visit, f"{address}{made.public_id}", "request", owner)

"""The call log: found, followed, explained; on every screen."""

from uuid import UUID

import pytest

from apikeys.models import Key
from partners.models import Partner
from tests.browser import people
from tests.browser.conftest import EXTREMES, Visit
from tests.usage.conftest import call
from usage import ingest
from usage.models import Bodies

pytestmark = pytest.mark.django_db(transaction=True)
SENT = """{
  "name": "",
  "password": "•••",
  "scopes": ["keys:read", "usage:write"]
}"""
ANSWERED = """{
  "title": "Invalid input",
  "status": 422,
  "code": "validation_error",
  "errors": [{"pointer": "/name", "code": "blank", "detail": "This field may not be blank."}]
}"""


def called(partner: Partner) -> UUID:
    """Calls of every kind; the id of one in test that failed."""
    key = Key.objects.filter(partner=partner).first()
    told = [
        call(partner=partner.pk, credential=key.pk, latency_us=900 + 700 * number, client_request_id=f"job-{number}")
        for number in range(6)
    ]
    told.append(call(partner=partner.pk, credential=key.pk, status=429, code="rate_limited", path="/api/partner/v1/keys"))
    told.append(call(partner=partner.pk, status=502, code="upstream_unavailable", path="/apis/weather/a/rather/long/path/" * 4))
    failed = call(partner=partner.pk, status=422, code="validation_error", method="POST", environment="test")
    ingest.write(("e", one) for one in [*told, failed])
    return UUID(bytes=failed.call)


def test_calls_are_found_followed_and_explained(visit: Visit) -> None:
    owner, partner = people.established()
    called(partner)
    visitor = visit(owner)
    page = visitor.page
    visitor.goto(f"/p/{partner.slug}/usage/requests/")
    visitor.see("call-log", EXTREMES)
    visitor.resize("light", 1280)

    page.get_by_role("link", name="Follow live").click()
    page.locator("[data-follows]").wait_for()
    ingest.write([("e", call(partner=partner.pk, path="/api/partner/v1/fresh"))])
    page.get_by_text("GET /api/partner/v1/fresh").wait_for()
    page.get_by_role("link", name="Stop following").click()
    page.get_by_role("link", name="Follow live").wait_for()
    assert page.locator("[data-follows]").count() == 0

    page.get_by_placeholder("Status: 404, 4xx").fill("429")
    page.get_by_role("button", name="Filter").click()
    page.get_by_role("link", name="Show all").wait_for()
    assert page.locator("tbody tr").count() == 1
    page.get_by_role("link", name="GET /api/partner/v1/keys").click()
    page.get_by_role("link", name="What this error means").wait_for()
    visitor.see("call-refused", EXTREMES)


@pytest.mark.slow
def test_bodies_of_a_failed_test_call_are_shown_until_they_are_unwanted(visit: Visit) -> None:
    owner, partner = people.established()
    failed = called(partner)
    Bodies.objects.create(
        id=failed, partner_id=partner.pk, request=SENT, request_cut=False, response=ANSWERED, response_cut=False
    )
    visitor = visit(owner)
    page = visitor.page
    visitor.goto(f"/p/{partner.slug}/usage/requests/")
    page.get_by_role("button", name="Test", exact=True).click()
    page.get_by_role("link", name="POST /api/partner/v1/requests").click()
    page.get_by_text("This field may not be blank.").wait_for()
    visitor.see("call-bodies", EXTREMES)
    page.get_by_role("link", name="Change").click()
    visitor.see("call-bodies-switch", EXTREMES)
    page.get_by_role("button", name="Keep none").click()
    page.get_by_text("No bodies are kept any more.").wait_for()
    partner.refresh_from_db()
    assert not partner.keeps_test_bodies

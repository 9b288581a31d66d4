"""The review queue in the operators' console: each button is its verb, with the operator's name on it."""

import pytest

from core.models import Event, User
from marketplace import integrations
from marketplace.models import Category, Integration
from tests.marketplace.makers import MEMBER, OPERATOR, draft, published

pytestmark = pytest.mark.django_db
YES = {"_form_submitted": "on"}
ROOT = "/admin/marketplace/integration"


@pytest.fixture
def console(client):
    user = User.objects.create_superuser("op@portico.example", "a long enough password")
    client.force_login(user)
    return client


def press(console, integration, verb, **fields):
    return console.post(f"{ROOT}/{integration.pk}/{verb}/", YES | fields)


class TestReview:
    def test_the_queue_shows_what_waits_and_no_secret(self, console, seller):
        integration = integrations.submit(integration=draft(seller), by=MEMBER)
        assert "Weather" in console.get(f"{ROOT}/?status__exact=in_review").content.decode()
        page = console.get(f"{ROOT}/{integration.pk}/change/").content.decode()
        assert "Approve" in page
        assert integration.signing_secret not in page

    def test_approve(self, console, seller):
        integration = integrations.submit(integration=draft(seller), by=MEMBER)
        press(console, integration, "approve")
        integration.refresh_from_db()
        assert integration.status == "approved"
        assert Event.objects.get(type="integration.approved").actor_label == "op@portico.example"

    def test_a_reason_is_needed_to_send_it_back(self, console, seller):
        integration = integrations.submit(integration=draft(seller), by=MEMBER)
        press(console, integration, "request-changes", reason="")
        integration.refresh_from_db()
        assert integration.status == "in_review"
        press(console, integration, "request-changes", reason="No documentation.")
        integration.refresh_from_db()
        assert (integration.status, integration.status_reason) == ("draft", "No documentation.")

    def test_suspend_and_lift(self, console, seller):
        integration = published(seller)
        press(console, integration, "suspend", reason="Leaks data.")
        integration.refresh_from_db()
        assert integration.status == "suspended"
        press(console, integration, "reinstate")
        integration.refresh_from_db()
        assert integration.status == "unpublished"

    def test_out_of_turn_nothing_happens(self, console, seller):
        integration = published(seller)
        press(console, integration, "approve")
        integration.refresh_from_db()
        assert integration.status == "published"


def test_other_pages_open(console, seller, consumer):
    from marketplace import installations

    Category.objects.create(slug="data", name="Data")
    installations.install(integration=published(seller), partner=consumer, environment="live", by=OPERATOR)
    for path in ("category/", "installation/"):
        assert console.get(f"/admin/marketplace/{path}").status_code == 200
    assert console.get(f"/admin/marketplace/category/{Category.objects.get().pk}/change/").status_code == 200
    assert Integration.objects.count() == 1


def test_calls_and_hours_open_and_are_found_by_request_id(console):
    from tests.usage.conftest import call
    from usage import ingest
    from usage.models import Call

    ingest.write([("e", call(path="/api/partner/v1/one")), ("e", call(path="/api/partner/v1/two"))])
    row = Call.objects.get(path="/api/partner/v1/one")
    page = console.get(f"/admin/usage/call/?q={row.public_id}").content.decode()
    assert "/v1/one" in page
    assert "/v1/two" not in page
    assert console.get(f"/admin/usage/call/{row.pk}/change/").status_code == 200
    assert console.get("/admin/usage/hourrollup/").status_code == 200

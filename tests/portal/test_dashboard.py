"""The first page says how a partner stands and what to do next, to each within the role, from a fixed number of questions."""

import re
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apikeys import keys
from apikeys.models import Key
from core import clock, events
from core.actors import SYSTEM
from core.models import Environment, Event, User
from partners import members, partners, reviews
from partners.event_types import PARTNER_UPDATED
from partners.models import Notice, Partner, Review
from partners.permissions import Role
from tests.callers import Caller
from usage.models import HourRollup
from webhooks import endpoints
from webhooks.models import Delivery, Endpoint

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme(db: None) -> Partner:
    cache.clear()
    owner = User.objects.create_user("owner@acme.example")
    return partners.create(name="Acme", by=SYSTEM, owner=owner, active=True)


def page(partner: Partner, role: str = Role.OWNER) -> str:
    return browser(partner, role).get(f"/p/{partner.slug}/").content.decode()


def browser(partner: Partner, role: str = Role.OWNER) -> Client:
    member = partner.members.filter(role=role).first() or members.add(
        partner=partner, user=User.objects.create_user(f"{role}@{partner.slug}.example"), role=role, by=SYSTEM
    )
    client = Client()
    client.force_login(member.user)
    return client


def api(partner: Partner, *scopes: str, environment: str = "live") -> Any:
    caller = Caller("key", partner.pk, environment=environment, scopes=scopes or ("*",))
    return caller.get("/partner/dashboard")


def hours(partner: Partner, days_ago: int, calls: int, *, status: int = 200, environment: str = "live") -> None:
    facts = {"operation": "GET /x", "status": status, "code": "", "bytes_in": 0, "bytes_out": 0}
    numbers = {"requests": calls, "metered": calls, "latency_buckets": [193], "latency_counts": [calls]}
    at = clock.now().replace(minute=0, second=0, microsecond=0) - timedelta(days=days_ago)
    HourRollup.objects.create(partner_id=partner.pk, environment=environment, at=at, **facts, **numbers)


def failed_delivery(partner: Partner, endpoint: Endpoint) -> None:
    event = events.emit(
        type=PARTNER_UPDATED, partner=partner, subject=partner, actor=SYSTEM, data={"id": partner.public_id, "changes": {}}
    )
    Delivery.objects.create(
        partner=partner,
        environment="live",
        endpoint=endpoint,
        event_id=event.pk,
        event_type="partner.updated",
        status=Delivery.Status.FAILED,
    )


def endpoint(partner: Partner) -> Endpoint:
    made = endpoints.create(
        partner=partner, environment="live", url="https://acme.example/hooks", event_types=["*"], description="", by=SYSTEM
    )
    return made.endpoint


class TestNumbers:
    def test_calls_of_the_month_and_of_ever(self, acme: Partner) -> None:
        hours(acme, 0, 30)
        hours(acme, 0, 10, status=404)
        hours(acme, 400, 2_000)
        hours(acme, 0, 5, environment="test")
        usage = api(acme)["usage"]
        assert (usage["requests"], usage["requests_ever"], usage["errors"], usage["error_rate"]) == (40, 2_040, 10, 0.25)
        assert usage["quota"] == {"limit": 1_000, "used": 40}
        assert usage["latency"]["p95"] is not None
        assert api(acme, environment="test")["usage"]["requests_ever"] == 5
        assert "2,040 ever" in page(acme)

    def test_keys_and_webhooks(self, acme: Partner) -> None:
        for name in ("A", "B"):
            keys.issue(partner=acme, environment=Environment.LIVE, name=name, scopes=["partner:read"], by=SYSTEM)
        Key.objects.filter(name="B").update(expires_at=clock.now() + timedelta(days=3))
        hook = endpoint(acme)
        failed_delivery(acme, hook)
        Endpoint.objects.filter(pk=hook.pk).update(status=Endpoint.Status.DISABLED)
        found = api(acme)
        assert found["keys"] == {"usable": 2, "expiring": 1, "last_used_at": None}
        assert found["webhooks"] == {"active": 0, "paused": 0, "disabled": 1, "failed_deliveries": 1}
        assert {task["code"]: task["severity"] for task in found["todo"]} == {
            "webhook_disabled": "bad",
            "deliveries_failed": "warn",
            "keys_expiring": "warn",
            "profile": "info",
        }
        text = page(acme)
        assert "1 webhook endpoint is disabled" in text
        assert "1 key expires within two weeks" in text

    def test_used_up_quota_is_said(self, acme: Partner) -> None:
        hours(acme, 0, 850)
        assert _severity(acme, "quota") == "warn"
        hours(acme, 0, 150, status=201)
        assert _severity(acme, "quota") == "bad"

    def test_partner_without_anything(self, acme: Partner) -> None:
        found = api(acme)
        assert (found["usage"]["requests"], found["usage"]["error_rate"]) == (0, None)
        assert found["finances"]["balances"][0]["available"] == {"amount": "0.00", "currency": "USD"}
        text = page(acme)
        assert "No live calls yet" in text
        assert "All read" in text
        assert "None yet. A key lets your program call the API." in text

    def test_notices_of_the_reader_are_shown_until_read(self, acme: Partner) -> None:
        partners.suspend(partner=acme, reason="Unpaid", by=SYSTEM)
        from core import relay

        relay.seal()
        text = page(acme)
        notice = Notice.objects.filter(partner=acme, in_portal=True).first()
        assert notice is not None
        assert "suspended" in text.split("Unread notifications")[1].split("Recent activity")[0]
        Notice.objects.shown_to(acme.members.get()).mark_read()
        assert "All read" in page(acme)


def _severity(partner: Partner, code: str) -> str:
    return str({task["code"]: task["severity"] for task in api(partner)["todo"]}[code])


class TestWho:
    def test_money_is_for_those_who_may_see_it(self, acme: Partner) -> None:
        assert "Balance" in page(acme, Role.FINANCE)
        assert "Balance" not in page(acme, Role.DEVELOPER)
        assert api(acme, "partner:read")["finances"] is None
        assert api(acme, "partner:read", "billing:read")["finances"]["overdue_invoices"] == 0

    def test_tasks_are_for_those_who_can_do_them(self, acme: Partner) -> None:
        assert "Complete your public profile" in page(acme)
        assert "Complete your public profile" not in page(acme, Role.VIEWER)
        assert api(acme, "partner:read")["todo"] == []

    def test_verification_says_what_reviewers_asked_for(self, acme: Partner) -> None:
        Partner.objects.filter(pk=acme.pk).update(verified_at=None)
        assert "Have your documents verified" in page(acme)
        review = Review.objects.create(partner=acme)
        assert "documents verified" not in page(acme)
        reviews.request_changes(partner=acme, reason="The extract is too old.", by=SYSTEM)
        assert "The extract is too old." in page(acme)
        Review.objects.filter(pk=review.pk).update(decision=Review.Decision.REJECTED, final=True)
        assert "The extract is too old." not in page(acme).split("Unread notifications")[0]

    def test_every_task_leads_somewhere(self, acme: Partner) -> None:
        hook = endpoint(acme)
        Endpoint.objects.filter(pk=hook.pk).update(status=Endpoint.Status.DISABLED)
        hours(acme, 0, 1_000)
        client = browser(acme)
        text = client.get("/p/acme/").content.decode().split('class="tasks"')[1].split("</ul>")[0]
        addresses = re.findall(r'href="([^"]+)"', text)
        assert addresses
        assert [client.get(address).status_code for address in addresses] == [200] * len(addresses)


def asked(client: Client) -> list[str]:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert client.get("/p/acme/").status_code == 200
    return [query["sql"] for query in queries.captured_queries]


class TestQuestions:
    def test_as_many_for_a_full_page_as_for_one_with_one_of_each(self, acme: Partner) -> None:
        client = browser(acme)

        def fill(count: int) -> None:
            hook = endpoint(acme)
            for number in range(count):
                keys.issue(partner=acme, environment=Environment.LIVE, name=str(number), scopes=["partner:read"], by=SYSTEM)
                failed_delivery(acme, hook)
                hours(acme, number % 25, 10, status=200 + Event.objects.count() % 50)
                Notice.objects.create(
                    kind="partner_suspended",
                    cause=uuid.uuid4().hex,
                    partner=acme,
                    user=acme.members.get().user,
                    facts={"partner": "Acme", "slug": "acme", "reason": "x"},
                    in_portal=True,
                )

        fill(1)
        client.get("/p/acme/")  # the session, and what is kept for an hour
        one = asked(client)
        fill(6)
        many = asked(client)
        assert len(many) == len(one) <= 32, "\n".join(many)
        assert not [sql for sql in many if "usage_call" in sql], "calls are counted from rollups"

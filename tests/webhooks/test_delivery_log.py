"""The log of deliveries: narrowed, paged, explained, and nobody else's."""

import socket

import pytest
from django.test import Client

from core import listing
from core.redaction import MASK
from local.sink import Sink
from partners.models import Partner
from tests.webhooks.steps import deliver, make_endpoint, publish
from tests.webhooks.test_webhook_pages import sign_in
from webhooks.models import Attempt, Delivery, Endpoint

pytestmark = pytest.mark.django_db
LOG = "/p/acme/webhooks/deliveries/"


@pytest.fixture
def member(acme: Partner) -> Client:
    return sign_in(acme)


@pytest.fixture
def sent(acme: Partner, endpoint: Endpoint, sink: Sink) -> dict[str, Delivery]:
    """One that arrived, and one to nobody; by event type."""
    with socket.create_server(("127.0.0.1", 0)) as closed:  # closed by the time of the attempt
        make_endpoint(acme, f"http://127.0.0.1:{closed.getsockname()[1]}/nobody", "user.created")
    publish(acme, "course.completed")
    event = publish(acme, "user.created")
    deliver()
    Delivery.objects.filter(endpoint=endpoint, event=event).delete()
    return {delivery.event_type: delivery for delivery in Delivery.objects.select_related("endpoint")}


class TestNarrowing:
    @pytest.mark.parametrize(
        ("query", "shown"),
        [
            ("", {"course.completed", "user.created"}),
            ("status=succeeded", {"course.completed"}),
            ("status=failed", set()),
            ("event_type=course.*", {"course.completed"}),
            ("event_type=user.created", {"user.created"}),
            ("event_type=*", {"course.completed", "user.created"}),
            ("answer=2xx", {"course.completed"}),
            ("answer=204", {"course.completed"}),
            ("answer=404", set()),
            ("answer=none", {"user.created"}),
            ("since=2020-01-01T00:00", {"course.completed", "user.created"}),
            ("until=2020-01-01T00:00", set()),
            ("id=dlv_nothing", set()),
            ("id=evt_nothing", set()),
            ("endpoint=whk_nothing", set()),
        ],
    )
    def test_by_what_the_address_asks(self, member: Client, sent: dict[str, Delivery], query: str, shown: set[str]) -> None:
        page = member.get(f"{LOG}?{query}").content.decode()
        assert {name for name, delivery in sent.items() if delivery.public_id in page} == shown

    def test_by_ids(self, member: Client, sent: dict[str, Delivery]) -> None:
        one, other = sent["course.completed"], sent["user.created"]
        for query in (f"id={one.public_id}", f"id={one.event.public_id}", f"endpoint={one.endpoint.public_id}"):
            page = member.get(f"{LOG}?{query}").content.decode()
            assert one.public_id in page, query
            assert f"deliveries/{other.public_id}" not in page, query

    @pytest.mark.parametrize("query", ["answer=abc", "event_type=Course", "status=lost", "since=yesterday"])
    def test_a_filter_that_is_none_is_said(self, member: Client, sent: dict[str, Delivery], query: str) -> None:
        page = member.get(f"{LOG}?{query}")
        assert page.status_code == 200
        assert b"alert-warn" in page.content
        assert not any(delivery.public_id.encode() in page.content for delivery in sent.values())

    def test_pages_look_through_one_stretch(
        self, member: Client, sent: dict[str, Delivery], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(listing, "STRETCH", 1)
        first = member.get(f"{LOG}?event_type=course.*").content.decode()
        assert "No delivery fits so far" in first
        cursor = listing.cursor_of(sent["user.created"])
        assert sent["course.completed"].public_id in member.get(f"{LOG}?event_type=course.*&cursor={cursor}").content.decode()

    @pytest.mark.parametrize("tab", ["/p/acme/webhooks/", LOG])
    def test_tab_that_is_open_is_marked(self, member: Client, tab: str) -> None:
        assert f'href="{tab}" aria-current="page">' in member.get(tab).content.decode().split("<main")[1]

    def test_first_steps_on_an_empty_page(self, member: Client) -> None:
        page = member.get(LOG)
        assert b"Nothing sent yet" in page.content
        assert b"data-follows" in member.get(f"{LOG}?live=1").content


class TestAttempt:
    def test_failure_says_what_to_do(self, member: Client, sent: dict[str, Delivery]) -> None:
        page = member.get(f"{LOG}{sent['user.created'].public_id}/").content.decode()
        assert "The server refused the connection" in page
        assert "Check that the server runs" in page
        assert "The next attempt is at" in page

    def test_secrets_are_masked(self, member: Client, sent: dict[str, Delivery]) -> None:
        delivery = sent["course.completed"]
        headers = {"authorization": "Bearer s3cr3t", "x-api-key": "k3y", "webhook-id": "evt_1"}
        Attempt.objects.filter(delivery_id=delivery.pk).update(request_headers=headers)
        page = member.get(f"{LOG}{delivery.public_id}/").content.decode()
        assert "s3cr3t" not in page
        assert "k3y" not in page
        assert f"authorization: {MASK}" in page
        assert "webhook-id: evt_1" in page

    def test_hostile_answer_is_shown_as_text(self, member: Client, sent: dict[str, Delivery]) -> None:
        delivery = sent["course.completed"]
        Attempt.objects.filter(delivery_id=delivery.pk).update(response_body="<script>alert(1)</script>")
        page = member.get(f"{LOG}{delivery.public_id}/").content.decode()
        assert "&lt;script&gt;alert(1)" in page
        assert "<script>alert(1)" not in page

    def test_it_follows_only_what_is_due_at_any_moment(self, member: Client, acme: Partner, sent: dict[str, Delivery]) -> None:
        delivery = sent["course.completed"]
        assert b"data-follows" not in member.get(f"{LOG}{delivery.public_id}/").content
        member.post(f"{LOG}{delivery.public_id}/retry/")
        assert b"data-follows" in member.get(f"{LOG}{delivery.public_id}/").content

    def test_attempts_that_are_gone_are_said_to_be(self, member: Client, sent: dict[str, Delivery]) -> None:
        delivery = sent["course.completed"]
        Attempt.objects.all().delete()
        assert b"outlived their retention" in member.get(f"{LOG}{delivery.public_id}/").content


def test_stranger_finds_none_of_them(globex: Partner, sent: dict[str, Delivery]) -> None:
    stranger = sign_in(globex)
    assert stranger.get(LOG).status_code == 404
    for query in ("", *(f"?id={delivery.public_id}" for delivery in sent.values())):
        page = stranger.get(f"/p/globex/webhooks/deliveries/{query}").content.decode()
        assert not any(f"deliveries/{delivery.public_id}" in page for delivery in sent.values())

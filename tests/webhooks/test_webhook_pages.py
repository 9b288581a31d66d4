"""The portal's webhook pages, as members of two partners see them."""

import html
from datetime import timedelta

import pytest
from django.test import Client

from core import clock
from core.models import User
from local.sink import Sink
from partners.models import Member, Partner
from tests.webhooks.steps import deliver, make_endpoint, publish
from webhooks import circuits, endpoints, own_headers
from webhooks.models import Delivery, Endpoint

pytestmark = pytest.mark.django_db


def sign_in(partner: Partner, role: str = "developer") -> Client:
    user = User.objects.create_user(f"{role}@{partner.slug}.example", "a long enough password")
    Member.objects.create(partner=partner, user=user, role=role)
    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


@pytest.fixture
def member(acme: Partner) -> Client:
    return sign_in(acme)


def test_first_steps_on_an_empty_page(member: Client) -> None:
    page = member.get("/p/acme/webhooks/")
    assert page.status_code == 200
    assert b"No endpoints yet" in page.content
    assert b"/p/acme/webhooks/new/" in page.content


def test_secret_is_shown_once(member: Client, sink: Sink) -> None:
    assert member.get("/p/acme/webhooks/new/").status_code == 200
    facts = {"url": sink.url, "families": ["course.*"], "names": "payment.processed, webhook.disabled"}
    page = member.post("/p/acme/webhooks/new/", facts)
    endpoint = Endpoint.objects.get()
    assert endpoint.event_types == ["course.*", "payment.processed", "webhook.disabled"]
    assert endpoint.secret.encode() in page.content
    assert page["Cache-Control"] == "no-store"
    for path in ("", "edit/", "test/", "rotate-secret/", "pause/", "remove/"):
        again = member.get(f"/p/acme/webhooks/{endpoint.public_id}/{path}")
        assert again.status_code == 200, path
        assert endpoint.secret.encode() not in again.content
    assert sink.url.encode() in member.get("/p/acme/webhooks/").content


def test_filter_and_headers_are_edited(member: Client, sink: Sink) -> None:
    facts = {
        "url": sink.url,
        "families": ["*"],
        "filter": '{"data.x": ["y"]}',
        "headers": "Authorization: Bearer hdr-of-the-page",
    }
    member.post("/p/acme/webhooks/new/", facts)
    endpoint = Endpoint.objects.get()
    assert (endpoint.filter, own_headers.of(endpoint)) == ({"data.x": ["y"]}, {"authorization": "Bearer hdr-of-the-page"})
    root = f"/p/acme/webhooks/{endpoint.public_id}/"
    for path in ("", "edit/"):
        shown = html.unescape(member.get(root + path).content.decode())
        assert "data.x" in shown
        assert "authorization" in shown
        assert "hdr-of-the-page" not in shown
    refused = member.post(root + "edit/", facts | {"filter": '{"x": ["y"]}', "headers": "host: x"})
    assert refused.status_code == 422
    assert member.post(root + "edit/", facts | {"filter": "", "headers": "authorization: •••"}).status_code == 302
    endpoint.refresh_from_db()
    assert (endpoint.filter, own_headers.of(endpoint)) == ({}, {"authorization": "Bearer hdr-of-the-page"})


def test_limits_and_order_are_edited(member: Client, sink: Sink) -> None:
    facts = {"url": sink.url, "families": ["*"], "rate_per_second": "10", "concurrency": "2", "fifo": "on"}
    member.post("/p/acme/webhooks/new/", facts)
    endpoint = Endpoint.objects.get()
    assert (endpoint.rate_per_second, endpoint.concurrency, endpoint.fifo) == (10, 2, True)
    root = f"/p/acme/webhooks/{endpoint.public_id}/"
    assert b"One by one for each subject" in member.get(root).content
    assert b'name="rate_per_second" value="10"' in member.get(root + "edit/").content
    refused = member.post(root + "edit/", facts | {"rate_per_second": "1001"})
    assert refused.status_code == 422
    assert b"Choose 1 to 1,000 deliveries a second" in refused.content
    assert member.post(root + "edit/", {"url": sink.url, "families": ["*"]}).status_code == 302
    endpoint.refresh_from_db()
    assert (endpoint.rate_per_second, endpoint.concurrency, endpoint.fifo) == (None, None, False)


def test_public_key_is_shown_and_the_private_one_is_not(member: Client, sink: Sink) -> None:
    page = member.post("/p/acme/webhooks/new/", {"url": sink.url, "families": ["*"], "signature": "ed25519"})
    endpoint = Endpoint.objects.get()
    root = f"/p/acme/webhooks/{endpoint.public_id}/"
    for shown in (page, member.get(root)):
        assert endpoint.public_key in html.unescape(shown.content.decode())
        assert "whsk_" not in shown.content.decode()
    assert b"signature" not in member.get(root + "edit/").content
    first = endpoint.public_key
    member.post(root + "rotate-secret/", {"signature": "ed25519"})
    assert first in html.unescape(member.get(root).content.decode())
    endpoint.refresh_from_db()
    assert (endpoint.previous_public_key, endpoint.public_key != first) == (first, True)
    assert b"whsec_" in member.post(root + "rotate-secret/", {"signature": "hmac"}).content
    assert member.post(root + "rotate-secret/", {"signature": "rsa"}).status_code == 422


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"url": "ftp://x.example", "families": ["*"]}, b"must begin with https"),
        ({"url": "https://169.254.169.254/", "families": ["*"]}, b"link-local"),
        ({"url": "https://example.com/", "names": "no.such"}, b"no.such is no event type"),
        ({"url": "https://example.com/"}, b"Name 1 to 100 event types"),
    ],
)
def test_mistakes_are_said_at_their_field(member: Client, facts: dict[str, object], said: bytes) -> None:
    page = member.post("/p/acme/webhooks/new/", facts)
    assert page.status_code == 422
    assert said in page.content
    assert not Endpoint.objects.exists()


def test_edit_pause_enable_rotate_remove(member: Client, endpoint: Endpoint) -> None:
    root, old = f"/p/acme/webhooks/{endpoint.public_id}/", endpoint.secret
    member.post(root + "edit/", {"url": endpoint.url, "description": "Mine", "families": ["user.*"]})
    member.post(root + "pause/")
    endpoint.refresh_from_db()
    assert (endpoint.description, endpoint.event_types, endpoint.status) == ("Mine", ["user.*"], "paused")
    again = member.post(root + "pause/", follow=True)
    assert b"its state does not allow this" in again.content
    member.post(root + "enable/")
    shown = member.post(root + "rotate-secret/")
    endpoint.refresh_from_db()
    assert endpoint.status == "active"
    assert endpoint.secret != old
    assert endpoint.secret.encode() in shown.content
    assert member.post(root + "remove/").headers["Location"] == "/p/acme/webhooks/"
    assert member.get(root).status_code == 404


def test_failed_attempt_is_explained_and_sent_again(member: Client, acme: Partner, endpoint: Endpoint, sink: Sink) -> None:
    good, sink.secret = sink.secret, "whsec_" + "A" * 43 + "="
    publish(acme)
    deliver()
    delivery = Delivery.objects.get()
    page = member.get(f"/p/acme/webhooks/deliveries/{delivery.public_id}/")
    assert b"Your server answered 400" in page.content
    assert b"webhook-signature" in page.content
    assert b"course_id" in page.content
    assert delivery.public_id.encode() in member.get(f"/p/acme/webhooks/{endpoint.public_id}/").content
    sink.secret = good
    member.post(f"/p/acme/webhooks/deliveries/{delivery.public_id}/retry/")
    deliver()
    delivery.refresh_from_db()
    assert delivery.status == "succeeded"


def test_test_event(member: Client, endpoint: Endpoint, sink: Sink) -> None:
    root = f"/p/acme/webhooks/{endpoint.public_id}/test/"
    page = member.post(root, {"event_type": "mentor.matched", "data": '{"mentor_id": 1}'})
    assert page.status_code == 422
    assert b"user_id" in page.content
    sent = member.post(root, {"event_type": "mentor.matched", "data": ""})
    assert sent.status_code == 302
    deliver()
    assert sink.wait_for("mentor.matched")["verified"]
    assert b"Your server answered 204" in member.get(sent.headers["Location"]).content


def test_stranger_finds_nothing(globex: Partner, acme: Partner, endpoint: Endpoint) -> None:
    publish(acme)
    deliver()
    delivery = Delivery.objects.get()
    stranger = sign_in(globex)
    for slug in ("acme", "globex"):
        for path in (
            endpoint.public_id,
            f"{endpoint.public_id}/edit",
            f"{endpoint.public_id}/test",
            f"deliveries/{delivery.public_id}",
        ):
            assert stranger.get(f"/p/{slug}/webhooks/{path}/").status_code == 404
        assert stranger.post(f"/p/{slug}/webhooks/{endpoint.public_id}/remove/").status_code == 404
        assert stranger.post(f"/p/{slug}/webhooks/deliveries/{delivery.public_id}/retry/").status_code == 404


def test_viewer_may_look_only(acme: Partner, endpoint: Endpoint) -> None:
    viewer = sign_in(acme, "viewer")
    page = viewer.get(f"/p/acme/webhooks/{endpoint.public_id}/")
    assert page.status_code == 200
    assert b"/pause/" not in page.content
    assert viewer.post(f"/p/acme/webhooks/{endpoint.public_id}/pause/").status_code == 403
    assert viewer.get("/p/acme/webhooks/new/").status_code == 403


def test_disabled_endpoint_says_why(member: Client, endpoint: Endpoint) -> None:
    endpoints.disable(endpoint=endpoint, reason="Your server answered 410.")
    page = member.get(f"/p/acme/webhooks/{endpoint.public_id}/")
    assert b"Your server answered 410." in page.content
    assert b"/enable/" in page.content


def test_list_takes_the_same_queries_for_one_and_for_many(member: Client, acme: Partner, endpoint: Endpoint) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    member.get("/p/acme/webhooks/")
    with CaptureQueriesContext(connection) as one:
        member.get("/p/acme/webhooks/")
    for _ in range(5):
        endpoints.create(partner=acme, environment="live", url=endpoint.url, event_types=["*"], by=endpoints.SYSTEM)
    with CaptureQueriesContext(connection) as many:
        member.get("/p/acme/webhooks/")
    assert len(many) == len(one)


def test_failing_endpoint_says_so(member: Client, acme: Partner) -> None:
    endpoint = make_endpoint(acme, "http://127.0.0.1:21399/none")
    for _ in range(circuits.FAILURES):
        publish(acme)
    deliver()
    page = member.get(f"/p/acme/webhooks/{endpoint.public_id}/").content.decode()
    assert "Failing since" in page
    assert "10 attempts in a row failed" in page
    assert "next try at" in page
    assert "Failing since" in member.get("/p/acme/webhooks/").content.decode()
    clock.tick(timedelta(minutes=1))
    circuits.step()
    assert "being tried now" in member.get(f"/p/acme/webhooks/{endpoint.public_id}/").content.decode()

"""Inspectors: an address of ours that shows what arrives and verifies it, for its owner alone."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from core import clock
from core.actors import SYSTEM
from core.problems import ValidationError
from partners.models import Partner
from tests.webhooks.steps import deliver, make_endpoint, publish
from tests.webhooks.test_webhook_pages import sign_in
from webhooks import endpoints, inspectors, publishing, signing
from webhooks.courier import signed_headers
from webhooks.handover import HandingClient
from webhooks.models import Attempt, Delivery, Endpoint, InspectedRequest, Inspector

pytestmark = pytest.mark.django_db(transaction=True)
ACME = "/p/acme/webhooks/inspectors/"


@pytest.fixture
def inspector(acme: Partner) -> Inspector:
    return inspectors.open_new(partner=acme, environment="live", by=SYSTEM)


def arrive(inspector: Inspector, body: bytes = b"{}", **headers: str) -> Any:
    return Client(headers=headers).post(f"/hooks/{inspector.token}", body, content_type="application/json")


def newest() -> InspectedRequest:
    found: InspectedRequest = InspectedRequest.objects.latest("id")
    return found


def signed(endpoint: Endpoint, body: bytes) -> dict[str, str]:
    headers = signed_headers(message_id="evt_1", secrets=(endpoint.secret,), body=body)
    return {name: value for name, value in headers.items() if name.startswith("webhook-")}


class TestDelivery:
    """The courier hands over what it sends there; nothing has to listen."""

    def test_a_test_event_arrives_verified(self, acme: Partner, inspector: Inspector) -> None:
        endpoint = make_endpoint(acme, inspector.address)
        endpoints.send_test(endpoint=endpoint, by=SYSTEM)
        assert [outcome.succeeded for outcome in deliver(client=HandingClient)] == [True]
        seen = newest()
        assert (seen.verdict, seen.endpoint, seen.event_type) == ("verified", endpoint, "webhook.test")
        assert json.loads(seen.body)["type"] == "webhook.test"
        assert Attempt.objects.get().status_code == 200

    def test_it_answers_as_it_is_told(self, acme: Partner, inspector: Inspector) -> None:
        endpoint = make_endpoint(acme, inspector.address)
        inspectors.answer_with(inspector=inspector, status=500)
        endpoints.send_test(endpoint=endpoint, by=SYSTEM)
        deliver(client=HandingClient)
        assert Attempt.objects.get().status_code == 500
        assert Delivery.objects.get().explanation
        assert newest().answered == 500

    def test_a_closed_one_is_404(self, acme: Partner, inspector: Inspector) -> None:
        endpoints.send_test(endpoint=make_endpoint(acme, inspector.address), by=SYSTEM)
        inspectors.close(inspector=inspector, by=SYSTEM)
        deliver(client=HandingClient)
        assert Attempt.objects.get().status_code == 404


class TestAddress:
    """An endpoint may have the address of its own partner's inspector, and of no other."""

    @pytest.mark.parametrize("environment", ["live", "test"])
    def test_of_another_partner_or_environment_is_as_good_as_none(
        self, globex: Partner, acme: Partner, inspector: Inspector, environment: str
    ) -> None:
        partner = globex if environment == "live" else acme
        refused = []
        for url in (inspector.address, f"{settings.BASE_URL}/hooks/{'a' * 32}"):
            with pytest.raises(ValidationError) as error:
                endpoints.create(partner=partner, environment=environment, url=url, event_types=["*"], by=SYSTEM)
            refused.append(error.value.facts["errors"])
        assert refused[0] == refused[1]

    def test_an_expired_one_is_refused_and_receives_nothing(self, acme: Partner, inspector: Inspector) -> None:
        clock.tick(inspectors.LIFETIME + timedelta(seconds=1))
        with pytest.raises(ValidationError):
            make_endpoint(acme, inspector.address)
        assert arrive(inspector).status_code == 404
        assert inspectors.forget_old() == 1

    def test_an_endpoint_whose_inspector_expired_can_still_be_changed(self, acme: Partner, inspector: Inspector) -> None:
        endpoint = make_endpoint(acme, inspector.address)
        clock.tick(inspectors.LIFETIME + timedelta(seconds=1))
        endpoints.update(endpoint=endpoint, by=SYSTEM, url=inspector.address, description="Of last week")
        endpoint.refresh_from_db()
        assert (endpoint.url, endpoint.description) == (inspector.address, "Of last week")

    def test_extended_it_stays_open(self, inspector: Inspector) -> None:
        clock.tick(timedelta(days=6))
        inspectors.extend(inspector=inspector)
        clock.tick(timedelta(days=6))
        assert arrive(inspector).status_code == 200
        assert inspectors.forget_old() == 0

    @pytest.mark.parametrize("path", ["/hooks/short", "/hooks/" + "a" * 32, "/hooks/" + "a" * 31 + "%20"])
    def test_unknown_ones_are_404(self, db: None, path: str) -> None:
        assert Client().post(path, b"{}", content_type="application/json").status_code == 404

    def test_no_other_address_of_ours_is_taken_for_one(self) -> None:
        for url in (f"{settings.BASE_URL}/hooks/x", f"{settings.BASE_URL}/", "https://example.com/hooks/" + "a" * 32, "http://["):
            assert inspectors.token_of(url) is None


class TestVerdict:
    """Each says in words what it found."""

    def test_unsigned(self, inspector: Inspector) -> None:
        assert arrive(inspector, b"plain").status_code == 200
        assert (newest().verdict, newest().body) == ("unsigned", b"plain")

    def test_signed_but_no_endpoint_has_the_address(self, inspector: Inspector, dead: Endpoint) -> None:
        arrive(inspector, **signed(dead, b"{}"))
        assert newest().verdict == "unknown"

    def test_by_another_secret_or_with_another_body(self, acme: Partner, inspector: Inspector, dead: Endpoint) -> None:
        endpoint = make_endpoint(acme, inspector.address)
        for headers, body in ((signed(dead, b"{}"), b"{}"), (signed(endpoint, b"{}"), b"{ }")):
            arrive(inspector, body, **headers)
            assert newest().verdict == "wrong"

    def test_too_late(self, acme: Partner, inspector: Inspector) -> None:
        headers = signed(make_endpoint(acme, inspector.address), b"{}")
        clock.tick(timedelta(seconds=signing.TOLERANCE + 5))
        arrive(inspector, **headers)
        assert newest().verdict == "wrong"
        assert "five minutes" in newest().explanation

    def test_by_private_key_and_by_the_key_of_before(self, acme: Partner, inspector: Inspector) -> None:
        endpoint = make_endpoint(acme, inspector.address)
        before = signed(endpoint, b"{}")
        endpoints.rotate_secret(endpoint=endpoint, by=SYSTEM, signature="ed25519")
        endpoint.refresh_from_db()
        arrive(inspector, **before)
        assert (newest().verdict, "before" in newest().explanation) == ("verified", True)
        arrive(inspector, **signed(endpoint, b"{}"))
        assert (newest().verdict, "before" in newest().explanation) == ("verified", False)


class TestBounds:
    def test_size(self, inspector: Inspector) -> None:
        assert arrive(inspector, b"x" * (inspectors.LARGEST + 1)).status_code == 413
        assert not InspectedRequest.objects.exists()

    def test_rate_from_outside_and_the_newest_are_kept(self, inspector: Inspector, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(inspectors, "KEPT", 3)
        assert [arrive(inspector, b"%d" % number).status_code for number in range(4)] == [200, 200, 200, 429]
        clock.tick(timedelta(minutes=2))
        arrive(inspector, b"4")
        assert [seen.body for seen in InspectedRequest.objects.order_by("id")] == [b"1", b"2", b"4"]

    def test_what_is_kept_is_bounded_by_size(self, inspector: Inspector, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(inspectors, "KEPT_BYTES", 250)
        for number in range(4):
            arrive(inspector, b"%d" % number * 100)
        assert [seen.body[:1] for seen in InspectedRequest.objects.order_by("id")] == [b"2", b"3"]
        arrive(inspector, b"x" * 300)
        assert newest().size == 300
        assert InspectedRequest.objects.count() == 1

    def test_the_largest_event_that_may_be_published_fits(self, acme: Partner, inspector: Inspector) -> None:
        make_endpoint(acme, inspector.address)
        publish(acme, user_id="u", course_id="c", completed_at="2026-01-31T12:00:00Z", note="x" * (publishing.LARGEST - 200))
        deliver(client=HandingClient)
        assert newest().size > publishing.LARGEST - 200

    def test_cookies_are_not_kept(self, inspector: Inspector) -> None:
        arrive(inspector, cookie="sessionid=abc", x_real_ip="10.0.0.1")
        assert not newest().headers.keys() & {"cookie", "x-real-ip"}


class TestPages:
    def test_open_answer_follow_and_close(self, acme: Partner) -> None:
        member = sign_in(acme)
        assert b"No inspector is open" in member.get(ACME).content
        page = member.post(f"{ACME}new/", follow=True)
        inspector = Inspector.objects.get()
        assert inspector.address.encode() in page.content
        assert b"curl -d" in page.content
        prefilled = member.get(f"/p/acme/webhooks/new/?inspector={inspector.public_id}")
        assert inspector.address.encode() in prefilled.content
        own = f"{ACME}{inspector.public_id}/"
        member.post(own, {"answer_status": "503"})
        assert member.post(own, {"answer_status": "301"}).status_code == 422
        assert arrive(inspector, b'{"a": 1}', authorization="Bearer abc").status_code == 503
        assert b"Unsigned" in member.get(own).content
        shown = member.get(f"{own}{newest().public_id}/").content
        assert b"Bearer abc" not in shown
        assert b"&quot;a&quot;: 1" in shown
        member.post(f"{own}extend/")
        member.post(f"{own}close/")
        assert not Inspector.objects.exists()

    def test_no_more_than_a_few(self, acme: Partner) -> None:
        member = sign_in(acme)
        for _ in range(inspectors.MOST_OPEN + 1):
            page = member.post(f"{ACME}new/", follow=True)
        assert b"inspectors open" in page.content
        assert Inspector.objects.count() == inspectors.MOST_OPEN

    def test_strangers_get_404(self, acme: Partner, globex: Partner, inspector: Inspector) -> None:
        arrive(inspector)
        other = sign_in(globex)
        for rest in ("", "extend/", "close/", f"{newest().public_id}/"):
            for slug in ("acme", "globex"):
                assert other.get(f"/p/{slug}/webhooks/inspectors/{inspector.public_id}/{rest}").status_code == 404
                assert other.post(f"/p/{slug}/webhooks/inspectors/{inspector.public_id}/{rest}").status_code in {404, 405}
        assert Inspector.objects.exists()


def test_the_gateway_lets_through_what_anybody_sends(gateway: Any, acme: Partner) -> None:
    """With whatever key and body, which are not the gateway's to judge here; and nothing is metered."""
    inspector = inspectors.open_new(partner=acme, environment="live", by=SYSTEM)
    inspectors.answer_with(inspector=inspector, status=503)
    headers = {"authorization": "Bearer pk_live_nonsense", "content-type": "text/plain"}
    assert gateway.post(f"/hooks/{inspector.token}", {"a": 1}, headers=headers).status == 503
    seen = newest()
    assert (seen.method, json.loads(seen.body), seen.answered) == ("POST", {"a": 1}, 503)
    assert gateway.get(f"/hooks/{'a' * 32}").status == 404

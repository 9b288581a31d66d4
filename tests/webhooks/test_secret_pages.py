"""The signing secret on pages: shown again to who proves who it is, rotated with a choice of overlap, which can be ended."""

import html
from datetime import timedelta

import pytest
from django.test import Client

from core import clock
from core.models import Event, Payload, User
from local.sink import Sink
from partners.models import Member, Partner
from tests.webhooks.steps import deliver
from tests.webhooks.test_webhook_pages import sign_in
from webhooks import endpoints
from webhooks.models import Endpoint

pytestmark = pytest.mark.django_db

PASSWORD = "kumquat-sunrise-42"


def entered(partner: Partner, role: str = "developer") -> Client:
    """Somebody whose session is not fresh."""
    user = User.objects.create_user(f"{role}@{partner.slug}.example", PASSWORD)
    Member.objects.create(partner=partner, user=user, role=role)
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def root(endpoint: Endpoint) -> str:
    return f"/p/acme/webhooks/{endpoint.public_id}/"


def told(name: str) -> list[Event]:
    return list(Event.objects.filter(type=f"webhook.{name}"))


class TestShownAgain:
    def test_only_after_the_password(self, acme: Partner, endpoint: Endpoint, root: str) -> None:
        member = entered(acme)
        asked = member.get(f"{root}secret/")
        assert asked["Location"].startswith("/accounts/reauthenticate/")
        assert member.post(asked["Location"], {"password": PASSWORD})["Location"] == f"{root}secret/"
        assert endpoint.secret not in html.unescape(member.get(f"{root}secret/").content.decode())
        shown = member.post(f"{root}secret/")
        assert endpoint.secret in html.unescape(shown.content.decode())
        assert shown["Cache-Control"] == "no-store"

    def test_what_was_asked_for_is_done_after_the_password(self, acme: Partner, endpoint: Endpoint, root: str) -> None:
        member = entered(acme)
        asked = member.post(f"{root}secret/")
        assert asked["Location"].startswith("/accounts/reauthenticate/")
        assert not told("secret_shown")
        shown = member.post(asked["Location"], {"password": PASSWORD})
        assert endpoint.secret in html.unescape(shown.content.decode())
        assert shown["Cache-Control"] == "no-store"

    def test_it_is_written_down_without_the_secret(self, acme: Partner, endpoint: Endpoint, root: str) -> None:
        member = sign_in(acme)
        member.post("/accounts/reauthenticate/", {"password": "a long enough password"})
        member.post(f"{root}secret/")
        [event] = told("secret_shown")
        assert (event.subject, event.actor_kind) == (endpoint.public_id, "member")
        assert Payload.objects.get(pk=event.pk).data == {"endpoint_id": endpoint.public_id, "url": endpoint.url}

    def test_who_may_only_look_doesn_t_see_it(self, acme: Partner, globex: Partner, root: str) -> None:
        assert entered(acme, "viewer").get(f"{root}secret/").status_code == 403
        assert entered(globex).get(f"{root}secret/").status_code == 404

    def test_a_private_key_is_shown_to_nobody(self, acme: Partner, endpoint: Endpoint, root: str) -> None:
        endpoints.rotate_secret(endpoint=endpoint, by=endpoints.SYSTEM, signature="ed25519")
        member = entered(acme)
        member.post("/accounts/reauthenticate/", {"password": PASSWORD})
        assert b"which nobody is shown" in member.get(f"{root}secret/").content
        assert b"whsk_" not in member.post(f"{root}secret/", follow=True).content
        assert not told("secret_shown")


class TestOverlap:
    @pytest.mark.parametrize(("chosen", "hours"), [({"overlap": "3600"}, 1), ({"overlap": "604800"}, 168), ({}, 24)])
    def test_as_long_as_was_chosen(
        self, acme: Partner, endpoint: Endpoint, root: str, sink: Sink, chosen: dict[str, str], hours: int
    ) -> None:
        member = sign_in(acme)
        now = clock.now()
        member.post(f"{root}rotate-secret/", chosen)
        endpoint.refresh_from_db()
        assert timedelta(hours=hours) <= endpoint.overlaps_until - now < timedelta(hours=hours, minutes=1)  # type: ignore[operator]
        assert "Old signature sent until" in member.get(root).content.decode()
        member.post(f"{root}test/", {"event_type": "webhook.test"})
        deliver()
        assert sink.wait_for("webhook.test")["verified"], "by the secret of before"
        clock.tick(timedelta(hours=hours, minutes=1))
        assert "Old signature sent until" not in member.get(root).content.decode()

    def test_none_at_all(self, acme: Partner, endpoint: Endpoint, root: str) -> None:
        sign_in(acme).post(f"{root}rotate-secret/", {"overlap": "0"})
        endpoint.refresh_from_db()
        assert (endpoint.overlaps_until, endpoint.previous_secret) == (None, None)

    def test_no_other_length(self, acme: Partner, endpoint: Endpoint, root: str) -> None:
        assert sign_in(acme).post(f"{root}rotate-secret/", {"overlap": "9999999"}).status_code == 422

    def test_it_is_ended(self, acme: Partner, endpoint: Endpoint, root: str, sink: Sink) -> None:
        member = sign_in(acme)
        member.post(f"{root}rotate-secret/", {})
        assert "End the overlap now" in member.get(root).content.decode()
        member.post(f"{root}end-overlap/")
        endpoint.refresh_from_db()
        assert (endpoint.overlaps_until, endpoint.previous_secret) == (None, None)
        assert len(told("overlap_ended")) == 1
        page = member.get(root).content.decode()
        assert "End the overlap now" not in page
        assert "No signature of before is being sent" in member.post(f"{root}end-overlap/", follow=True).content.decode()

"""Webhooks in the operators' console."""

import html
import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from core import clock
from core.actors import SYSTEM
from core.events import TYPES
from core.models import Event, User
from local.sink import Sink
from partners.models import Partner
from tests.webhooks.steps import deliver, make_endpoint, publish, seal_all
from tests.webhooks.test_webhook_pages import sign_in
from webhooks import circuits, endpoints, halts, replays
from webhooks.metrics import DeliveriesCollector
from webhooks.models import Delivery, Endpoint, EventType

pytestmark = pytest.mark.django_db

SCHEMA = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}


@pytest.fixture
def console(settings) -> Client:
    settings.OPERATOR_MFA_REQUIRED = False
    user = User.objects.create_superuser("operator@portico.example", "a long enough password")
    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def act(console: Client, model: str, action: str, row: Endpoint | Delivery) -> None:
    """From the list, confirmed."""
    form = {"action": action, "_selected_action": [str(row.pk)], "_sure": "1", "_form_submitted": "True"}
    console.post(f"/admin/webhooks/{model}/", form)


def do(console: Client, row: Endpoint, deed: str, **asked: str) -> None:
    """By the button on its page, and the dialog after it."""
    answer = console.post(f"/admin/webhooks/endpoint/{row.pk}/{deed}/", {**asked, "_form_submitted": "True"})
    assert "HX-Redirect" in answer.headers, answer.content.decode()[:2000]


def test_endpoints_are_seen_without_secrets(console: Client, endpoint: Endpoint) -> None:
    for path in ("", f"{endpoint.pk}/change/", f"?q={endpoint.public_id}", "?q=acme"):
        page = console.get(f"/admin/webhooks/endpoint/{path}")
        assert page.status_code == 200
        assert endpoint.url.encode() in page.content
        assert endpoint.secret.encode() not in page.content


def test_public_key_is_seen_and_the_private_one_is_not(console: Client, endpoint: Endpoint) -> None:
    endpoints.rotate_secret(endpoint=endpoint, by=SYSTEM, signature="ed25519")
    page = html.unescape(console.get(f"/admin/webhooks/endpoint/{endpoint.pk}/change/").content.decode())
    assert endpoint.public_key in page
    assert endpoint.secret not in page


def test_pause_and_enable(console: Client, endpoint: Endpoint) -> None:
    for action, status in (("pause", "paused"), ("pause", "paused"), ("enable", "active")):
        act(console, "endpoint", f"{action}_selected", endpoint)
        endpoint.refresh_from_db()
        assert endpoint.status == status
    paused = Event.objects.get(type="webhook.paused")
    assert (paused.actor_kind, paused.actor_label) == ("operator", "operator@portico.example")


def test_delivery_is_explained_and_sent_again(console: Client, acme: Partner, endpoint: Endpoint, sink: Sink) -> None:
    publish(acme)
    deliver()
    delivery = Delivery.objects.get()
    page = console.get(f"/admin/webhooks/delivery/{delivery.pk}/change/")
    assert b"Your server answered 204." in page.content
    act(console, "delivery", "send_again_selected", delivery)
    deliver()
    assert len(sink.deliveries) == 2


def test_deliveries_are_narrowed_by_the_filters(console: Client, acme: Partner, globex: Partner) -> None:
    for partner, environment in ((acme, "live"), (acme, "test"), (globex, "live")):
        make_endpoint(partner, "https://hooks.example/in", environment=environment)
        publish(partner, environment=environment)
    seal_all()
    Delivery.objects.filter(partner=globex).update(status="failed")

    def found(**asked: str) -> list[tuple[str, str]]:
        listed = console.get("/admin/webhooks/delivery/", asked).context["cl"].result_list
        return sorted((row.partner.slug, row.environment) for row in listed)

    today, yesterday = f"{clock.now():%Y-%m-%d}", f"{clock.now() - timedelta(days=1):%Y-%m-%d}"
    assert found() == [("acme", "live"), ("acme", "test"), ("globex", "live")]
    assert found(of="acme") == found(of=acme.public_id) == found(of="ACME") == [("acme", "live"), ("acme", "test")]
    assert found(environment__exact="test") == [("acme", "test")]
    assert found(status__exact="failed", created_at_from=today) == [("globex", "live")]
    assert found(of="acme", status__exact="failed") == found(of="nobody") == found(created_at_to=yesterday) == []


def test_event_type_is_added_once(console: Client) -> None:
    facts = {"name": "lesson.started", "description": "A lesson.", "schema": json.dumps({"type": "object"}), "example": "{}"}
    assert console.post("/admin/webhooks/eventtype/add/", facts).status_code == 302
    assert EventType.objects.get().name == "lesson.started"
    assert Event.objects.get(type="event_type.created").data == {"name": "lesson.started", "description": "A lesson."}
    for wrong in ({"name": "lesson.started"}, {"name": "course.completed"}, {"schema": json.dumps({"type": "x"}), "name": "a.b"}):
        assert console.post("/admin/webhooks/eventtype/add/", facts | wrong).status_code == 200
    assert EventType.objects.count() == 1


class TestOwnType:
    @pytest.fixture
    def lesson(self, console: Client) -> EventType:
        facts = {"name": "lesson.started", "description": "A lesson.", "schema": json.dumps(SCHEMA), "example": '{"n": 1}'}
        console.post("/admin/webhooks/eventtype/add/", facts)
        return EventType.objects.get()

    def test_is_changed_by_version(self, console: Client, lesson: EventType) -> None:
        place = f"/admin/webhooks/eventtype/{lesson.pk}/change/"
        other = {"description": "A lesson.", "schema": '{"type": "object"}', "example": "{}"}
        refused = console.post(place, other)
        assert (refused.status_code, b"/schema/properties/n" in refused.content) == (200, True)
        assert console.post(place, other | {"new_version": "on"}).status_code == 302
        lesson.refresh_from_db()
        assert (lesson.version, lesson.schema, lesson.versions.get().schema) == (2, {"type": "object"}, SCHEMA)

    def test_page_says_who_subscribes_and_it_is_retired_there(self, console: Client, lesson: EventType, acme: Partner) -> None:
        make_endpoint(acme, "https://hooks.example/in", "lesson.started")
        place = f"/admin/webhooks/eventtype/{lesson.pk}"
        assert b"1 endpoint: acme (1)" in console.get(f"{place}/change/").content
        console.post(f"{place}/retire/", {"_form_submitted": "True"})
        lesson.refresh_from_db()
        assert lesson.state == "retired"
        console.post(f"{place}/restore/", {"_form_submitted": "True"})
        lesson.refresh_from_db()
        assert lesson.state == "in_use"


class TestPublish:
    PLACE = "/admin/webhooks/eventtype/publish/"

    def asked(self, console: Client, **facts: str) -> dict[str, str]:
        """What the form holds when it opens, changed."""
        form = console.get(f"{self.PLACE}?type=course.completed").context["form"]
        return {field.html_name: field.value() or "" for field in form} | facts

    def test_counts_first_and_publishes_once(self, console: Client, acme: Partner, globex: Partner) -> None:
        for partner in (acme, globex):
            make_endpoint(partner, "https://hooks.example/in", "course.*")
        asked = self.asked(console)
        counted = console.post(self.PLACE, asked)
        assert counted.context["told"] == 2
        assert not Event.objects.filter(type="course.completed").exists()
        for _ in range(2):
            assert console.post(self.PLACE, asked | {"publish": counted.context["form"].mark}).status_code == 302
        event = Event.objects.get(type="course.completed")
        assert (event.partner_id, event.environment, event.actor_kind) == (None, "live", "operator")
        assert event.data == TYPES["course.completed"].example

    def test_opens_with_the_first_type_and_its_example(self, console: Client) -> None:
        form = console.get(self.PLACE).context["form"]
        assert form["type"].value() == "course.completed"
        assert json.loads(form["data"].value()) == TYPES["course.completed"].example

    def test_what_was_changed_since_is_counted_again(self, console: Client, acme: Partner) -> None:
        make_endpoint(acme, "https://hooks.example/in", "course.*", environment="test")
        asked = self.asked(console, partner="acme")
        mark = console.post(self.PLACE, asked).context["form"].mark
        again = console.post(self.PLACE, asked | {"environment": "test", "publish": mark})
        assert (again.status_code, again.context["told"]) == (200, 1)
        assert not Event.objects.filter(type="course.completed").exists()

    @pytest.mark.parametrize(
        ("wrong", "said"),
        [
            ({"data": '{"course_id": 7}'}, "/data/course_id"),
            ({"data": "[1]"}, "is a JSON object"),
            ({"data": r'{"course_id": "\u0000"}'}, "NUL character"),
            ({"partner": "nobody"}, "There is no such partner."),
            ({"type": "partner.created"}, "Select a valid choice."),
        ],
    )
    def test_what_does_not_fit_is_said(self, console: Client, wrong: dict[str, str], said: str) -> None:
        page = console.post(self.PLACE, self.asked(console, **wrong))
        assert (page.status_code, said in page.content.decode()) == (422, True)
        assert not Event.objects.filter(type="course.completed").exists()


class TestQueue:
    def test_shows_what_waits_and_who_fails(self, console: Client, acme: Partner, globex: Partner, sink: Sink) -> None:
        failing, well = make_endpoint(acme, "http://127.0.0.1:21399/none"), make_endpoint(globex, sink)
        for _ in range(circuits.FAILURES):
            publish(acme)
        publish(globex)
        deliver()
        publish(globex)
        seal_all()
        clock.tick(timedelta(seconds=5))
        page = console.get("/admin/webhooks/endpoint/queue/")
        shown = page.context
        assert (shown["depth"].due, shown["depth"].held, shown["depth"].later) == (1, 10, 0)
        assert 5 <= shown["depth"].oldest_seconds < 30
        assert shown["minute"] == shown["hour"] == {"succeeded": 1, "failed": 10}
        text = page.content.decode()
        assert failing.url in text
        assert well.url not in text
        assert "Next try at" in text
        assert failing.secret not in text

    def test_is_told_to_prometheus(self, acme: Partner, endpoint: Endpoint) -> None:
        publish(acme)
        seal_all()
        found = {(m.name, s.labels.get("state", "")): s.value for m in DeliveriesCollector().collect() for s in m.samples}
        assert found["portico_webhook_deliveries", "due"] == 1
        assert found["portico_webhook_endpoints_failing", ""] == 0
        assert found["portico_webhook_oldest_due_seconds", ""] >= 0


class TestAllOfAPartner:
    def test_paused_with_a_reason_and_resumed(self, console: Client, acme: Partner, globex: Partner, sink: Sink) -> None:
        first, own = make_endpoint(acme, sink), make_endpoint(acme, sink.url)
        other = make_endpoint(globex, sink.url)
        endpoints.pause(endpoint=own, by=SYSTEM)
        do(console, first, "pause-all", reason="You asked us to stop.")
        publish(acme)
        assert deliver() == []
        first.refresh_from_db()
        assert (first.status, first.status_reason) == ("paused", "You asked us to stop.")
        with pytest.raises(endpoints.PausedByOperator):
            endpoints.enable(endpoint=first, by=SYSTEM)
        assert make_endpoint(acme, sink.url).status == "paused"
        other.refresh_from_db()
        assert other.status == "active"
        do(console, first, "resume-all")
        assert [outcome.succeeded for outcome in deliver()] == [True]
        assert sorted(Endpoint.objects.filter(partner=acme).values_list("status", flat=True)) == ["active", "active", "paused"]
        told = Event.objects.filter(type__in=["webhook.all_paused", "webhook.all_resumed"]).order_by("id")
        assert [(event.type, event.actor_label) for event in told] == [
            ("webhook.all_paused", "operator@portico.example"),
            ("webhook.all_resumed", "operator@portico.example"),
        ]

    def test_partner_reads_why(self, acme: Partner, endpoint: Endpoint, mailoutbox: Any) -> None:
        member = sign_in(acme)
        halts.halt(partner=acme, reason="You asked us to stop.", by=SYSTEM)
        seal_all()
        for path in ("", f"{endpoint.public_id}/"):
            assert "You asked us to stop." in member.get(f"/p/acme/webhooks/{path}").content.decode()
        assert [mail.subject for mail in mailoutbox] == ["Acme: we paused your webhooks"]
        assert "You asked us to stop." in mailoutbox[0].body

    def test_twice_is_a_conflict(self, acme: Partner) -> None:
        with pytest.raises(halts.NotHalted):
            halts.resume(partner=acme, by=SYSTEM)
        halts.halt(partner=acme, reason="Once.", by=SYSTEM)
        with pytest.raises(halts.HaltedAlready):
            halts.halt(partner=acme, reason="Twice.", by=SYSTEM)


def test_operator_replays(console: Client, acme: Partner, endpoint: Endpoint, sink: Sink) -> None:
    publish(acme)
    deliver()
    do(console, endpoint, "replay", hours="1", only_failed="on")
    assert deliver() == []
    do(console, endpoint, "replay", hours="1")
    deliver()
    assert len(sink.deliveries) == 2


class TestReplays:
    def test_is_seen_and_stopped(self, console: Client, acme: Partner, globex: Partner, endpoint: Endpoint, sink: Sink) -> None:
        for _number in range(3):
            publish(acme)
        deliver()
        replay = replays.start(endpoint=endpoint, selection=replays.Selection(), by=SYSTEM)
        assert replay is not None
        listed = console.get("/admin/webhooks/replay/", {"status__exact": "sending", "of": acme.public_id})
        assert endpoint.url in listed.content.decode()
        assert not console.get("/admin/webhooks/replay/", {"of": globex.public_id}).context["cl"].result_list
        page = console.get(f"/admin/webhooks/replay/{replay.pk}/change/").content.decode()
        assert "0%: 0 of 3 sent" in page
        assert endpoint.secret not in page
        answer = console.post(f"/admin/webhooks/replay/{replay.pk}/stop/", {"_form_submitted": "True"})
        assert "HX-Redirect" in answer.headers
        replay.refresh_from_db()
        assert replay.status == "cancelled"
        assert Event.objects.get(type="webhook.replay_cancelled").actor_label == "operator@portico.example"
        assert not deliver()

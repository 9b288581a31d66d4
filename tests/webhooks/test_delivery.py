"""From an event to a signed POST, and what becomes of each answer."""

import http.server
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from standardwebhooks import Webhook

from core import clock
from core.models import Event
from local.sink import Sink
from partners.models import Partner
from tests.webhooks.steps import deliver, make_endpoint, publish, seal_all
from webhooks import deliveries, endpoints, schedule
from webhooks.claims import Outcome, claim, write
from webhooks.models import Attempt, Delivery, Endpoint

pytestmark = pytest.mark.django_db


class Scripted(http.server.HTTPServer):
    """A receiver that answers as told: status, headers, body."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Scripted)
        self.answers: list[tuple[int, dict[str, str], bytes]] = []
        self.paths: list[str] = []
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook"


class _Scripted(http.server.BaseHTTPRequestHandler):
    server: Scripted

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.paths.append(self.path)
        status, headers, body = self.server.answers.pop(0) if self.server.answers else (200, {}, b"")
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Scripted]:
    running = Scripted()
    yield running
    running.shutdown()
    running.server_close()


class TestSent:
    """What arrives is what Standard Webhooks and API.md promise."""

    def test_arrives_signed(self, acme: Partner, endpoint: Endpoint, sink: Sink) -> None:
        event = publish(acme, course_id="c_1", user_id="u_1", completed_at="2026-01-31T12:00:00Z")
        deliver()
        arrived = sink.wait_for("course.completed")
        assert arrived["verified"]
        assert arrived["headers"]["webhook-id"] == event.public_id
        assert arrived["body"] == {
            "id": event.public_id,
            "type": "course.completed",
            "timestamp": event.created_at.isoformat().replace("+00:00", "Z"),
            "partner_id": acme.public_id,
            "data": {"course_id": "c_1", "user_id": "u_1", "completed_at": "2026-01-31T12:00:00Z"},
        }
        delivery = Delivery.objects.get()
        assert (delivery.status, delivery.attempt_count, delivery.status_code) == ("succeeded", 1, 204)

    def test_both_secrets_sign_during_rotation(self, acme: Partner, endpoint: Endpoint, sink: Sink) -> None:
        new = endpoints.rotate_secret(endpoint=endpoint, by=endpoints.SYSTEM, overlap=timedelta(hours=1))
        publish(acme)
        deliver()
        arrived = sink.wait_for("course.completed")
        assert len(arrived["headers"]["webhook-signature"].split(" ")) == 2
        assert arrived["verified"], "the old secret still verifies"
        Webhook(new).verify(arrived["raw"], arrived["headers"])

    def test_who_rotates_after_another_keeps_the_others_secret(self, endpoint: Endpoint) -> None:
        as_it_was = Endpoint.objects.get(pk=endpoint.pk)
        others = endpoints.rotate_secret(endpoint=endpoint, by=endpoints.SYSTEM)
        own = endpoints.rotate_secret(endpoint=as_it_was, by=endpoints.SYSTEM)
        as_it_was.refresh_from_db()
        assert (as_it_was.secret, as_it_was.previous_secret) == (own, others)

    def test_both_kinds_sign_while_one_follows_the_other(self, acme: Partner, endpoint: Endpoint, sink: Sink) -> None:
        assert endpoints.rotate_secret(endpoint=endpoint, by=endpoints.SYSTEM, signature="ed25519") is None
        publish(acme)
        deliver()
        arrived = sink.wait_for("course.completed")
        assert [each.partition(",")[0] for each in arrived["headers"]["webhook-signature"].split(" ")] == ["v1a", "v1"]
        assert arrived["verified"], "the old secret still verifies"

    def test_old_secret_ends_with_the_overlap(self, acme: Partner, endpoint: Endpoint, sink: Sink) -> None:
        endpoints.rotate_secret(endpoint=endpoint, by=endpoints.SYSTEM, overlap=timedelta(hours=1))
        publish(acme)
        seal_all()
        assert {len(claimed.secrets) for claimed in claim(10, cap=5, in_flight={})} == {2}
        clock.tick(timedelta(hours=1, seconds=1))
        endpoint.refresh_from_db()
        assert {claimed.secrets for claimed in claim(10, cap=5, in_flight={})} == {(endpoint.secret,)} != {(sink.secret,)}

    def test_secret_is_encrypted_at_rest(self, endpoint: Endpoint, sink: Sink) -> None:
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute("SELECT secret FROM webhooks_endpoint")
            assert sink.secret.encode() not in bytes(cursor.fetchone()[0])


class TestRetry:
    """A failed attempt is followed by the next of the schedule, and the eighth is the last."""

    def test_schedule_to_its_end(self, acme: Partner, server: Scripted) -> None:
        endpoint = make_endpoint(acme, server.url)
        publish(acme)
        server.answers = [(500, {}, b"boom")] * 20
        for step in range(8):
            assert len(deliver()) == 1, f"attempt {step + 1} is due"
            delivery = Delivery.objects.get()
            if step < 7:
                assert delivery.status == "pending"
                wait = delivery.due_at - clock.now()
                planned = schedule.SCHEDULE[step + 1]
                assert planned * 0.8 - timedelta(seconds=1) <= wait <= planned * 1.2
                assert deliver() == [], "nothing is due before its time"
                clock.tick(wait + timedelta(milliseconds=1))
        delivery = Delivery.objects.get()
        assert (delivery.status, delivery.attempt_count) == ("failed", 8)
        failed = Event.objects.get(type="webhook.delivery_failed")
        assert failed.subject == endpoint.public_id
        assert failed.data is not None
        assert failed.data["delivery_id"] == delivery.public_id
        assert [attempt.number for attempt in Attempt.objects.of(delivery)] == list(range(1, 9))

    def test_jitter_stays_in_bounds_and_varies(self) -> None:
        waits = {schedule.wait_after(1) for _ in range(500)}
        assert len(waits) > 100
        assert min(waits) >= timedelta(minutes=4)
        assert max(waits) <= timedelta(minutes=6)

    @pytest.mark.parametrize(
        ("asked", "least", "most"), [("120", 120, 120), ("1", 4, 6), ("999999999", 36_000, 36_000), ("soon", 4, 6)]
    )
    def test_retry_after(self, acme: Partner, server: Scripted, asked: str, least: int, most: int) -> None:
        make_endpoint(acme, server.url)
        publish(acme)
        server.answers = [(429, {"Retry-After": asked}, b"")]
        before = clock.now()
        deliver()
        wait = Delivery.objects.get().due_at - before
        assert timedelta(seconds=least) <= wait <= timedelta(seconds=most + 2)

    def test_retry_after_as_a_date(self) -> None:
        now = clock.now().replace(year=2026, month=1, day=1, hour=12, minute=0, second=0, microsecond=0)
        assert schedule.read_retry_after("Thu, 01 Jan 2026 12:00:30 GMT", now=now) == timedelta(seconds=30)
        assert schedule.read_retry_after("Thu, 01 Jan 2026 11:00:00 GMT", now=now) is None

    def test_redirect_is_a_failure_explained(self, acme: Partner, server: Scripted, sink: Sink) -> None:
        make_endpoint(acme, server.url)
        publish(acme)
        server.answers = [(301, {"Location": sink.url}, b"")]
        deliver()
        delivery = Delivery.objects.get()
        assert delivery.status == "pending"
        assert "301" in delivery.explanation
        assert "redirects" in delivery.explanation
        assert not sink.deliveries

    def test_nothing_listening_is_explained(self, acme: Partner) -> None:
        make_endpoint(acme, "http://127.0.0.1:21399/none")
        publish(acme)
        deliver()
        attempt = Attempt.objects.get()
        assert attempt.status_code is None
        assert "nothing listens" in attempt.explanation

    def test_attempt_keeps_request_and_answer(self, acme: Partner, server: Scripted) -> None:
        make_endpoint(acme, server.url)
        event = publish(acme)
        server.answers = [(503, {"X-Trace": "abc"}, "nö\x00pe".encode() + b"\xff")]
        deliver()
        attempt = Attempt.objects.get()
        assert attempt.request_headers["webhook-id"] == event.public_id
        assert attempt.response_headers["x-trace"] == "abc"
        assert attempt.response_body == "nö�pe�"
        assert not attempt.succeeded

    def test_resend_starts_the_schedule_anew(self, acme: Partner, server: Scripted) -> None:
        make_endpoint(acme, server.url)
        publish(acme)
        server.answers = [(500, {}, b"")]
        deliver()
        Delivery.objects.update(status="failed", step=7)
        delivery = Delivery.objects.select_related("endpoint").get()
        deliveries.retry(delivery=delivery, by=endpoints.SYSTEM)
        deliver()
        delivery.refresh_from_db()
        assert (delivery.status, delivery.attempt_count) == ("succeeded", 2)


class TestGone:
    """410 switches the endpoint off and holds what was to come."""

    def test_410_disables(self, acme: Partner, server: Scripted) -> None:
        endpoint = make_endpoint(acme, server.url, "course.*")
        publish(acme)
        server.answers = [(410, {}, b"")]
        deliver()
        endpoint.refresh_from_db()
        assert endpoint.status == "disabled"
        assert "410" in endpoint.status_reason
        assert Delivery.objects.get().status == "held"
        publish(acme)
        assert deliver() == []
        assert endpoints.enable(endpoint=endpoint, by=endpoints.SYSTEM) == 2
        assert [outcome.succeeded for outcome in deliver()] == [True, True]

    def test_410_of_an_address_it_has_left_says_nothing_of_the_new_one(self, acme: Partner, server: Scripted, sink: Sink) -> None:
        endpoint = make_endpoint(acme, server.url, "course.*")
        publish(acme)
        seal_all()
        [claimed] = claim(1, cap=1, in_flight={})
        endpoints.update(endpoint=endpoint, by=endpoints.SYSTEM, url=sink.url)
        write([Outcome(claimed, succeeded=False, explanation="Gone.", status_code=410, final=True)])
        endpoint.refresh_from_db()
        assert endpoint.status == "active"
        assert [outcome.succeeded for outcome in deliver()] == [True]


class TestPaused:
    """What happens while an endpoint is paused is held, then sent oldest first, or dropped."""

    def test_held_and_sent(self, acme: Partner, endpoint: Endpoint, sink: Sink) -> None:
        endpoints.pause(endpoint=endpoint, by=endpoints.SYSTEM)
        sent = [publish(acme).public_id for _ in range(3)]
        assert deliver() == []
        assert set(Delivery.objects.values_list("status", flat=True)) == {"held"}
        endpoints.enable(endpoint=endpoint, by=endpoints.SYSTEM)
        deliver()
        assert sorted(delivery["id"] for delivery in sink.deliveries) == sent

    def test_held_and_dropped(self, acme: Partner, endpoint: Endpoint) -> None:
        endpoints.pause(endpoint=endpoint, by=endpoints.SYSTEM)
        publish(acme)
        deliver()
        assert endpoints.enable(endpoint=endpoint, by=endpoints.SYSTEM, send_held=False) == 1
        assert deliver() == []
        assert Delivery.objects.get().status == "cancelled"

    def test_removed_gets_nothing_more(self, acme: Partner, endpoint: Endpoint, sink: Sink) -> None:
        publish(acme)
        endpoints.remove(endpoint=endpoint, by=endpoints.SYSTEM)
        publish(acme)
        assert deliver() == []
        assert not sink.deliveries

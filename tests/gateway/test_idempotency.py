"""Idempotency-Key through the gateway: for our own operations, and for integrations, where the other side may break."""

import gzip
import secrets
import socket
import threading
from datetime import timedelta

import pytest

from core import clock
from core.models import StoredAnswer
from gateway.shelf import Shelf
from tests.gateway.test_metering import records
from tests.oauth.flows import connected, issued
from usage.records import EPOCH, member


@pytest.fixture
def once() -> dict[str, str]:
    return {"Idempotency-Key": secrets.token_hex(8)}


class TestOurOwn:
    """Django stores the answer with the effect."""

    body = {"name": "CI", "environment": "test", "scopes": ["partner:read"]}

    def test_the_same_request_gets_the_same_answer_without_secrets(self, acme, once):
        first = acme.api.post("/keys", self.body, headers=once).expect(201)
        again = acme.api.post("/keys", self.body, headers=once).expect(201)
        assert again.headers["idempotent-replayed"] == "true"
        assert again["id"] == first["id"]
        assert first["key"].startswith("pk_test_")
        assert "key" not in again.json

    def test_another_request_is_refused(self, acme, once):
        acme.api.post("/keys", self.body, headers=once).expect(201)
        acme.api.post("/keys", {**self.body, "name": "Other"}, headers=once).expect_problem(422, "idempotency_mismatch")

    def test_keys_of_two_partners_have_nothing_to_do_with_each_other(self, acme, globex, once):
        first = acme.api.post("/keys", self.body, headers=once).expect(201)
        assert globex.api.post("/keys", self.body, headers=once).expect(201)["id"] != first["id"]


class TestIntegrations:
    """The gateway writes a row before it sends, and never sends twice by itself."""

    def test_the_same_request_is_sent_once(self, gateway, served, consumer, upstream, once):
        upstream.status, upstream.headers = 201, {"Content-Type": "text/plain", "Location": "/x/1"}
        first = gateway.post(f"{served.path}/x", b"{}", key=consumer.text, headers=once).expect(201)
        again = gateway.post(f"{served.path}/x", b"{}", key=consumer.text, headers=once).expect(201)
        assert "idempotent-replayed" not in first.headers
        assert again.headers["idempotent-replayed"] == "true"
        assert (again.body, again.headers["location"], again.headers["content-type"]) == (first.body, "/x/1", "text/plain")
        assert len(upstream.seen) == 1
        assert upstream.seen[0].header("Idempotency-Key") == once["Idempotency-Key"]

    @pytest.mark.parametrize("change", [{"body": b"[]"}, {"path": "/y"}])
    def test_another_request_is_refused(self, gateway, served, consumer, upstream, once, change):
        gateway.post(f"{served.path}/x", b"{}", key=consumer.text, headers=once).expect(200)
        path, body = change.get("path", "/x"), change.get("body", b"{}")
        gateway.post(served.path + path, body, key=consumer.text, headers=once).expect_problem(422, "idempotency_mismatch")

    def test_one_in_flight_is_said(self, gateway, served, consumer, upstream, once):
        upstream.gate.clear()
        results = []
        sender = threading.Thread(
            target=lambda: results.append(gateway.post(f"{served.path}/x", b"{}", key=consumer.text, headers=once))
        )
        sender.start()
        assert upstream.arrived.wait(10)
        gateway.post(f"{served.path}/x", b"{}", key=consumer.text, headers=once).expect_problem(409, "idempotency_in_flight")
        upstream.gate.set()
        sender.join(10)
        assert results[0].status == 200

    def test_after_a_break_the_outcome_is_unknown(self, gateway, served, consumer, upstream, once):
        upstream.breaks = True
        gateway.post(f"{served.path}/x", b"{}", key=consumer.text, headers=once).expect_problem(502, "upstream_unavailable")
        upstream.breaks = False
        gateway.post(f"{served.path}/x", b"{}", key=consumer.text, headers=once).expect_problem(409, "outcome_unknown")
        assert len(upstream.seen) == 1

    def test_after_a_killed_gateway_the_outcome_is_unknown(self, gateway, served, consumer, upstream, once):
        gateway.post(f"{served.path}/x", b"{}", key=consumer.text, headers=once).expect(200)
        rows = StoredAnswer.objects.filter(key=once["Idempotency-Key"])
        rows.update(status=None, body=None, headers={"epoch": "0" * 32})  # as a process that is gone leaves it
        gateway.post(f"{served.path}/x", b"{}", key=consumer.text, headers=once).expect_problem(409, "outcome_unknown")
        assert len(upstream.seen) == 1

    def test_what_never_left_may_be_sent_again(self, gateway, served, consumer, upstream, once):
        upstream.stop()
        for _ in range(2):
            gateway.post(f"{served.path}/x", b"{}", key=consumer.text, headers=once).expect_problem(502, "upstream_unavailable")
        assert not StoredAnswer.objects.filter(key=once["Idempotency-Key"]).exists()

    @pytest.mark.parametrize("kind", ["large", "chunked", "stream"])
    def test_what_is_not_kept_says_so(self, gateway, served, consumer, upstream, once, kind):
        large = b"x" * (1 << 20) + b"y"
        upstream.body = {"large": large, "chunked": [large], "stream": [b"data: 1\n\n"]}[kind]
        upstream.headers = {"Content-Type": "text/event-stream" if kind == "stream" else "text/plain"}
        answer = gateway.post(f"{served.path}/x", b"{}", key=consumer.text, headers=once).expect(200)
        assert answer.headers["idempotent-stored"] == "false"
        assert answer.body == (upstream.body if kind == "large" else b"".join(upstream.body))
        gateway.post(f"{served.path}/x", b"{}", key=consumer.text, headers=once).expect_problem(409, "outcome_unknown")
        assert len(upstream.seen) == 1

    def test_an_encoded_answer_comes_back_as_what_it_is(self, gateway, served, consumer, upstream, once):
        upstream.body = gzip.compress(b"{}")
        upstream.headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
        answers = [gateway.post(f"{served.path}/x", b"{}", key=consumer.text, headers=once).expect(200) for _ in range(2)]
        assert [(each.headers["content-encoding"], gzip.decompress(each.body)) for each in answers] == [("gzip", b"{}")] * 2

    def test_an_application_reads_no_stored_answers_of_the_partner(
        self, gateway, served, consumer, acme, initech, upstream, once
    ):
        token = connected(acme.partner, issued(initech.partner), scope="requests:read")["access_token"]
        gateway.post(f"{served.path}/x", b"{}", key=consumer.text, headers=once).expect(200)
        other = gateway.post(f"{served.path}/x", b"{}", headers={"Authorization": f"Bearer {token}", **once}).expect(200)
        assert "idempotent-replayed" not in other.headers
        assert len(upstream.seen) == 2

    def test_bodies_are_gathered_within_bounds(self, gateway, served, consumer, upstream, once, monkeypatch):
        monkeypatch.setattr(gateway.running.door.apis, "shelf", Shelf(10))
        refused = gateway.post(f"{served.path}/x", b"x" * 11, key=consumer.text, headers=once)
        refused.expect_problem(503, "temporarily_unavailable")
        gateway.post(f"{served.path}/x", b"x" * 10, key=consumer.text, headers=once).expect(200)
        assert [seen.body for seen in upstream.seen] == [b"x" * 10]

    def test_a_day_later_the_key_is_free(self, gateway, served, consumer, upstream, once):
        gateway.post(f"{served.path}/x", b"{}", key=consumer.text, headers=once).expect(200)
        StoredAnswer.objects.filter(key=once["Idempotency-Key"]).update(created_at=clock.now() - timedelta(hours=24))
        gateway.post(f"{served.path}/x", b"[]", key=consumer.text, headers=once).expect(200)
        assert len(upstream.seen) == 2

    def test_answers_are_encrypted_at_rest(self, gateway, served, consumer, upstream, once):
        from django.db import connection

        upstream.body = b"a secret of theirs"
        gateway.post(f"{served.path}/x", b"{}", key=consumer.text, headers=once).expect(200)
        with connection.cursor() as cursor:
            cursor.execute("SELECT body FROM core_storedanswer WHERE key = %s", [once["Idempotency-Key"]])
            assert b"secret" not in bytes(cursor.fetchone()[0])

    def test_a_key_out_of_form_is_refused(self, gateway, served, consumer, upstream):
        headers = {"Idempotency-Key": "x" * 256}
        gateway.post(f"{served.path}/x", b"{}", key=consumer.text, headers=headers).expect_problem(422, "validation_error")
        assert upstream.seen == []


class TestReplays:
    """What is answered from the store is no call that anybody pays for."""

    @pytest.fixture(params=["ours", "an upstream's"])
    def post(self, request, gateway, acme, served, consumer, once):
        path, body = ("/api/partner/keys", TestOurOwn.body) if request.param == "ours" else (f"{served.path}/x", {})
        key = acme.key() if request.param == "ours" else consumer
        return lambda: gateway.post(path, body, key=key.text, headers=once)

    def test_a_replay_is_recorded_and_neither_billed_nor_counted_in_the_quota(self, post, acme, redis, eventually):
        first, again = post(), post()
        assert (again.status, again.headers["idempotent-replayed"]) == (first.status, "true")
        both = eventually(lambda: found if len(found := records(redis, acme.partner)) == 2 else None)
        assert [record.metered for _, record in both] == [True, False]
        [(_, used)] = redis.hgetall(f"quota:{acme.partner.pk.hex}:live").items()
        assert int(used) == 1
        eventually(lambda: redis.hget(EPOCH.format(both[0][0]), member(acme.partner.pk, "live")) == b"1")

    def test_what_never_reached_the_upstream_is_not_either(
        self, gateway, served, consumer, upstream, acme, redis, eventually, once
    ):
        gateway.post(f"{served.path}/x", b"{}", key=consumer.text, headers=once).expect(200)
        gateway.post(f"{served.path}/x", b"[]", key=consumer.text, headers=once).expect(422)
        gateway.get(f"{served.path}/x", key=consumer.text, headers={"Upgrade": "websocket", "Connection": "Upgrade"}).expect(400)
        told = eventually(lambda: found if len(found := records(redis, acme.partner)) == 3 else None)
        assert [(record.status, record.metered) for _, record in told] == [(200, True), (422, False), (400, False)]
        assert redis.hvals(f"quota:{acme.partner.pk.hex}:live") == [b"1"]

    def test_a_client_that_leaves_while_it_waits_for_a_connection_has_sent_nothing(
        self, gateway, served, consumer, upstream, settings, acme, redis, eventually, once
    ):
        settings.UPSTREAM_CONNECTIONS = 1
        upstream.gate.clear()
        first = threading.Thread(target=gateway.get, args=(f"{served.path}/x",), kwargs={"key": consumer.text})
        first.start()
        upstream.arrived.wait(10)
        lines = {"Host": "x", "X-API-Key": consumer.text, "Content-Length": "2", **once}
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        with socket.create_connection(("127.0.0.1", gateway.port), timeout=10) as wire:
            wire.sendall(f"POST {served.path}/x HTTP/1.1\r\n{head}\r\n{{}}".encode())
            eventually(StoredAnswer.objects.filter(key=once["Idempotency-Key"]).exists)
        [(_, left)] = eventually(lambda: records(redis, acme.partner))
        assert (left.status, left.metered) == (499, False)
        upstream.gate.set()
        first.join()
        gateway.post(f"{served.path}/x", b"{}", key=consumer.text, headers=once).expect(200)
        assert [request.method for request in upstream.seen] == ["GET", "POST"]

"""Published integrations under `/apis/<slug>/`: who may call, what the upstream learns, what comes back."""

import hashlib
import hmac
import http.client
import socket
import time

import pytest

from core.actors import SYSTEM
from marketplace import installations, integrations
from marketplace.models import Installation
from partners import partners


def test_a_call_reaches_the_upstream_and_its_answer_the_caller(gateway, served, consumer, upstream):
    upstream.status, upstream.headers = 201, {"Content-Type": "text/plain", "X-Own": "kept"}
    answer = gateway.request("PUT", f"{served.path}/places/caf%C3%A9?unit=%2FC", b"body", key=consumer.text)
    assert (answer.expect(201).body, answer.headers["x-own"]) == (upstream.body, "kept")
    seen = upstream.seen[0]
    assert (seen.method, seen.target, seen.body) == ("PUT", "/base/places/caf%C3%A9?unit=%2FC", b"body")
    assert '"month";r=' in answer.headers["ratelimit"]


def test_the_upstream_learns_who_calls_and_gets_no_credential(gateway, served, consumer, acme, upstream):
    headers = {
        "Cookie": "session=1",
        "X-API-Secret": "s",
        "X-Partner-Id": "forged",
        "X-Portico-Signature": "forged",
        "X-Original-URL": "/admin",
        "X-Rewrite-URL": "/admin",
        "X-Mine": "1",
    }
    answer = gateway.get(f"{served.path}/x", key=consumer.text, headers=headers).expect(200)
    seen = upstream.seen[0]
    assert seen.header("X-Partner-Id") == acme.partner.public_id
    assert seen.header("X-Key-Id") == consumer.key.public_id
    assert seen.header("X-Request-Id") == answer.headers["x-request-id"]
    assert seen.header("X-Mine") == "1"
    assert seen.header("Host") == upstream.url.split("/")[2]
    names = {name.lower() for name, _ in seen.headers}
    assert names.isdisjoint({"cookie", "x-api-key", "x-api-secret", "authorization", "portico-identity", "x-forwarded-for"})
    assert names.isdisjoint({"x-original-url", "x-rewrite-url"})  # some servers take it for the path
    assert consumer.text not in str(seen.headers)


def test_the_upstream_is_told_of_a_test_call(gateway, served, consumer, acme, upstream):
    installations.install(integration=served.integration, partner=acme.partner, environment="test", by=SYSTEM)
    tester = acme.key(environment="test", scopes=["requests:read"])
    forged = {"X-Portico-Environment": "test"}
    assert gateway.get(f"{served.path}/x", key=tester.text).expect(200).headers["x-portico-environment"] == "test"
    gateway.get(f"{served.path}/x", key=consumer.text, headers=forged).expect(200)
    told = [seen.header("X-Portico-Environment") for seen in upstream.seen]
    assert told == ["test", None]


def test_the_upstream_can_check_the_signature(gateway, served, consumer, upstream):
    gateway.post(f"{served.path}/x?y=1", b"{}", key=consumer.text).expect(200)
    seen = upstream.seen[0]
    fields = dict(part.split("=", 1) for part in seen.header("X-Portico-Signature").split(","))
    names = ("X-Request-Id", "X-Partner-Id", "X-Key-Id")
    told = "\n".join([fields["t"], *(seen.header(name) for name in names), seen.method, seen.target])
    assert fields["v1"] == hmac.digest(served.secret.encode(), told.encode(), hashlib.sha256).hex()
    assert abs(int(fields["t"]) - time.time()) < 5


def test_answers_can_do_nothing_in_our_name(gateway, served, consumer, upstream):
    upstream.headers = {
        "Content-Type": "text/html", "Set-Cookie": "a=b", "Clear-Site-Data": '"*"', "X-Portico-Identity": "x",
        "X-Request-Id": "theirs", "Content-Security-Policy": "default-src *", "Connection": "X-Hop", "X-Hop": "1",
        "X-Accel-Redirect": "/private/", "X-Sendfile": "/etc/passwd",
    }  # fmt: skip
    answer = gateway.get(f"{served.path}/x", key=consumer.text).expect(200)
    assert set(answer.headers).isdisjoint({"set-cookie", "clear-site-data", "x-portico-identity", "x-hop"})
    assert set(answer.headers).isdisjoint({"x-accel-redirect", "x-sendfile"})  # to an nginx in front they are commands
    assert answer.headers["x-request-id"].startswith("call_")
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"


def test_redirects_are_passed_on(gateway, served, consumer, upstream):
    upstream.status, upstream.headers = 302, {"Location": "http://127.0.0.1:1/elsewhere"}
    assert gateway.get(f"{served.path}/x", key=consumer.text).expect(302).headers["location"] == "http://127.0.0.1:1/elsewhere"
    assert len(upstream.seen) == 1


@pytest.mark.parametrize("rest", ["/../x", "/%2e%2e/x", "/..%2fx", "/%5c..%5cx", "//x", "/a/.."])
def test_no_path_leads_out_of_the_upstreams_base(gateway, served, consumer, upstream, rest):
    said = f"GET {served.path}{rest} HTTP/1.1\r\nHost: x\r\nX-API-Key: {consumer.text}\r\nConnection: close\r\n\r\n"
    assert gateway.raw(said.encode()).startswith(b"HTTP/1.1 400 ")
    assert upstream.seen == []


def test_only_those_who_installed_it_may_call(gateway, served, initech):
    gateway.get(f"{served.path}/x", key=initech.key().text).expect_problem(403, "not_installed")
    gateway.get(f"{served.path}/x").expect_problem(401, "missing_credential")


def test_the_scope_that_it_asks_for_is_needed(gateway, served, consumer, acme):
    answer = gateway.get(f"{served.path}/x", key=acme.key(scopes=["partner:read"]).text)
    assert answer.expect_problem(403, "insufficient_scope")["scope"] == "requests:read"


def test_uninstalling_holds_on_the_very_next_call(gateway, served, consumer, acme):
    gateway.get(f"{served.path}/x", key=consumer.text).expect(200)
    installation = Installation.objects.get(partner=acme.partner, integration=served.integration)
    installations.uninstall(installation=installation, by=SYSTEM)
    gateway.get(f"{served.path}/x", key=consumer.text).expect_problem(403, "not_installed")


def test_suspending_holds_on_the_very_next_call(gateway, served, consumer):
    gateway.get(f"{served.path}/x", key=consumer.text).expect(200)
    integrations.suspend(integration=served.integration, reason="Abuse", by=SYSTEM)
    gateway.get(f"{served.path}/x", key=consumer.text).expect_problem(404, "not_found")


def test_a_suspended_owner_is_not_served_any_more(gateway, served, consumer, globex, eventually):
    gateway.get(f"{served.path}/x", key=consumer.text).expect(200)
    partners.suspend(partner=globex.partner, reason="Abuse", by=SYSTEM)
    eventually(lambda: gateway.get(f"{served.path}/x", key=consumer.text).status == 404, 3)


def test_a_dead_upstream_is_said(gateway, served, consumer, upstream):
    upstream.stop()
    gateway.get(f"{served.path}/x", key=consumer.text).expect_problem(502, "upstream_unavailable")


def test_an_upstream_that_breaks_off_is_said(gateway, served, consumer, upstream):
    upstream.breaks = True
    gateway.post(f"{served.path}/x", b"{}", key=consumer.text).expect_problem(502, "upstream_unavailable")


def test_a_slow_upstream_is_said(gateway, served, consumer, upstream):
    integrations.update(integration=served.integration, changes={"head_timeout": 1}, by=SYSTEM)
    upstream.gate.clear()
    gateway.get(f"{served.path}/x", key=consumer.text).expect_problem(504, "upstream_timeout")


def test_an_answer_is_streamed_as_it_comes(gateway, served, consumer, upstream):
    upstream.headers, upstream.body = {"Content-Type": "text/event-stream"}, [b"data: 1\n\n", b"data: 2\n\n"]
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=10)
    connection.request("GET", f"{served.path}/events", headers={"X-API-Key": consumer.text})
    answer = connection.getresponse()
    assert answer.read1() == b"data: 1\n\n"  # while the upstream still holds the second back
    upstream.gate.set()
    assert answer.read() == b"data: 2\n\n"


def test_a_body_is_streamed_as_it_comes(gateway, served, consumer, upstream):
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=10) as client:
        head = f"POST {served.path}/x HTTP/1.1\r\nHost: x\r\nX-API-Key: {consumer.text}\r\nTransfer-Encoding: chunked\r\n\r\n"
        client.sendall(head.encode() + b"3\r\nabc\r\n")
        time.sleep(0.1)
        client.sendall(b"3\r\ndef\r\n0\r\n\r\n")
        assert client.recv(65536).startswith(b"HTTP/1.1 200 ")
    assert upstream.seen[0].body == b"abcdef"


def test_a_body_over_the_limit_is_refused(gateway, served, consumer):
    answer = gateway.post(f"{served.path}/x", b" " * (10 * 1024 * 1024 + 1), key=consumer.text)
    answer.expect_problem(413, "body_too_large")

"""The gateway's HTTP/1.1 server, spoken to in bytes."""

import json
import socket
import time

import pytest

from gateway import connections
from tests.gateway.test_metering import records

HEALTH = b"GET /api/partner/v1/health HTTP/1.1\r\nHost: x\r\n"


@pytest.fixture
def wire(gateway):
    """A connection of its own to the gateway."""
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=10) as connection:
        yield connection


def read_answers(connection, count):
    """So many whole answers: status, headers, body."""
    file, answers = connection.makefile("rb"), []
    for _ in range(count):
        status = int(file.readline().split()[1])
        headers = {}
        while (line := file.readline().strip()) != b"":
            name, _, value = line.partition(b": ")
            headers[name.decode().lower()] = value.decode()
        if headers.get("transfer-encoding") == "chunked":
            body = b""
            while size := int(file.readline(), 16):
                body += file.read(size)
                file.readline()
            file.readline()
        else:
            body = file.read(int(headers.get("content-length", 0)))
        answers.append((status, headers, body))
    return answers


def test_a_connection_serves_one_request_after_the_other(wire):
    for _ in range(3):
        wire.sendall(HEALTH + b"\r\n")
        [(status, headers, body)] = read_answers(wire, 1)
        assert status == 200
        assert "connection" not in headers
        assert json.loads(body)["status"]


def test_requests_sent_at_once_are_answered_in_their_order(wire):
    wire.sendall(
        HEALTH + b"\r\n" + b"GET /api/partner/v1/nothing HTTP/1.1\r\nHost: x\r\n\r\n" + HEALTH + b"Connection: close\r\n\r\n"
    )
    answers = read_answers(wire, 3)
    assert [status for status, _, _ in answers] == [200, 404, 200]
    assert answers[2][1]["connection"] == "close"
    assert wire.recv(1) == b""


def test_a_request_may_come_byte_by_byte(wire, acme):
    body = json.dumps({"name": "CI", "environment": "test", "scopes": ["partner:read"]}).encode()
    head = f"POST /api/partner/v1/keys HTTP/1.1\r\nHost: x\r\nX-API-Key: {acme.key().text}\r\nContent-Type: application/json\r\n"
    for byte in head.encode() + b"Content-Length: %d\r\n\r\n%b" % (len(body), body):
        wire.sendall(bytes([byte]))
    assert read_answers(wire, 1)[0][0] == 201


def test_a_chunked_body_with_a_trailer_is_read(wire, acme):
    body = json.dumps({"name": "CI", "environment": "test", "scopes": ["partner:read"]}).encode()
    wire.sendall(
        f"POST /api/partner/v1/keys HTTP/1.1\r\nHost: x\r\nX-API-Key: {acme.key().text}\r\n"
        "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        + b"%x\r\n%b\r\n%x;ext=1\r\n%b\r\n0\r\nX-API-Key: other\r\n\r\n" % (5, body[:5], len(body) - 5, body[5:])
    )
    assert read_answers(wire, 1)[0][0] == 201


def test_a_client_that_waits_to_go_on_is_told_to(wire, acme):
    body = json.dumps({"name": "CI", "environment": "test", "scopes": ["partner:read"]}).encode()
    head = f"POST /api/partner/v1/keys HTTP/1.1\r\nHost: x\r\nX-API-Key: {acme.key().text}\r\nContent-Type: application/json\r\n"
    wire.sendall(head.encode() + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(body))
    assert wire.recv(1024) == b"HTTP/1.1 100 Continue\r\n\r\n"
    wire.sendall(body)
    assert read_answers(wire, 1)[0][0] == 201


def test_a_client_that_is_refused_need_not_go_on(wire):
    wire.sendall(b"POST /api/partner/v1/keys HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 100\r\n\r\n")
    [(status, headers, _)] = read_answers(wire, 1)
    assert (status, headers["connection"]) == (401, "close")


def test_an_old_client_is_served_too(wire):
    wire.sendall(b"GET /api/partner/v1/health HTTP/1.0\r\n\r\n")
    [(status, headers, _)] = read_answers(wire, 1)
    assert (status, headers["connection"]) == (200, "close")
    assert wire.recv(1) == b""


def test_head_is_answered_without_a_body(wire):
    wire.sendall(HEALTH.replace(b"GET", b"HEAD") + b"\r\n" + HEALTH + b"\r\n")
    file = wire.makefile("rb")
    lines = iter(file.readline, b"\r\n")
    assert next(lines).startswith(b"HTTP/1.1 200")
    assert [line for line in lines if line.lower().startswith(b"content-length:")]
    assert file.readline().startswith(b"HTTP/1.1 200")


def test_an_offered_protocol_is_not_taken_up(wire):
    wire.sendall(
        HEALTH + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n" + HEALTH + b"\r\n"
    )
    assert read_answers(wire, 1)[0][0] == 200


@pytest.mark.parametrize("framing", [b"Content-Length: %d\r\n\r\n%b", b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n"])
def test_the_body_behind_such_an_offer_is_no_request(wire, acme, framing):
    body = HEALTH + b"\r\n"
    head = f"POST /api/partner/v1/keys HTTP/1.1\r\nHost: x\r\nX-API-Key: {acme.key().text}\r\nContent-Type: application/json\r\n"
    offer = b"Connection: Upgrade\r\nUpgrade: h2c\r\n"
    wire.sendall(head.encode() + offer + framing % (len(body), body) + HEALTH + b"Connection: close\r\n\r\n")
    assert [status for status, _, _ in read_answers(wire, 2)] == [400, 200]
    assert wire.recv(1) == b""


def test_the_absolute_form_is_understood(wire):
    wire.sendall(b"GET http://elsewhere.test/api/partner/v1/nothing?a=1 HTTP/1.1\r\nHost: x\r\n\r\n")
    assert read_answers(wire, 1)[0][0] == 404


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /api/partner/v1/health HTTP/1.1\r\n\r\n",
        b"GET /api/partner/v1/health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET /api/partner/v1/health HTTP/1.1\r\nHost : a\r\n\r\n",
        b"GET /api/partner/v1/health HTTP/1.1\r\nHost: a\r\n folded: b\r\n\r\n",
        b"GET /api/partner/v1/health HTTP/9.1\r\nHost: a\r\n\r\n",
        b"GET  HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /api/partner/v1/health#part HTTP/1.1\r\nHost: a\r\n\r\n",
        b"CONNECT example.com:443 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"POST /api/partner/v1/keys HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"POST /api/partner/v1/keys HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\na",
        b"POST /api/partner/v1/keys HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked, x\r\n\r\n0\r\n\r\n",
        b"\x16\x03\x01\x00\xa5\x01\x00\x00",
    ],
)
def test_what_is_no_request_is_refused_in_words(wire, sent):
    wire.sendall(sent)
    [(status, headers, body)] = read_answers(wire, 1)
    assert status == 400
    assert headers["content-type"] == "application/problem+json"
    assert headers["connection"] == "close"
    assert json.loads(body)["code"] == "malformed_request"
    assert wire.recv(1) == b""


@pytest.mark.parametrize(("headers", "status"), [(89, 200), (90, 400)])
def test_no_more_headers_are_taken_than_servers_behind_take(wire, headers, status):
    wire.sendall(HEALTH + b"X-A: a\r\n" * headers + b"\r\n")
    assert read_answers(wire, 1)[0][0] == status


@pytest.mark.parametrize("endless", [b"X-A: " + b"a" * 1000 + b"\r\n", b"a" * 1000])
def test_a_head_without_end_is_refused(wire, endless):
    wire.sendall(HEALTH + endless * 200)
    assert read_answers(wire, 1)[0][0] == 400
    with pytest.raises(ConnectionError):  # noqa: PT012  (which of them it is depends on the kernel)
        for _ in range(100_000):
            wire.sendall(endless)


def test_a_head_that_does_not_come_is_not_waited_for(wire, monkeypatch):
    monkeypatch.setattr(connections, "HEAD_TIMEOUT", 0.2)
    wire.sendall(b"GET /api/partner/v1/health HTTP/1.1\r\nHost")
    [(status, _, body)] = read_answers(wire, 1)
    assert (status, json.loads(body)["code"]) == (408, "request_timeout")


def test_an_idle_connection_is_closed(wire, monkeypatch):
    monkeypatch.setattr(connections, "IDLE_TIMEOUT", 0.2)
    wire.sendall(HEALTH + b"\r\n")
    assert read_answers(wire, 1)[0][0] == 200
    began = time.monotonic()
    assert wire.recv(1) == b""
    assert time.monotonic() - began < 5


def test_a_client_that_leaves_ends_what_it_asked_for(gateway, served, consumer, upstream, redis, acme, eventually):
    """Its call is recorded as nginx would: 499."""
    upstream.body = [b"one", b"two", b"three"]
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=10) as wire:
        wire.sendall(f"GET {served.path}/parts HTTP/1.1\r\nHost: x\r\nX-API-Key: {consumer.text}\r\n\r\n".encode())
        while b"one" not in wire.recv(4096):
            pass  # the upstream waits before it says the next part
    wire.close()
    [(_, record)] = eventually(lambda: records(redis, acme.partner))
    assert record.status == 499


def test_a_body_that_nobody_wants_does_not_hide_the_answer(wire):
    """The client writes all of it before it reads; the answer came long before."""
    size = 8 * 1024 * 1024
    wire.sendall(b"POST /api/partner/v1/keys HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % size)
    for _ in range(size // 65536):
        wire.sendall(b"x" * 65536)
    [(status, headers, _)] = read_answers(wire, 1)
    assert (status, headers["connection"]) == (401, "close")
    assert wire.recv(1) == b""


def test_the_next_request_may_come_with_the_end_of_a_large_body(wire, acme):
    body = json.dumps({"name": "x" * 60_000}).encode()
    head = f"POST /api/partner/v1/keys HTTP/1.1\r\nHost: x\r\nX-API-Key: {acme.key().text}\r\nContent-Type: application/json\r\n"
    wire.sendall(head.encode() + b"Content-Length: %d\r\n\r\n%b" % (len(body), body) + HEALTH + b"\r\n")
    assert [status for status, _, _ in read_answers(wire, 2)] == [422, 200]

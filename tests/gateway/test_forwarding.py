"""How calls under `/apis/` are carried: connections, headers, paths, broken answers, patience."""

import http.client
import socket
import threading
from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.actors import SYSTEM
from core.upstreams import Route, Upstream
from gateway import circuits
from gateway.forwarding import Base
from gateway.paths import AmbiguousPath, plain
from marketplace import integrations


class Scripted:
    """An upstream that reads a request's head and answers with bytes. `heads` are those it has read."""

    def __init__(self, answer: bytes, closes: bool = True):
        self.heads: list[bytes] = []
        self.connections = 0
        self._answer, self._closes = answer, closes
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/base"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                wire, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._talk, args=(wire,), daemon=True).start()

    def _talk(self, wire):
        with wire, wire.makefile("rb") as lines:
            while True:
                head = b""
                while not head.endswith(b"\r\n\r\n"):
                    line = lines.readline()
                    if not line:
                        return
                    head += line
                self.heads.append(head)
                wire.sendall(self._answer)
                if self._closes:
                    return

    def close(self):
        self._listener.close()


@pytest.fixture
def scripted(served):
    """Makes the integration's upstream one that answers as it is told."""
    from django.db import transaction

    from core import versions

    made = []

    def make(answer, **how):
        made.append(Scripted(answer, **how))
        served.integration.current.__class__.objects.filter(pk=served.integration.current_id).update(upstream_url=made[-1].url)
        with transaction.atomic():
            versions.bump(served.integration)
        return made[-1]

    yield make
    for one in made:
        one.close()


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def test_connections_are_kept(gateway, served, consumer, scripted):
    upstream = scripted(OK, closes=False)
    for _ in range(5):
        gateway.get(f"{served.path}/x", key=consumer.text).expect(200)
    assert (len(upstream.heads), upstream.connections) == (5, 1)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n",
    ],
    ids=["length", "chunks", "no chunk"],
)
def test_a_cut_off_answer_never_looks_whole(gateway, served, consumer, scripted, answer):
    scripted(answer)
    with pytest.raises(http.client.HTTPException):
        gateway.get(f"{served.path}/x", key=consumer.text)


@pytest.mark.parametrize(
    ("answer", "status", "body"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\nto the end", 200, b"to the end"),
        (b"HTTP/1.1 103 Early Hints\r\nX-A: 1\r\n\r\n" + OK, 200, b"ok"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" + OK, 200, b"ok"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 20\r\n\r\n", 304, b""),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Trailer: 1\r\n\r\n", 200, b"ok"),
        (OK + OK, 200, b"ok"),
        (b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 70_000 + b"\r\n\r\n", 502, None),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok", 502, None),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", 502, None),
        (b"SSH-2.0-OpenSSH_9.2\r\n", 502, None),
    ],
    ids=["until its end", "hints", "interim", "204", "304", "trailers", "two", "large head", "two lengths", "unasked", "no http"],
)
def test_framing(gateway, served, consumer, scripted, answer, status, body):
    scripted(answer)
    found = gateway.get(f"{served.path}/x", key=consumer.text).expect(status)
    assert body is None or found.body == body
    assert "x-a" not in found.headers


def test_head_has_the_length_and_no_body(gateway, served, consumer, scripted):
    scripted(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", closes=False)
    answer = gateway.request("HEAD", f"{served.path}/x", key=consumer.text).expect(200)
    assert (answer.headers["content-length"], answer.body) == ("1000", b"")


def test_every_connection_header_is_honoured(gateway, served, consumer, scripted):
    upstream = scripted(
        b"HTTP/1.1 200 OK\r\nConnection: x-one\r\nX-One: 1\r\nConnection: x-two\r\nX-Two: 2\r\nContent-Length: 0\r\n\r\n"
    )
    head = f"GET {served.path}/x HTTP/1.1\r\nHost: x\r\nX-API-Key: {consumer.text}\r\n"
    hops = "Connection: x-mine\r\nX-Mine: 1\r\nConnection: close, x-other\r\nX-Other: 2\r\n\r\n"
    answer = gateway.raw((head + hops).encode()).lower()
    assert answer.startswith(b"http/1.1 200")
    assert b"x-one" not in answer
    assert b"x-two" not in answer
    assert b"x-mine" not in upstream.heads[0].lower()
    assert b"x-other" not in upstream.heads[0].lower()


def test_the_upstream_learns_the_public_address_and_not_the_callers(gateway, served, consumer, scripted, settings):
    upstream = scripted(OK)
    forged = {
        "X-Forwarded-For": "1.2.3.4",
        "X-Forwarded-Host": "evil.example",
        "Forwarded": "for=1.2.3.4",
        "X-Forwarded-Prefix": "/x",
    }
    gateway.get(f"{served.path}/x", key=consumer.text, headers=forged).expect(200)
    head = upstream.heads[0].decode().lower()
    assert f"x-forwarded-host: {settings.BASE_URL.split('//')[1]}\r\n" in head
    assert f"x-forwarded-prefix: {served.path}\r\n" in head
    assert "1.2.3.4" not in head
    assert "evil.example" not in head
    assert "127.0.0.1\r\n" not in head.replace("host: 127.0.0.1", "")


def test_a_lost_get_is_sent_again_and_a_lost_post_is_not(gateway, served, consumer, scripted):
    upstream = scripted(b"")
    gateway.get(f"{served.path}/x", key=consumer.text).expect_problem(502, "upstream_unavailable")
    assert len(upstream.heads) == 2
    gateway.post(f"{served.path}/x", b"{}", key=consumer.text).expect_problem(502, "upstream_unavailable")
    assert len(upstream.heads) == 3


def test_an_answer_before_the_end_of_the_body_is_passed_on(gateway, served, consumer, scripted):
    scripted(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=10) as client:
        client.sendall(
            f"POST {served.path}/x HTTP/1.1\r\nHost: x\r\nX-API-Key: {consumer.text}\r\nContent-Length: 100\r\n\r\nhalf".encode()
        )
        assert client.recv(65536).startswith(b"HTTP/1.1 403 ")


def test_continue_is_said_once_the_body_is_wanted(gateway, served, consumer, upstream):
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=10) as client:
        head = f"POST {served.path}/x HTTP/1.1\r\nHost: x\r\nX-API-Key: {consumer.text}\r\nContent-Length: 3\r\n"
        client.sendall(f"{head}Expect: 100-continue\r\n\r\n".encode())
        assert client.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"abc")
        assert client.recv(65536).startswith(b"HTTP/1.1 200 ")
    assert upstream.seen[0].header("Expect") is None


def test_a_failing_upstream_is_left_alone(gateway, served, consumer, upstream, monkeypatch, metrics):
    monkeypatch.setattr(circuits, "LEAST_CALLS", 3)
    monkeypatch.setattr(circuits, "FIRST_PAUSE", 0.3)
    integrations.update(integration=served.integration, changes={"retries": 0}, by=SYSTEM)
    upstream.breaks = True
    for _ in range(3):
        gateway.get(f"{served.path}/x", key=consumer.text).expect_problem(502, "upstream_unavailable")
    seen = len(upstream.seen)
    refused = gateway.get(f"{served.path}/x", key=consumer.text)
    refused.expect_problem(503, "upstream_paused")
    assert (int(refused.headers["retry-after"]), len(upstream.seen)) == (1, seen)
    assert metrics("portico_gateway_circuit_changes_total", state="opened") >= 1


class _Call:
    def __init__(self, raw_path):
        self.raw_path, self.query = raw_path, b""


SEGMENTS = st.lists(
    st.sampled_from(
        [b".", b"..", b"%2e", b"%2E%2e", b"/", b"%2f", b"\\", b"%5c", b"..;", b"..%3b", b";", b"a", b"%25", b"%c0%ae", b"%00"]
    ),
    max_size=12,
).map(b"".join)


@given(SEGMENTS)
@example(b"..;/secret")
@example(b"%2e%2e/secret")
def test_no_path_escapes_the_upstreams_base(rest):
    """However a server may read it: decoded once or twice, backslashes as slashes, parameters dropped."""
    from urllib.parse import unquote

    raw = b"/apis/weather/" + rest
    try:
        plain(raw)
    except AmbiguousPath:
        return
    route = Route("", "", "weather", Upstream("https://api.example/base/"), (), (), 1, True)
    read = unquote(unquote(Base(route.upstream).target(route, _Call(raw)).decode())).replace("\\", "/")
    assert read.startswith("/base")
    assert not {".", ".."} & {segment.split(";")[0] for segment in read.split("/")}
    assert "//" not in read


def test_its_owner_sees_how_it_does(gateway, served, consumer, globex, initech, upstream, eventually):
    path = f"/integrations/{served.integration.public_id}"
    assert globex.api.get(path).expect(200).json["health"]["state"] == "unknown"
    gateway.get(f"{served.path}/x", key=consumer.text).expect(200)
    upstream.status = 503
    gateway.get(f"{served.path}/x", key=consumer.text).expect(503)
    found = eventually(lambda: (told := globex.api.get(path).expect(200).json["health"])["calls"] == 2 and told)
    assert (found["state"], found["failures"], found["failure_rate"]) == ("closed", 1, 0.5)
    assert found["last_error"] == "It answered with status 503."
    assert found["last_success_at"] <= found["last_error_at"]
    initech.api.get(path).expect_problem(404, "not_found")


def test_a_header_on_two_lines_never_becomes_two(gateway, served, consumer, scripted):
    scripted(b"HTTP/1.1 200 OK\r\nX-B: 1\r\n Set-Cookie: a=b\r\nContent-Length: 2\r\n\r\nok")
    assert "set-cookie" not in gateway.get(f"{served.path}/x", key=consumer.text).headers


def test_a_call_that_was_not_sent_leaves_its_idempotency_key_free(gateway, served, consumer, upstream, monkeypatch):
    monkeypatch.setattr(circuits, "LEAST_CALLS", 1)
    monkeypatch.setattr(circuits, "FIRST_PAUSE", 0.5)
    once = {"Idempotency-Key": "one"}
    upstream.breaks = True
    gateway.post(f"{served.path}/x", b"{}", key=consumer.text).expect_problem(502, "upstream_unavailable")
    upstream.breaks = False
    refused = gateway.post(f"{served.path}/x", b"{}", key=consumer.text, headers=once)
    refused.expect_problem(503, "upstream_paused")
    threading.Event().wait(int(refused.headers["retry-after"]))
    gateway.post(f"{served.path}/x", b"{}", key=consumer.text, headers=once).expect(200)
    assert len(upstream.seen) == 2


def test_who_waits_too_long_for_a_connection_is_told(gateway, served, consumer, upstream, settings):
    settings.UPSTREAM_CONNECTIONS = 1
    integrations.update(integration=served.integration, changes={"connect_timeout": 1}, by=SYSTEM)
    upstream.gate.clear()
    first = threading.Thread(target=gateway.get, args=(f"{served.path}/x",), kwargs={"key": consumer.text})
    first.start()
    upstream.arrived.wait(10)
    gateway.get(f"{served.path}/x", key=consumer.text).expect_problem(503, "temporarily_unavailable")
    upstream.gate.set()
    first.join()


def test_a_head_that_trickles_is_given_up(gateway, served, consumer, upstream):
    """Each further byte is no new patience."""
    over = threading.Event()

    def trickle(request):
        request.close_connection = True
        with suppress(OSError):
            for letter in b"HTTP/1.1 200 OK\r\nX: " + b"x" * 300:
                request.wfile.write(bytes([letter]))
                request.wfile.flush()
                if over.wait(0.05):
                    return

    integrations.update(integration=served.integration, changes={"head_timeout": 1}, by=SYSTEM)
    upstream.answer = trickle
    gateway.get(f"{served.path}/x", key=consumer.text).expect_problem(504, "upstream_timeout")
    over.set()

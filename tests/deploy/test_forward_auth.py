"""The examples of `deploy/`, run: what the gateway decides reaches the client as such, and the application learns who calls."""

import tempfile
import time

import pytest

from apikeys import keys
from core.actors import SYSTEM
from tests.deploy.conftest import free_port, nginx
from tests.gateway.processes import GatewayProcess, postgres_cable
from usage import access_log, ingest
from usage.models import Call


@pytest.fixture
def key(acme) -> str:
    return acme.key(scopes=["requests:read"]).text


def test_an_admitted_call_arrives_with_who_calls_and_without_its_credential(proxy, application, acme):
    made = acme.key(scopes=["requests:read"])
    said = {
        "X-API-Key": made.text,
        "Authorization": f"Bearer {made.text}",
        "X-Request-Id": "mine",
        "X-Forwarded-For": "192.0.2.1",
    }
    answer = proxy.get("/orders/7?x=1", headers=said).expect(200)
    assert answer.json == {"hello": "world"}
    (seen,) = application.seen
    assert (seen.method, seen.target) == ("GET", "/orders/7?x=1")
    assert seen.header("X-Partner-Id") == acme.partner.public_id
    assert seen.header("X-Key-Id") == made.key.public_id
    assert seen.header("X-Scopes") == "requests:read"
    assert seen.header("X-Request-Id").startswith("call_")
    assert seen.header("X-API-Key") is seen.header("Authorization") is None
    assert made.text not in str(seen.headers)
    if proxy.name != "traefik":  # it has no way to pass on what the gateway told it of an admitted call
        assert answer.headers["x-request-id"] == seen.header("X-Request-Id")
        assert '"key";r=' in answer.headers["ratelimit"]
        assert int(answer.headers["x-ratelimit-remaining"]) < int(answer.headers["x-ratelimit-limit"])


class TestRefusals:
    """Each with its own status, its document and its headers; the application hears of none."""

    @pytest.fixture(autouse=True)
    def _unheard(self, application):
        yield
        assert application.seen == []

    def test_without_a_key(self, proxy):
        answer = proxy.get("/orders/7").expect_problem(401, "missing_credential")
        assert [value for name, value in answer.every if name.lower() == "www-authenticate"] == [
            'Bearer realm="portico", error="missing_credential"'
        ]

    def test_a_revoked_key(self, proxy, acme):
        made = acme.key()
        proxy.get("/apis/weather/x", key=made.text).expect_problem(404, "not_found")
        keys.revoke(key=made.key, by=SYSTEM)
        proxy.post("/orders/", {"item": 1}, key=made.text).expect_problem(401, "key_revoked")

    def test_a_scope_that_is_missing(self, proxy, acme):
        answer = proxy.get("/orders/7", key=acme.key(scopes=["keys:read"]).text).expect_problem(403, "insufficient_scope")
        assert answer["scope"] == "requests:read"

    def test_the_platforms_own_paths(self, proxy, key):
        proxy.get("/api/partner/nothing", key=key).expect_problem(404, "not_found")
        assert proxy.get("/api/partner/health", key=key).expect(200)["partner"]


def test_paths_with_two_readings_are_refused_or_made_plain_before_they_are_decided(proxy, application, key):
    for path in ("/x/..%2forders/7", "/orders/%2e%2e/secret", "/orders//7", "/orders/%6fne", "/apis/weather/..%2f..%2forders/7"):
        answer = proxy.get(path, key=key)
        assert answer.status in {400, 404} or application.seen[-1].target in {"/orders/one", "/orders/7"}, path


def test_a_reached_limit(proxy, application, acme):
    made = acme.key(rate_limit_per_minute=1).text
    proxy.post("/orders/", {"item": 1}, key=made).expect(200)
    answer = proxy.post("/orders/", {"item": 1}, key=made).expect_problem(429, "rate_limited")
    assert int(answer.headers["retry-after"]) >= 1
    assert '"key";r=0' in answer.headers["ratelimit"]
    assert answer.headers["x-ratelimit-remaining"] == "0"
    assert len(application.seen) == 1


def test_no_gateway_no_call(lonely, application, key):
    answer = lonely.get("/orders/7", key=key)
    assert application.seen == []
    answer.expect(503)
    if lonely.name != "traefik":
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer["code"] == "temporarily_unavailable"
        assert int(answer.headers["retry-after"]) >= 1


def test_nobody_else_says_who_calls(proxy, application, acme):
    key = acme.key(scopes=["requests:read"]).text
    forged = {"X-Partner-Id": "ptn_other", "X-Key-Id": "key_other", "X-Scopes": "*", "x_partner_id": "ptn_other"}
    proxy.get("/orders/7", key=key, headers=forged).expect(200)
    (seen,) = application.seen
    said = [value for name, value in seen.headers if name.lower().replace("_", "-") == "x-partner-id"]
    assert said == [acme.partner.public_id]
    assert "other" not in str(seen.headers)
    assert seen.header("X-Scopes") == "requests:read"


@pytest.mark.parametrize("names", [("X-Original-Method", "X-Original-URI"), ("X-Forwarded-Method", "X-Forwarded-Uri")])
def test_nobody_else_says_what_is_asked(proxy, application, key, names):
    """`/orders/` is open to this key, an integration that isn't published to none."""
    forged = dict(zip(names, ("GET", "/orders/7"), strict=True))
    refused = proxy.get("/apis/weather/x", key=key, headers=forged | {"X-Portico-Scope": ""})
    assert refused.status in {400, 404}
    assert application.seen == []


def test_bodies_are_carried(proxy, application, key):
    in_chunks = {"Transfer-Encoding": "chunked"}
    body = b"[" + b"1," * 50_000 + b"1]"
    proxy.request("POST", "/orders/", body, key=key).expect(200)
    proxy.request("POST", "/orders/", b"3\r\n[1,\r\n2\r\n2]\r\n0\r\n\r\n", key=key, headers=in_chunks).expect(200)
    assert [seen.body for seen in application.seen] == [body, b"[1,2]"]


def test_the_applications_own_answers_stay(proxy, application, key):
    for status in (401, 403, 500):
        application.status, application.body = status, b'{"its": "own"}'
        assert proxy.get("/orders/7", key=key).expect(status).json == {"its": "own"}


def test_questions_go_over_kept_connections(proxy, gateway, key, acme):
    spent = acme.key(rate_limit_per_minute=1).text
    before = ends_at(gateway.port)
    for _ in range(10):
        proxy.get("/orders/7", key=key).expect(200)
        proxy.get("/orders/7", key=spent)
        proxy.get("/orders/7")
    assert len(ends_at(gateway.port) - before) <= 6


def test_its_log_completes_the_call(started, gateway, application, acme):
    nginx = started("nginx")
    made = acme.key(scopes=["requests:read"])
    application.status, application.body = 404, b"x" * 70
    answered = nginx.request("POST", "/orders/", b"12345", key=made.text).expect(404)
    nginx.get("/orders/")
    log = (nginx.folder / "portico.log").read_bytes().splitlines()
    told = access_log.read(next(line for line in log if answered.headers["x-request-id"].encode() in line))
    assert (told.status, told.bytes_in, told.bytes_out) == (404, 5, 70)
    deadline = time.monotonic() + 10
    ingestion = access_log.Ingestion()
    completed = Call.objects.public(answered.headers["x-request-id"]).filter(carried_at__isnull=False)
    while not completed.exists() and time.monotonic() < deadline:
        ingest.step()
        ingestion.take(log)
    row = completed.get()
    assert (row.status, row.bytes_in, row.bytes_out, row.metered) == (404, 5, 70, True)
    assert ingestion.outcome.unreadable == 0


@pytest.mark.slow
def test_over_a_socket_and_while_postgresql_is_away(application, acme, platform):
    """The gateway at a path, and what it says itself of a part of the platform that is not there."""
    key = acme.key(scopes=["requests:read"], ip_allowlist=["127.0.0.1"]).text
    cable, database = postgres_cable()
    with tempfile.TemporaryDirectory(prefix="gateway-") as folder:
        path = f"{folder}/gateway.sock"
        with GatewayProcess(DATABASE_URL=database, PORTICO_GATEWAY_SOCKET=path):
            running = nginx(f"unix:{path}", f"127.0.0.1:{application.server.server_port}", free_port())
            try:
                running.get("/orders/7", key=key).expect(200)
                cable.cut()
                away = running.get("/orders/7", key=acme.key().text).expect_problem(503, "temporarily_unavailable")
                assert int(away.headers["retry-after"]) >= 1
                assert away["request_id"].startswith("call_")
                running.get("/orders/7", key=key).expect(200)
            finally:
                running.stop()
                cable.remove()
    assert len(application.seen) == 2


def ends_at(port: int) -> set[tuple[str, str]]:
    """The connections of this machine that a port has or had lately, from their other ends."""
    with open("/proc/net/tcp") as table:
        rows = [line.split() for line in table.readlines()[1:]]
    here = f"0100007F:{port:04X}"
    return {(local, remote) for _, local, remote, *_rest in rows if remote == here} | {
        (remote, local) for _, local, remote, *_rest in rows if local == here
    }

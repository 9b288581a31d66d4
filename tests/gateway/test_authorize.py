"""Forward-auth: the decision for another proxy, without ever a body on admission."""

import json

import pytest

from apikeys import keys
from core.actors import SYSTEM

PATH = "/gateway/authorize"


def asks(uri: str, method: str = "GET") -> dict[str, str]:
    return {"X-Original-Method": method, "X-Original-URI": uri}


def test_an_admitted_call_is_204_with_who_calls(gateway, acme):
    made = acme.key(scopes=["keys:read", "partner:read"])
    answer = gateway.get(PATH, key=made.text, headers=asks("/orders/7?x=1")).expect(204)
    assert answer.body == b""
    assert "content-length" not in answer.headers
    assert answer.headers["x-partner-id"] == acme.partner.public_id
    assert answer.headers["x-key-id"] == made.key.public_id
    assert answer.headers["x-scopes"] == "keys:read partner:read"
    assert answer.headers["x-request-id"].startswith("call_")
    assert '"key";r=' in answer.headers["ratelimit"]


@pytest.mark.parametrize("names", [("X-Original-Method", "X-Original-URI"), ("X-Forwarded-Method", "X-Forwarded-Uri")])
def test_our_own_operations_need_their_scope(gateway, acme, names):
    key = acme.key(scopes=["keys:read"]).text
    said = dict(zip(names, ("GET", "/api/partner/keys"), strict=True))
    gateway.get(PATH, key=key, headers=said).expect(204)
    said[names[0]] = "POST"
    assert gateway.get(PATH, key=key, headers=said).expect_problem(403, "insufficient_scope")["scope"] == "keys:write"


def test_a_path_outside_needs_the_scope_that_is_named(gateway, acme):
    key = acme.key(scopes=["keys:read"]).text
    gateway.get(f"{PATH}?scope=keys:read", key=key, headers=asks("/orders")).expect(204)
    gateway.get(f"{PATH}?scope=keys:write", key=key, headers=asks("/orders")).expect_problem(403, "insufficient_scope")


def test_refusals_are_problems(gateway, acme):
    gateway.get(PATH, headers=asks("/orders")).expect_problem(401, "missing_credential")
    made = acme.key()
    keys.revoke(key=made.key, by=SYSTEM)
    gateway.get(PATH, key=made.text, headers=asks("/orders")).expect_problem(401, "key_revoked")
    gateway.get(PATH, key=acme.key().text, headers=asks("/a/../b")).expect_problem(400, "malformed_request")


def test_nginx_gets_403_and_the_truth_in_headers(gateway, acme):
    key = acme.key(rate_limit_per_minute=1).text
    nginx = f"{PATH}?style=nginx"
    gateway.get(nginx, key=key, headers=asks("/orders")).expect(204)
    answer = gateway.get(nginx, key=key, headers=asks("/orders")).expect(403)
    assert answer.body == b""
    assert answer.headers["x-portico-status"] == "429"
    assert answer.headers["x-portico-code"] == "rate_limited"
    assert int(answer.headers["retry-after"]) >= 1
    document = json.loads(answer.headers["x-portico-problem"])
    assert (document["status"], document["code"]) == (429, "rate_limited")
    assert document["request_id"] == answer.headers["x-request-id"]
    assert gateway.get(nginx, headers=asks("/orders")).expect(401).headers["x-portico-code"] == "missing_credential"


def test_an_integration_is_authorized_for_those_who_installed_it(gateway, served, consumer, initech):
    gateway.get(PATH, key=consumer.text, headers=asks(f"{served.path}/x")).expect(204)
    gateway.get(PATH, key=initech.key().text, headers=asks(f"{served.path}/x")).expect_problem(403, "not_installed")


def test_envoy_puts_the_call_behind_a_prefix_and_takes_200_for_a_yes(gateway, acme):
    key = acme.key(scopes=["keys:read"]).text
    answer = gateway.request("DELETE", f"{PATH}/orders/7?x=1", key=key, headers={"X-Portico-Scope": "keys:read"}).expect(200)
    assert answer.body == b""
    assert answer.headers["x-partner-id"] == acme.partner.public_id
    gateway.get(f"{PATH}/orders/7", key=key, headers={"X-Portico-Scope": "keys:write"}).expect_problem(403, "insufficient_scope")
    gateway.post(f"{PATH}/api/partner/keys", key=key).expect_problem(403, "insufficient_scope")
    gateway.get(f"{PATH}/api/partner/keys", key=key, headers=asks("/orders")).expect(200)
    gateway.get(f"{PATH}//orders", key=key).expect_problem(400, "malformed_request")
    gateway.get(f"{PATH}d", key=key).expect_problem(404, "not_found")


@pytest.mark.parametrize("uri", ["/orders#/x", "http://orders.example/", "orders", "/%6frders", "/a/../orders", "//orders"])
def test_what_proxies_may_read_otherwise_is_refused(gateway, acme, uri):
    gateway.get(PATH, key=acme.key().text, headers=asks(uri)).expect_problem(400, "malformed_request")


@pytest.mark.parametrize("added", ["X-Forwarded-Uri", "X-Forwarded-Method"])
def test_two_calls_in_one_question_are_refused(gateway, acme, added):
    """A proxy leaves alone what it doesn't set itself, so that a client could name another call."""
    key = acme.key().text
    same = {"X-Forwarded-Method": "GET", "X-Forwarded-Uri": "/orders"}
    gateway.get(PATH, key=key, headers=asks("/orders") | same).expect(204)
    gateway.get(PATH, key=key, headers=asks("/orders") | same | {added: "/other"}).expect_problem(400, "malformed_request")
    gateway.get(PATH, key=key, headers={"X-Original-Method": "GET"} | same).expect_problem(400, "malformed_request")


def test_paths_that_nobody_serves_are_not_taken_for_somebody_elses(gateway, acme):
    for path in ("/api/partner/nothing", "/apis/nothing/x"):
        gateway.get(PATH, key=acme.key().text, headers=asks(path)).expect_problem(404, "not_found")
    gateway.get(PATH, key=acme.key().text, headers=asks("/api/partner/keys", "PUT")).expect_problem(405, "method_not_allowed")


def test_an_integration_in_other_letters_is_none(gateway, served, acme):
    """A proxy that routes without regard to case would carry it to the upstream, installed or not."""
    key = acme.key().text
    gateway.get(PATH, key=key, headers=asks(f"{served.path}/x")).expect_problem(403, "not_installed")
    shouted = asks(f"/APIS/{served.integration.slug}/x")
    gateway.get(PATH, key=key, headers=shouted).expect_problem(400, "malformed_request")


@pytest.mark.parametrize(
    ("query", "method"),
    [("scope=%0d%0aX-Partner-Id:1", "GET"), (f"scope={'a' * 65}", "GET"), ("x" * 3_000, "GET"), ("", "M" * 21), ("", "G\tET")],
)
def test_what_no_proxy_would_ask_is_refused(gateway, acme, query, method):
    gateway.get(f"{PATH}?{query}", key=acme.key().text, headers=asks("/orders", method)).expect_problem(400, "malformed_request")

"""Forward-auth: the decision for another proxy, without ever a body on admission."""

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
    assert gateway.get(nginx, headers=asks("/orders")).expect(401).headers["x-portico-code"] == "missing_credential"


def test_an_integration_is_authorized_for_those_who_installed_it(gateway, served, consumer, initech):
    gateway.get(PATH, key=consumer.text, headers=asks(f"{served.path}/x")).expect(204)
    gateway.get(PATH, key=initech.key().text, headers=asks(f"{served.path}/x")).expect_problem(403, "not_installed")

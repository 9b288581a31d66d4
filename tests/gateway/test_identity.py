"""Who calls is what the gateway signed, and nothing else."""

import base64
import http.client
import json
import socket
import time

import pytest
from django.conf import settings

from core.identity import HEADER, Identity, sign


class Web(http.client.HTTPConnection):
    """Django itself, behind the gateway's back."""

    def __init__(self) -> None:
        super().__init__("localhost", timeout=10)

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(str(settings.WEB_SOCKET))


def straight(path: str, headers: dict[str, str]) -> tuple[int, dict]:
    web = Web()
    web.request("GET", path, headers=headers)
    answer = web.getresponse()
    return answer.status, json.loads(answer.read())


def forged(acme, **changes) -> Identity:
    facts = {
        "call_id": "0" * 32, "method": "GET", "path": "/api/partner/v1/keys", "at": int(time.time()), "kind": "key",
        "partner": acme.partner.pk.hex, "credential": "1" * 32, "scopes": ("*",),
    }  # fmt: skip
    return Identity(**facts | changes)


def test_a_key_is_told_to_django(acme):
    answer = acme.api.get("/health").expect(200)
    assert answer["partner"] == acme.partner.public_id
    assert answer["key"] == acme.keys[0].key.public_id


def test_a_call_without_a_credential_is_anonymous(gateway):
    answer = gateway.get("/api/partner/v1/health").expect(200)
    assert "partner" not in answer.json


def test_an_identity_sent_by_a_client_is_dropped(gateway, acme):
    header = sign(forged(acme, path="/api/partner/v1/health"), settings.IDENTITY_KEY.encode())
    answer = gateway.get("/api/partner/v1/health", headers={HEADER: header}).expect(200)
    assert "partner" not in answer.json
    gateway.get("/api/partner/v1/keys", headers={HEADER: header}).expect_problem(401, "missing_credential")


@pytest.mark.parametrize("name", ["Portico_Identity", "portico_identity", "X_API_Key"])
def test_names_with_underscores_are_dropped(gateway, acme, name):
    value = acme.key().text if "API" in name else sign(forged(acme), settings.IDENTITY_KEY.encode())
    gateway.get("/api/partner/v1/keys", headers={name: value}).expect_problem(401, "missing_credential")


def test_a_forged_identity_is_refused_by_django_itself(gateway, acme):
    status, problem = straight("/api/partner/v1/keys", {HEADER: sign(forged(acme), b"another key" * 4)})
    assert (status, problem["code"]) == (403, "forbidden")


@pytest.mark.parametrize(
    "changes", [{"path": "/api/partner/v1/partner"}, {"method": "POST"}, {"at": 1}, {"at": 2**40}, {"audience": "other"}]
)
def test_an_identity_for_something_else_is_refused(gateway, acme, changes):
    status, problem = straight("/api/partner/v1/keys", {HEADER: sign(forged(acme, **changes), settings.IDENTITY_KEY.encode())})
    assert (status, problem["code"]) == (403, "forbidden")


def changed(header: str) -> str:
    """The signature of one over the facts of another."""
    facts = base64.urlsafe_b64encode(
        base64.urlsafe_b64decode(header.partition(".")[0]).replace(b'"scopes":["*"]', b'"scopes":[]')
    )
    return f"{facts.decode()}.{header.rpartition('.')[2]}"


@pytest.mark.parametrize(
    "spoil",
    [
        changed,
        lambda header: header[:-1],
        lambda header: header.partition(".")[0],
        lambda header: f".{header.rpartition('.')[2]}",
        lambda header: f"{header}, {header}",
        lambda header: header.replace(".", ".."),
        lambda header: f"{header}\t.",
    ],
    ids=["changed", "cut", "unsigned", "empty", "twice", "two dots", "more"],
)
def test_a_captured_identity_is_good_as_it_is_or_not_at_all(gateway, acme, spoil):
    header = sign(forged(acme), settings.IDENTITY_KEY.encode())
    assert straight("/api/partner/v1/keys", {HEADER: header})[0] == 200
    status, problem = straight("/api/partner/v1/keys", {HEADER: spoil(header)})
    assert (status, problem["code"]) == (403, "forbidden")


def test_without_an_identity_django_lets_nobody_in(gateway):
    status, problem = straight("/api/partner/v1/keys", {"X-API-Key": "pk_live_x"})
    assert (status, problem["code"]) == (401, "missing_credential")


def test_the_call_id_is_ours_and_the_same_everywhere(gateway, acme):
    answer = gateway.get("/api/partner/v1/keys/key_none", key=acme.key().text, headers={"X-Request-Id": "mine"})
    problem = answer.expect_problem(404, "not_found")
    assert problem["request_id"].startswith("call_")
    assert [name.lower() for name, _ in answer.every].count("x-request-id") == 1

"""A key may do what its scopes say, and a refusal names the one that is missing."""

from apikeys import keys
from core.actors import SYSTEM

PATH = "/api/partner/v1/keys"


def test_a_missing_scope_is_named(gateway, acme):
    answer = gateway.get(PATH, key=acme.key(scopes=["partner:read"]).text).expect_problem(403, "insufficient_scope")
    assert answer["scope"] == "keys:read"
    assert 'scope="keys:read"' in answer.headers["www-authenticate"]


def test_the_scope_lets_the_call_through(gateway, acme):
    gateway.get(PATH, key=acme.key(scopes=["keys:read"]).text).expect(200)


def test_reading_is_not_writing(gateway, acme):
    body = {"name": "Another", "environment": "test", "scopes": []}
    gateway.post(PATH, body, key=acme.key(scopes=["keys:read"]).text).expect_problem(403, "insufficient_scope")


def test_a_scope_taken_away_is_missed_on_the_very_next_call(gateway, acme):
    made = acme.key(scopes=["keys:read"])
    gateway.get(PATH, key=made.text).expect(200)
    keys.update(key=made.key, scopes=["partner:read"], by=SYSTEM)
    gateway.get(PATH, key=made.text).expect_problem(403, "insufficient_scope")

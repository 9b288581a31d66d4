"""What is kept of a body: enough to see what was wrong with it, and nothing that anybody could use."""

import json
import time

import pytest

from core.redaction import LARGEST_BODY, MASK, redacted_body

SECRET = "hunter2-XYZZY"


def kept(body: bytes | str) -> str:
    return redacted_body(body if isinstance(body, bytes) else body.encode())[0]


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "Password",
        "new_password",
        "client_secret",
        "clientSecret",
        "access_token",
        "accessToken",
        "api_key",
        "apiKey",
        "API-Key",
        "authorization",
        "cookie",
        "cvv",
        "cvc",
        "pin",
        "card_number",
        "cardNumber",
        "iban",
        "private_key",
        "session",
    ],
)
def test_named_secrets_are_masked_wherever_they_stand(name):
    for value in (SECRET, [SECRET], {"deep": 1, name: SECRET}):
        assert SECRET not in kept(json.dumps({"user": "ada", name: value}))
    assert "4711" not in kept(json.dumps({name: 4711}))
    assert SECRET not in kept(f"user=ada&{name}={SECRET}&x=1")
    assert SECRET not in kept(f"user[{name}]={SECRET}")
    assert SECRET not in kept(f'{{"user": "ada", "{name}": "{SECRET}", broken')
    assert SECRET not in kept(f'{{"{name}": "{SECRET}')
    assert SECRET not in kept(f"{name}: {SECRET}\nother: 1")


@pytest.mark.parametrize(
    "text",
    [
        f"<password>{SECRET}</password>",
        f"<a:clientSecret x='1'>{SECRET}</a:clientSecret>",
        f"see Bearer {SECRET}",
        f"Basic {SECRET}",
    ],
)
def test_other_ways_to_write_a_secret(text):
    assert SECRET not in kept(text)
    assert SECRET not in kept(json.dumps({"note": text}))


def test_credentials_of_ours_and_cards_are_masked_in_any_text():
    key = "pk_test_" + "aB3" * 16
    for body in (key, json.dumps({"note": f"my {key}"}), json.dumps({"n": [key]})):
        assert key not in kept(body)
    for card in ("4111111111111111", "4111 1111 1111 1111", "5500-0000-0000-0004"):
        assert card not in kept(json.dumps({"note": f"card {card}."}))
    assert "4111111111111112" in kept('{"order": 4111111111111112}')  # no card: its check digit is wrong


def test_what_helps_stays():
    told = json.loads(kept(b'{"name": "CI", "scopes": ["keys:read"], "limit": 0, "token_id": "tok_1", "ok": null}'))
    assert told == {"name": "CI", "scopes": ["keys:read"], "limit": 0, "token_id": "tok_1", "ok": None}
    assert kept(b'{"a": 1,, "b": 2}') == '{"a": 1,, "b": 2}'
    assert kept(b"") == ""
    assert kept(b'{"password": "x"}') == f'{{\n  "password": "{MASK}"\n}}'


def test_files_and_forms_with_files_are_left_out():
    assert kept(b"%PDF\x00\x01") == ""
    assert kept(b"\xff\xfe\xfa") == ""
    assert kept(b'--b\r\nContent-Disposition: form-data; name="password"\r\n\r\nhunter2\r\n--b--') == ""


def test_long_bodies_are_cut_and_no_secret_with_them():
    key = "pk_test_" + "aB3" * 16
    for before in range(LARGEST_BODY - 80, LARGEST_BODY + 1, 3):
        text, is_cut = redacted_body(b"x " * (before // 2) + key.encode() + b" tail" * 30)
        assert is_cut
        assert "pk_test_aB3" not in text
    assert redacted_body("ä".encode() * LARGEST_BODY)[1]


PIECES = (
    "a_",
    "token",
    "token=",
    'token="',
    "<password",
    "<a:",
    "eyJ-",
    "ab_",
    "1 ",
    "Bearer ",
    "pin ",
    "\\",
    "[",
    '{"a":',
    "x[",
    "'",
)


@pytest.mark.parametrize("piece", PIECES)
def test_no_body_keeps_the_gateway_busy(piece):
    """They are masked by whoever serves everybody's calls."""
    body = (piece * LARGEST_BODY)[: LARGEST_BODY + 1].encode()
    began = time.process_time()
    redacted_body(body)
    redacted_body(json.dumps({"note": piece * (LARGEST_BODY // len(piece) // 2)}).encode()[:LARGEST_BODY])
    assert time.process_time() - began < 0.5  # far more than it takes, and far less than what isn't linear does

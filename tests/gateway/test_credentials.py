"""Which credential a call carries, and every way in which it is refused."""

from datetime import timedelta

import pytest

from apikeys import keys
from core import clock, crypto, operators
from core.actors import SYSTEM

PATH = "/api/partner/v1/keys"


@pytest.fixture
def _real_time():
    yield
    clock.reset()


def test_a_call_without_a_credential_is_refused(gateway):
    answer = gateway.get(PATH).expect_problem(401, "missing_credential")
    assert answer.headers["www-authenticate"].startswith("Bearer ")
    assert answer.headers["x-request-id"].startswith("call_")


@pytest.mark.parametrize("header", ["X-API-Key", "Authorization"])
def test_a_key_is_taken_from_either_header(gateway, acme, header):
    text = acme.key().text
    value = text if header == "X-API-Key" else f"Bearer {text}"
    gateway.get(PATH, headers={header: value}).expect(200)


def test_the_same_key_twice_is_one_credential(gateway, acme):
    text = acme.key().text
    gateway.get(PATH, headers={"X-API-Key": text, "Authorization": f"Bearer {text}"}).expect(200)


def test_two_that_differ_are_refused(gateway, acme):
    one, other = acme.key().text, acme.key().text
    answer = gateway.get(PATH, headers={"X-API-Key": one, "Authorization": f"Bearer {other}"})
    answer.expect_problem(400, "conflicting_credentials")


def test_two_keys_in_the_same_header_are_refused(gateway, acme):
    one, other = acme.key().text, acme.key().text
    said = f"GET {PATH} HTTP/1.1\r\nHost: x\r\nX-API-Key: {one}\r\nX-API-Key: {other}\r\nConnection: close\r\n\r\n"
    assert b'"conflicting_credentials"' in gateway.raw(said.encode())


def test_a_mistyped_key_is_refused_without_a_look_up(gateway, acme, metrics):
    before = metrics("portico_gateway_credential_lookups_total", result="miss")
    text = acme.key().text
    wrong = text[:-1] + ("0" if text[-1] != "0" else "1")
    answer = gateway.get(PATH, key=wrong).expect_problem(401, "invalid_key")
    assert 'error="invalid_key"' in answer.headers["www-authenticate"]
    assert metrics("portico_gateway_credential_lookups_total", result="miss") == before


def test_a_key_that_nobody_has_is_refused(gateway):
    gateway.get(PATH, key=crypto.generate("pk_live_")).expect_problem(401, "invalid_key")


def test_a_bearer_token_of_no_known_form_is_refused(gateway):
    gateway.get(PATH, headers={"Authorization": "Bearer eyJhbGciOi.e30.x"}).expect_problem(401, "invalid_token")


def test_a_disabled_key_is_refused_until_it_is_enabled(gateway, acme):
    made = acme.key()
    gateway.get(PATH, key=made.text).expect(200)
    keys.disable(key=made.key, by=SYSTEM)
    gateway.get(PATH, key=made.text).expect_problem(401, "key_disabled")
    keys.enable(key=made.key, by=SYSTEM)
    gateway.get(PATH, key=made.text).expect(200)


def test_a_revoked_key_is_refused_on_the_very_next_call(gateway, acme):
    made = acme.key()
    gateway.get(PATH, key=made.text).expect(200)
    keys.revoke(key=made.key, by=SYSTEM)
    answer = gateway.get(PATH, key=made.text).expect_problem(401, "key_revoked")
    assert 'error="key_revoked"' in answer.headers["www-authenticate"]


def test_a_leaked_key_is_refused_on_the_very_next_call(gateway, acme):
    made = acme.key()
    gateway.get(PATH, key=made.text).expect(200)
    keys.report_leak(text=made.text, by=SYSTEM)
    gateway.get(PATH, key=made.text).expect_problem(401, "key_revoked")


@pytest.mark.usefixtures("_real_time")
def test_an_expired_key_is_refused(gateway, acme):
    made = acme.key(expires_at=clock.now() + timedelta(hours=1))
    gateway.get(PATH, key=made.text).expect(200)
    clock.tick(timedelta(hours=1))
    gateway.get(PATH, key=made.text).expect_problem(401, "key_expired")


@pytest.mark.usefixtures("_real_time")
def test_a_rotated_key_works_during_its_grace_and_not_after(gateway, acme):
    old = acme.key()
    gateway.get(PATH, key=old.text).expect(200)
    new = keys.rotate(key=old.key, grace=timedelta(minutes=5), by=SYSTEM)
    gateway.get(PATH, key=old.text).expect(200)
    gateway.get(PATH, key=new.text).expect(200)
    clock.tick(timedelta(minutes=5, seconds=1))
    gateway.get(PATH, key=old.text).expect_problem(401, "key_expired")
    gateway.get(PATH, key=new.text).expect(200)


def test_a_key_with_a_second_secret_needs_it(gateway, acme):
    made = acme.key(require_secret=True)
    gateway.get(PATH, key=made.text).expect_problem(401, "invalid_secret")
    gateway.get(PATH, key=made.text, headers={"X-API-Secret": crypto.generate("ps_")}).expect_problem(401, "invalid_secret")
    gateway.get(PATH, key=made.text, headers={"X-API-Secret": made.secret}).expect(200)


def test_a_partners_key_finds_no_operator_api(gateway, acme):
    gateway.get("/api/operator/v1/requests", key=acme.key().text).expect_problem(404, "not_found")


def test_an_operators_token_finds_no_partner_api(operator):
    operator.gateway.get(PATH, headers={"Authorization": f"Bearer {operator.key}"}).expect_problem(404, "not_found")


def test_a_revoked_operators_token_is_refused_on_the_very_next_call(operator):
    operator.get("/requests").expect(200)
    from core.models import OperatorToken

    token = OperatorToken.objects.get(digest=crypto.digest(operator.key))
    operators.revoke(token=token, by=SYSTEM)
    operator.get("/requests").expect_problem(401, "key_revoked")


def test_a_wrong_credential_is_refused_on_a_public_path_too(gateway):
    gateway.get("/api/partner/v1/health", key=crypto.generate("pk_live_")).expect_problem(401, "invalid_key")

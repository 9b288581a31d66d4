"""Access tokens at the gateway: RFC 6750, 9068 and 9700. What ends one holds from the next call on."""

import base64
import hashlib
import hmac
import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections, transaction
from joserfc import jwt
from joserfc.jwk import RSAKey

from apikeys.models import ClientSecret
from apikeys.oauth import applications, consents, signing_keys, tokens
from core.actors import SYSTEM
from partners import partners
from tests.oauth.flows import issued

HEALTH = "/api/partner/health"
SCOPES = ["requests:read", "usage:read"]
GUESSES = "rate:guess:127.0.0.1"


@pytest.fixture
def app(acme):
    """An application of Acme's."""
    return issued(acme.partner, scopes=SCOPES)


@pytest.fixture
def own(app):
    """Its token for Acme itself."""
    return tokens.give(application=app.application, scopes=SCOPES).access_token


@pytest.fixture
def connection(app, globex):
    """Globex' consent to it, and a token of that."""
    from types import SimpleNamespace

    from apikeys.keys import EVERY
    from apikeys.models import Authorization

    consents.give(
        application=app.application,
        partner=globex.partner,
        member=None,
        scopes=SCOPES,
        code_challenge="x" * 43,
        redirect_uri="",
        by=SYSTEM,
        rights=EVERY,
    )
    family = Authorization.objects.select_related("consent__partner").get(application=app.application)
    given = tokens.give(application=app.application, scopes=SCOPES, authorization=family)
    return SimpleNamespace(token=given.access_token, consent=family.consent, authorization=family)


def call(gateway, token, path=HEALTH, **headers):
    return gateway.get(path, headers={"Authorization": f"Bearer {token}", **headers})


def refused(gateway, token):
    answer = call(gateway, token).expect_problem(401, "invalid_token")
    assert answer.headers["www-authenticate"] == 'Bearer realm="portico", error="invalid_token"'  # RFC 6750, section 3


def test_a_token_acts_for_its_own_partner(gateway, acme, app, own):
    answer = call(gateway, own).expect(200)
    assert (answer["partner"], answer["key"]) == (acme.partner.public_id, app.id)
    assert '"application";r=' in answer.headers["ratelimit"]


def test_a_token_of_a_consent_acts_for_the_partner_that_gave_it(gateway, globex, app, connection):
    answer = call(gateway, connection.token).expect(200)
    assert (answer["partner"], answer["key"]) == (globex.partner.public_id, app.id)


def test_other_proxies_learn_the_application(gateway, own, app):
    asked = {"X-Original-Method": "GET", "X-Original-URI": "/orders"}
    headers = call(gateway, own, "/gateway/authorize", **asked).expect(204).headers
    assert (headers["x-key-id"], headers["x-scopes"]) == (app.id, "requests:read usage:read")


def test_a_scope_that_it_lacks_is_named(gateway, own):
    answer = call(gateway, own, "/api/partner/keys").expect_problem(403, "insufficient_scope")
    assert 'error="insufficient_scope", scope="keys:read"' in answer.headers["www-authenticate"]


def test_it_is_no_operators_token(gateway, own):
    call(gateway, own, "/api/operator/v1/partners").expect_problem(404, "not_found")


def test_it_stands_in_authorization_only(gateway, own):
    gateway.get(HEALTH, key=own).expect_problem(401, "invalid_key")
    gateway.get(f"{HEALTH}?access_token={own}").expect(200)  # isn't looked at: nobody calls
    assert "partner" not in gateway.get(f"{HEALTH}?access_token={own}").json


def end_token(app, connection, acme, globex):
    assert tokens.end(token=tokens.find(connection.token))


def end_family(app, connection, acme, globex):
    tokens.end_family(authorization=connection.authorization)


def end_consent(app, connection, acme, globex):
    consents.revoke(consent=connection.consent, by=SYSTEM)


def end_application(app, connection, acme, globex):
    applications.revoke(application=app.application, by=SYSTEM)


def switch_off(app, connection, acme, globex):
    applications.disable(application=app.application, by=SYSTEM)


def suspend_maker(app, connection, acme, globex):
    partners.suspend(partner=acme.partner, reason="…", by=SYSTEM)


@pytest.mark.parametrize("end", [end_token, end_family, end_consent, end_application, switch_off, suspend_maker])
def test_what_ends_a_token_holds_from_the_next_call_on(gateway, acme, globex, app, connection, end):
    call(gateway, connection.token).expect(200)
    end(app, connection, acme, globex)
    refused(gateway, connection.token)


def test_a_revoked_secret_ends_what_was_got_with_it(gateway, app, own, connection):
    from apikeys.models import ClientSecret

    call(gateway, own).expect(200)
    secret = ClientSecret.objects.select_related("application__partner").get(application=app.application)
    applications.revoke_secret(secret=secret, by=SYSTEM)
    refused(gateway, own)
    call(gateway, connection.token).expect(200)  # a partner's consent needs more than the secret


def test_a_suspended_partner_is_refused_as_with_keys(gateway, globex, connection):
    call(gateway, connection.token).expect(200)
    partners.suspend(partner=globex.partner, reason="…", by=SYSTEM)
    call(gateway, connection.token).expect_problem(403, "partner_suspended")


def test_a_scope_taken_from_the_application_is_gone_from_its_tokens(gateway, app, own):
    call(gateway, own, "/api/partner/usage/limits").expect(200)
    applications.update(application=app.application, scopes=["requests:read"], by=SYSTEM)
    call(gateway, own, "/api/partner/usage/limits").expect_problem(403, "insufficient_scope")


def test_a_token_that_is_being_made_while_the_secret_is_revoked_ends_with_it(app):
    """The revocation waits for it, instead of not seeing it."""

    def revoke():
        try:
            applications.revoke_secret(secret=ClientSecret.objects.get(application=app.application), by=SYSTEM)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            applications.lock(app.application)
            text = tokens.give(application=app.application, scopes=SCOPES).access_token
            revoking = pool.submit(revoke)
            with pytest.raises(TimeoutError):
                revoking.result(0.3)
        revoking.result(5)
    assert tokens.has_ended(tokens.find(text))


def test_an_address_list_of_the_application_holds_for_its_tokens(gateway, app, own):
    applications.update(application=app.application, ip_allowlist=["203.0.113.7"], by=SYSTEM)
    call(gateway, own).expect_problem(403, "ip_not_allowed")


def test_each_partner_has_its_own_share_of_an_applications_rate(gateway, acme, app, own, connection):
    applications.update(application=app.application, rate_limit_per_minute=1, by=SYSTEM)
    call(gateway, own).expect(200)
    call(gateway, own).expect_problem(429, "rate_limited")
    call(gateway, connection.token).expect(200)


def test_an_expired_token_is_refused(gateway, own):
    from datetime import timedelta

    from core import clock

    call(gateway, own).expect(200)
    clock.tick(timedelta(minutes=16))
    try:
        refused(gateway, own)
    finally:
        clock.reset()


def forged(own, *, header=(), claims=(), key=None):
    """The token with other parts, signed by the right key unless another is given."""
    head, payload, _signature = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in [*own.split(".")[:2], "e30"])
    return jwt.encode({**head, **dict(header)}, {**payload, **dict(claims)}, key or signing_keys.load(signing_keys.current()))


def part(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def unsigned(own, alg):
    head, payload, _ = own.split(".")
    header = {**json.loads(base64.urlsafe_b64decode(head + "==")), "alg": alg}
    return f"{part(header)}.{payload}."


def with_public_key_as_secret(own):
    """The old trick of a symmetric algorithm, keyed with what everybody can read."""
    head, payload, _ = own.split(".")
    header = {**json.loads(base64.urlsafe_b64decode(head + "==")), "alg": "HS256"}
    public = signing_keys.load(signing_keys.current()).as_pem(private=False)
    signed = f"{part(header)}.{payload}"
    mac = hmac.digest(public, signed.encode(), hashlib.sha256)
    return f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


FORGERIES = {
    "alg none": lambda own, key: unsigned(own, "none"),
    "alg None in capitals": lambda own, key: unsigned(own, "NONE"),
    "public key as secret": lambda own, key: with_public_key_as_secret(own),
    "another key under our kid": lambda own, key: forged(own, key=key),
    "unknown kid": lambda own, key: forged(own, header={"kid": "sig_01jd3x8q4vf2r9kq6m5t7w8y9z"}),
    "kid of a path": lambda own, key: forged(own, header={"kid": "../../etc/passwd"}),
    "key in the header": lambda own, key: forged(own, header={"jwk": key.as_dict(private=False)}, key=key),
    "critical extension": lambda own, key: forged(own, header={"crit": ["kid"]}),
    "typ of an id token": lambda own, key: forged(own, header={"typ": "JWT"}),
    "another issuer": lambda own, key: forged(own, claims={"iss": "https://evil.example"}),
    "another audience": lambda own, key: forged(own, claims={"aud": "https://other.example"}),
    "expired": lambda own, key: forged(own, claims={"exp": int(time.time()) - 1}),
    "no expiry": lambda own, key: forged(own, claims={"exp": None}),
    "from the future": lambda own, key: forged(own, claims={"iat": int(time.time()) + 3600}),
    "well signed, never given out": lambda own, key: forged(own, claims={"jti": "tok_x"}),
    "more scopes": lambda own, key: own.replace(own.split(".")[1], part({"scope": "*"})),
    "signature cut": lambda own, key: own[:-8],
    "signature spelled otherwise": lambda own, key: own + "=",
    "empty signature": lambda own, key: own.rpartition(".")[0] + ".",
    "five parts": lambda own, key: own + ".a.b",
    "no JSON": lambda own, key: "eyJhbGc.eyJ.x",
    "very long": lambda own, key: "eyJ" + "a" * 6_000,
}


@pytest.fixture(scope="module")
def other_key():
    return RSAKey.generate_key(2048, private=True)


def test_forged_tokens_are_refused(gateway, own, other_key, redis):
    taken = []
    for how, forge in FORGERIES.items():
        redis.delete(GUESSES)
        token = forge(own, other_key)
        assert token != own
        answer = call(gateway, token)
        if (answer.status, answer.json.get("code")) != (401, "invalid_token"):
            taken.append((how, answer))
    assert not taken


def test_forged_tokens_count_as_guesses_of_their_address(gateway, own, other_key, redis):
    redis.delete(GUESSES)
    refused(gateway, forged(own, key=other_key))
    first = int(redis.get(GUESSES))
    refused(gateway, forged(own, key=other_key, claims={"jti": "another"}))
    assert int(redis.get(GUESSES)) > first


def test_an_address_that_guessed_too_much_is_refused_with_forged_tokens_only(gateway, own, other_key, redis):
    redis.set(GUESSES, int(time.time() * 1e6) + 120_000_000)
    try:
        call(gateway, forged(own, key=other_key)).expect_problem(429, "rate_limited")
        call(gateway, own).expect(200)
    finally:
        redis.delete(GUESSES)

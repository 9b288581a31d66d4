"""The token endpoint against RFC 6749 (sections 2.3, 3.2, 4.4, 5) and RFC 9700."""

import base64
import json
from types import SimpleNamespace

import pytest
from django.test import Client

from apikeys.models import AccessToken, ClientSecret
from apikeys.oauth import applications
from partners import partners
from tests.oauth.flows import FORM, INTROSPECT, OPERATOR, REVOKE, TOKEN, ask, basic, issued

pytestmark = pytest.mark.django_db


def claims_of(token):
    return json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))


def refused(response, status, error):
    """An answer as RFC 6749, section 5.2, has it; never a problem document."""
    assert (response.status_code, response.json()["error"]) == (status, error), response.content
    assert response.json()["error_description"]
    assert response["Content-Type"] == "application/json"
    assert response["Cache-Control"] == "no-store"
    return response


def test_the_answer_has_what_section_5_1_wants(sync):
    response = ask(sync, grant_type="client_credentials", scope="requests:read")
    assert response.status_code == 200
    assert (response["Cache-Control"], response["Pragma"]) == ("no-store", "no-cache")
    answer = response.json()
    assert (answer["token_type"], answer["expires_in"], answer["scope"]) == ("Bearer", 900, "requests:read")
    assert "refresh_token" not in answer  # section 4.4.3


def test_the_token_is_a_jwt_as_rfc_9068_has_it(sync, acme, signing_key):
    token = ask(sync, grant_type="client_credentials").json()["access_token"]
    header = json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))
    assert header == {"alg": "RS256", "typ": "at+jwt", "kid": signing_key.public_id}
    claims = claims_of(token)
    assert (claims["iss"], claims["aud"]) == ("http://127.0.0.1:8000", "http://127.0.0.1:8000/api")
    assert (claims["sub"], claims["client_id"], claims["partner_id"]) == (sync.id, sync.id, acme.public_id)
    assert claims["exp"] - claims["iat"] == 900
    assert claims["jti"] == AccessToken.objects.get().public_id


def test_the_secret_may_stand_in_the_form(sync):
    form = {"grant_type": "client_credentials", "client_id": sync.id, "client_secret": sync.secret}
    response = Client().post(TOKEN, "&".join(f"{name}={value}" for name, value in form.items()), content_type=FORM)
    assert response.status_code == 200


NOBODY = [
    {},
    basic("app_01jd3x8q4vf2r9kq6m5t7w8y9z", "pcs_unknown"),
    basic("nobody", "nothing"),
    {"HTTP_AUTHORIZATION": "Basic !!!"},
    {"HTTP_AUTHORIZATION": "Basic " + base64.b64encode(b"\xff\xfe:\xff").decode()},
    {"HTTP_AUTHORIZATION": "Bearer abc"},
]


def test_unknown_clients_are_all_refused_alike(sync):
    for headers in NOBODY:
        response = Client().post(TOKEN, "grant_type=client_credentials", content_type=FORM, **headers)
        refused(response, 401, "invalid_client")
        assert response["WWW-Authenticate"].startswith('Basic realm="')


def test_a_wrong_secret_is_refused_as_an_unknown_client_is(sync):
    mistyped = sync.secret[:-1] + ("1" if sync.secret.endswith("0") else "0")
    wrong = Client().post(TOKEN, "grant_type=client_credentials", content_type=FORM, **basic(sync.id, mistyped))
    unknown = Client().post(TOKEN, "grant_type=client_credentials", content_type=FORM, **basic("app_x", "y"))
    assert refused(wrong, 401, "invalid_client").content == unknown.content


def test_authenticating_in_two_ways_is_refused(sync):
    refused(ask(sync, grant_type="client_credentials", client_secret=sync.secret), 400, "invalid_request")


def test_a_client_cant_name_another(sync, globex):
    other = issued(globex)
    refused(ask(sync, grant_type="client_credentials", client_id=other.id), 400, "invalid_request")


@pytest.mark.parametrize("body", ["grant_type=client_credentials&grant_type=client_credentials", "grant_type=a&scope=x&scope=x"])
def test_no_parameter_comes_twice(sync, body):
    refused(Client().post(TOKEN, body, content_type=FORM, **basic(sync.id, sync.secret)), 400, "invalid_request")


def test_parameters_come_in_the_form_only(sync):
    query = Client().post(f"{TOKEN}?grant_type=client_credentials", "", content_type=FORM, **basic(sync.id, sync.secret))
    refused(query, 400, "invalid_request")
    as_json = Client().post(TOKEN, {"grant_type": "client_credentials"}, "application/json", **basic(sync.id, sync.secret))
    refused(as_json, 400, "invalid_request")


def test_other_grants_are_unsupported(sync):
    for grant in ("password", "implicit", "urn:ietf:params:oauth:grant-type:jwt-bearer", "é\x00"):
        refused(ask(sync, grant_type=grant), 400, "unsupported_grant_type")


def test_a_grant_must_be_named(sync):
    refused(ask(sync, grant_type=""), 400, "invalid_request")


def test_a_scope_beyond_the_applications_is_refused(sync):
    for scope in ("keys:write", "requests:read billing:read", "*", "requests:read\x00"):
        refused(ask(sync, grant_type="client_credentials", scope=scope), 400, "invalid_scope")


def test_a_grant_type_must_be_among_the_applications(acme):
    for_others = issued(acme, grant_types=["authorization_code"])
    refused(ask(for_others, grant_type="client_credentials"), 400, "unauthorized_client")
    refused(ask(for_others, grant_type="refresh_token", refresh_token="prt_x"), 400, "unauthorized_client")


def test_a_public_application_gets_nothing_without_a_consent(acme):
    public = issued(acme, kind="public", grant_types=["authorization_code"])
    assert public.secret is None
    refused(ask(public, grant_type="client_credentials"), 401, "invalid_client")


@pytest.mark.parametrize("ended", ["disable", "revoke"])
def test_an_application_that_is_off_gets_nothing(sync, ended):
    getattr(applications, ended)(application=sync.application, by=OPERATOR)
    refused(ask(sync, grant_type="client_credentials"), 401, "invalid_client")


def test_the_application_of_a_suspended_partner_gets_nothing(sync, acme):
    partners.suspend(partner=acme, reason="…", by=OPERATOR)
    refused(ask(sync, grant_type="client_credentials"), 401, "invalid_client")


def test_two_secrets_work_while_one_is_rotated(sync):
    from datetime import timedelta

    later = applications.rotate_secret(application=sync.application, grace=timedelta(hours=1), by=OPERATOR)
    for secret in (sync.secret, later.secret):
        sync.secret = secret
        assert ask(sync, grant_type="client_credentials").status_code == 200
    with pytest.raises(applications.TooManySecrets):
        applications.rotate_secret(application=sync.application, grace=timedelta(hours=1), by=OPERATOR)
    assert ClientSecret.objects.filter(application=sync.application).usable().count() == 2


def test_the_earlier_secret_ends_with_its_grace(sync):
    from datetime import timedelta

    applications.rotate_secret(application=sync.application, grace=timedelta(0), by=OPERATOR)
    refused(ask(sync, grant_type="client_credentials"), 401, "invalid_client")


def test_an_idempotency_key_keeps_no_token(sync):
    from core.models import StoredAnswer

    headers = {**basic(sync.id, sync.secret), "HTTP_IDEMPOTENCY_KEY": "once"}
    answers = {
        Client().post(TOKEN, "grant_type=client_credentials", content_type=FORM, **headers).json()["access_token"] for _ in "12"
    }
    assert len(answers) == 2
    assert not StoredAnswer.objects.exists()


def test_tokens_of_one_application_are_rationed(sync, monkeypatch):
    from apikeys.oauth import server

    monkeypatch.setattr(server, "TOKENS_A_MINUTE", 2)
    statuses = [ask(sync, grant_type="client_credentials").status_code for _ in range(3)]
    assert statuses == [200, 200, 429]


def test_json_whatever_is_accepted(sync):
    headers = {**basic(sync.id, sync.secret), "HTTP_ACCEPT": "text/html"}
    assert Client().post(TOKEN, "grant_type=client_credentials", content_type=FORM, **headers).status_code == 200


def test_programs_in_browsers_may_ask_for_tokens(sync):
    """RFC 9700, section 2.6: where they are given, ended and verified; never where people consent."""
    for path, allowed in ((TOKEN, True), (REVOKE, True), (INTROSPECT, False)):
        for client in (sync, SimpleNamespace(id=sync.id, secret="pcs_wrong")):
            answer = ask(client, path, grant_type="client_credentials", token="none")
            assert (answer.headers.get("Access-Control-Allow-Origin") == "*") is allowed, path
    assert Client().get("/.well-known/jwks.json")["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Origin" not in Client().get("/oauth/authorize")

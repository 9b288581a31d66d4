"""From the authorization request to tokens, against RFC 6749 (section 4.1), 7636, 8252, 9207 and 9700."""

import re
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.utils.http import urlencode

from apikeys.models import AccessToken, Authorization, Consent
from apikeys.oauth import applications, consents, tokens
from core import clock, crypto
from partners import partners
from tests.oauth.flows import (
    CALLBACK,
    INTROSPECT,
    OPERATOR,
    agree,
    answered,
    ask,
    browser,
    connected,
    issued,
    pkce,
    request_of,
)
from tests.oauth.test_token_endpoint import claims_of, refused

pytestmark = pytest.mark.django_db
AUTHORIZE = "/oauth/authorize"


@pytest.fixture
def someone(globex):
    """A developer of Globex, signed in."""
    return browser(globex, "developer")


@pytest.fixture
def code(someone, globex, sync):
    """A fresh code of Globex's, with the verifier that goes with it."""
    verifier, challenge = pkce()
    return {"code": agree(someone, globex, sync, challenge)["code"], "code_verifier": verifier, "redirect_uri": CALLBACK}


def redeem(client, **form):
    return ask(client, grant_type="authorization_code", **form)


def test_the_page_says_who_asks_for_what_in_plain_words(someone, globex, sync):
    page = someone.get("/p/globex/authorize", request_of(sync, pkce()[1]))
    text = page.content.decode()
    for said in ("Order sync", "Acme", "Globex", "See your requests and their results", "Live", "https://app.acme.example"):
        assert said in text
    assert "Submit requests" not in text  # it didn't ask for that
    assert "no-store" in page["Cache-Control"]
    assert page["X-Frame-Options"] == "DENY"
    assert "form-action 'self' https://app.acme.example;" in page["Content-Security-Policy"] + ";"


def test_a_consent_gives_tokens_that_act_for_the_partner(someone, globex, sync):
    given = connected(globex, sync, someone)
    claims = claims_of(given["access_token"])
    assert (claims["sub"], claims["partner_id"], claims["client_id"]) == (globex.public_id, globex.public_id, sync.id)
    assert given["scope"] == claims["scope"] == "requests:read usage:read"
    consent = Consent.objects.get()
    assert (consent.partner, consent.scopes, consent.member.role) == (globex, ["requests:read", "usage:read"], "developer")


def test_the_answer_carries_state_and_issuer(someone, globex, sync):
    answer = agree(someone, globex, sync, pkce()[1], state="a state & more=1 é")
    assert answer["state"] == "a state & more=1 é"
    assert answer["iss"] == "http://127.0.0.1:8000"  # RFC 9207


def test_a_no_is_told_to_the_application(someone, globex, sync):
    answer = agree(someone, globex, sync, pkce()[1], decision="deny")
    assert (answer["error"], answer["state"], answer["iss"]) == ("access_denied", "a state", "http://127.0.0.1:8000")
    assert not Consent.objects.exists()


STRAY = [
    {"client_id": None},
    {"client_id": "app_01jd3x8q4vf2r9kq6m5t7w8y9z"},
    {"client_id": "nonsense"},
    {"redirect_uri": "https://evil.example/"},
    {"redirect_uri": CALLBACK + "/"},
    {"redirect_uri": CALLBACK + "?a=1"},
    {"redirect_uri": CALLBACK + "#f"},
    {"redirect_uri": CALLBACK.upper()},
    {"redirect_uri": "http://app.acme.example/callback"},
    {"redirect_uri": "https://app.acme.example@evil.example/callback"},
    {"redirect_uri": 'https://evil.example/"é'},
    {"redirect_uri": "https://evil.example/", "response_type": "token"},
]


def test_nobody_is_sent_to_an_unknown_address(someone, globex, sync):
    for changes in STRAY:
        query = request_of(sync, pkce()[1], **changes)
        answers = [
            someone.get(AUTHORIZE, query),
            someone.post(f"/p/globex/authorize?{urlencode(query)}", {"decision": "allow"}),
        ]
        for answer in answers:
            assert (answer.status_code, answer.headers.get("Location")) == (400, None), changes
            assert re.search(r"<code>[a-z_]+</code>", answer.content.decode())


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": None}, "unsupported_response_type"),
        ({"scope": "billing:read"}, "invalid_scope"),
        ({"scope": "*"}, "invalid_scope"),
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
    ],
)
def test_other_mistakes_are_told_to_the_application(someone, sync, changes, error):
    answer = answered(someone.get(AUTHORIZE, request_of(sync, pkce()[1], **changes)))
    assert (answer["error"], answer["state"], answer["iss"]) == (error, "a state", "http://127.0.0.1:8000")


def test_a_parameter_that_comes_twice_gives_no_code(someone, globex, sync):
    query = urlencode(request_of(sync, pkce()[1])) + "&scope=usage%3Aread"
    response = someone.post(f"/p/globex/authorize?{query}", {"decision": "allow"})
    assert "code=" not in response.headers.get("Location", "")
    assert not Authorization.objects.exists()


def test_the_only_registered_address_may_be_left_out(someone, globex, sync):
    verifier, challenge = pkce()
    code = agree(someone, globex, sync, challenge, redirect_uri=None)["code"]
    assert redeem(sync, code=code, code_verifier=verifier).status_code == 200


@pytest.mark.parametrize(
    ("registered", "asked", "fits"),
    [
        ("http://127.0.0.1/cb", "http://127.0.0.1:49152/cb", True),
        ("http://127.0.0.1:8000/cb", "http://127.0.0.1:9/cb", True),
        ("http://[::1]/cb", "http://[::1]:5000/cb", True),
        ("http://127.0.0.1/cb", "http://127.0.0.1:49152/other", False),
        ("http://127.0.0.1/cb", "https://127.0.0.1:49152/cb", False),
        ("http://localhost:3000/cb", "http://localhost:4000/cb", False),
        ("https://a.example/cb", "https://a.example:8443/cb", False),
    ],
)
def test_only_the_port_of_a_loopback_address_may_differ(registered, asked, fits):
    from apikeys.oauth import redirects

    assert not redirects.mistakes([registered])
    assert redirects.is_registered(asked, [registered]) is fits


def test_a_code_works_once_and_its_replay_ends_what_it_gave(sync, code):
    given = redeem(sync, **code).json()
    refused(redeem(sync, **code), 400, "invalid_grant")
    assert ask(sync, INTROSPECT, token=given["access_token"]).json() == {"active": False}
    refused(ask(sync, grant_type="refresh_token", refresh_token=given["refresh_token"]), 400, "invalid_grant")


def test_a_code_is_good_for_a_minute(sync, code):
    Authorization.objects.update(code_expires_at=clock.now() - timedelta(seconds=1))
    refused(redeem(sync, **code), 400, "invalid_grant")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_verifier": None}, "invalid_request"),
        ({"code_verifier": "x" * 43}, "invalid_grant"),
        ({"code_verifier": "short"}, "invalid_request"),
        ({"redirect_uri": None}, "invalid_grant"),
        ({"redirect_uri": "https://app.acme.example/other"}, "invalid_grant"),
        ({"code": None}, "invalid_request"),
        ({"code": "pac_unknown"}, "invalid_grant"),
    ],
)
def test_a_code_needs_all_that_belongs_to_it(sync, code, changes, error):
    form = {name: value for name, value in (code | changes).items() if value is not None}
    refused(redeem(sync, **form), 400, error)
    assert not AccessToken.objects.exists()


def test_the_challenge_is_no_verifier(someone, globex, sync):
    _verifier, challenge = pkce()
    code = agree(someone, globex, sync, challenge)["code"]
    refused(redeem(sync, code=code, code_verifier=challenge, redirect_uri=CALLBACK), 400, "invalid_grant")


def test_another_client_cant_use_a_code(sync, code, globex):
    refused(redeem(issued(globex, redirect_uris=[CALLBACK]), **code), 400, "invalid_grant")
    assert redeem(sync, **code).status_code == 200  # and spoils nothing by trying


def test_a_public_client_proves_itself_by_the_verifier(someone, globex, acme):
    public = issued(acme, kind="public", grant_types=["authorization_code", "refresh_token"])
    given = connected(globex, public, someone)
    assert given["refresh_token"]


def test_scopes_that_outlive_a_consent_are_never_given(someone, acme):
    keen = issued(acme, scopes=["requests:read", "keys:write", "members:write"])
    answer = answered(someone.get(AUTHORIZE, request_of(keen, pkce()[1], scope="keys:write")))
    assert answer["error"] == "invalid_scope"


def test_without_a_scope_all_that_can_be_given_are_asked_for(someone, globex, acme):
    keen = issued(acme, scopes=["requests:read", "keys:write"])
    assert connected(globex, keen, someone, scope=None)["scope"] == "requests:read"


@pytest.mark.parametrize("role", ["viewer", "finance"])
def test_a_role_that_may_not_cant_agree(globex, sync, role):
    person = browser(globex, role)
    query = urlencode(request_of(sync, pkce()[1]))
    assert person.post(f"/p/globex/authorize?{query}", {"decision": "allow"}).status_code == 403
    assert person.get(f"{AUTHORIZE}?{query}").status_code == 200  # and is told why
    assert not Consent.objects.exists()


def test_nobody_gives_rights_that_they_lack(globex, acme):
    books = issued(acme, scopes=["billing:read"])
    person = browser(globex, "developer")
    query = urlencode(request_of(books, pkce()[1], scope="billing:read"))
    assert 'decision" value="allow' not in person.get(f"/p/globex/authorize?{query}").content.decode()
    person.post(f"/p/globex/authorize?{query}", {"decision": "allow"})
    assert not Consent.objects.exists()


def test_a_stranger_cant_agree_for_a_partner(acme, globex, sync):
    query = urlencode(request_of(sync, pkce()[1]))
    assert browser(acme).post(f"/p/globex/authorize?{query}", {"decision": "allow"}).status_code == 404
    assert not Consent.objects.exists()


def test_whoever_belongs_to_one_partner_comes_straight_to_its_page(someone, sync):
    response = someone.get(AUTHORIZE, request_of(sync, pkce()[1]))
    assert urlsplit(response["Location"]).path == "/p/globex/authorize"


def test_who_isnt_signed_in_signs_in_first(client, sync):
    response = client.get(AUTHORIZE, request_of(sync, pkce()[1]))
    assert response["Location"].startswith("/accounts/login/?next=/oauth/authorize%3F")


def test_an_application_of_the_test_environment_gets_test_data(someone, globex, acme):
    trial = issued(acme, environment="test")
    assert claims_of(connected(globex, trial, someone)["access_token"])["environment"] == "test"
    assert Consent.objects.get().environment == "test"


def test_a_second_yes_widens_the_consent(someone, globex, sync):
    connected(globex, sync, someone, scope="requests:read")
    connected(globex, sync, someone, scope="usage:read")
    assert Consent.objects.get().scopes == ["requests:read", "usage:read"]


def test_a_suspended_partner_connects_nothing(someone, globex, sync):
    partners.suspend(partner=globex, reason="…", by=OPERATOR)
    query = urlencode(request_of(sync, pkce()[1]))
    someone.post(f"/p/globex/authorize?{query}", {"decision": "allow"})
    assert not Consent.objects.exists()


class TestRefresh:
    """RFC 6749, section 6; RFC 9700, section 4.14."""

    def renew(self, client, token, **form):
        return ask(client, grant_type="refresh_token", refresh_token=token, **form)

    def test_each_token_gives_the_next(self, someone, globex, sync):
        first = connected(globex, sync, someone)
        second = self.renew(sync, first["refresh_token"]).json()
        third = self.renew(sync, second["refresh_token"]).json()
        assert len({first["refresh_token"], second["refresh_token"], third["refresh_token"]}) == 3

    def test_reuse_ends_the_family_and_both_sides_are_told(self, someone, globex, acme, sync):
        from core.models import Event

        first = connected(globex, sync, someone)
        second = self.renew(sync, first["refresh_token"]).json()
        refused(self.renew(sync, first["refresh_token"]), 400, "invalid_grant")
        refused(self.renew(sync, second["refresh_token"]), 400, "invalid_grant")
        assert ask(sync, INTROSPECT, token=second["access_token"]).json() == {"active": False}
        told = Event.objects.filter(type="consent.reuse_detected").values_list("partner_id", flat=True)
        assert set(told) == {acme.pk, globex.pk}

    def test_scope_may_narrow_and_come_back_but_not_grow(self, someone, globex, sync):
        given = connected(globex, sync, someone)
        narrow = self.renew(sync, given["refresh_token"], scope="usage:read").json()
        assert narrow["scope"] == "usage:read"
        refused(self.renew(sync, narrow["refresh_token"], scope="requests:write"), 400, "invalid_scope")
        assert self.renew(sync, narrow["refresh_token"]).json()["scope"] == "requests:read usage:read"

    def test_another_client_cant_use_it(self, someone, globex, sync):
        given = connected(globex, sync, someone)
        refused(self.renew(issued(globex), given["refresh_token"]), 400, "invalid_grant")
        assert self.renew(sync, given["refresh_token"]).status_code == 200

    def test_it_ends_when_it_isnt_used_and_in_any_case_some_day(self, someone, globex, sync):
        from apikeys.models import RefreshToken

        given = connected(globex, sync, someone)
        found = RefreshToken.objects.get()
        assert found.expires_at - clock.now() < timedelta(days=30)
        assert found.authorization.ends_at - clock.now() < timedelta(days=365)
        RefreshToken.objects.update(expires_at=clock.now() - timedelta(seconds=1))
        refused(self.renew(sync, given["refresh_token"]), 400, "invalid_grant")

    def test_a_disconnected_application_renews_nothing(self, someone, globex, sync):
        given = connected(globex, sync, someone)
        consents.revoke(consent=Consent.objects.get(), by=OPERATOR)
        refused(self.renew(sync, given["refresh_token"]), 400, "invalid_grant")

    def test_what_the_application_lost_its_tokens_lose(self, someone, globex, sync):
        given = connected(globex, sync, someone)
        applications.update(application=sync.application, scopes=["usage:read"], by=OPERATOR)
        assert self.renew(sync, given["refresh_token"]).json()["scope"] == "usage:read"
        assert tokens.effective(tokens.find_access(crypto.digest(given["access_token"]))) == ["usage:read"]


class TestRevocationAndIntrospection:
    """RFC 7009 and RFC 7662."""

    def test_a_live_token_is_told_to_its_application(self, someone, globex, sync):
        given = connected(globex, sync, someone)
        told = ask(sync, INTROSPECT, token=given["access_token"], token_type_hint="refresh_token").json()
        claims = claims_of(given["access_token"])
        assert told["active"] is True
        assert {name: told[name] for name in ("sub", "aud", "iss", "jti", "exp", "client_id", "scope")} == {
            name: claims[name] for name in ("sub", "aud", "iss", "jti", "exp", "client_id", "scope")
        }
        assert ask(sync, INTROSPECT, token=given["refresh_token"]).json()["active"] is True

    def test_of_others_tokens_nothing_is_told(self, someone, globex, sync):
        given = connected(globex, sync, someone)
        stranger = issued(globex)
        for token in (given["access_token"], given["refresh_token"], "eyJ", "nonsense", "prt_x"):
            assert ask(stranger, INTROSPECT, token=token).json() == {"active": False}

    def test_asking_needs_a_client_secret(self, acme):
        public = issued(acme, kind="public", grant_types=["authorization_code"])
        refused(ask(public, INTROSPECT, token="eyJ"), 401, "invalid_client")
        refused(ask(issued(acme), INTROSPECT), 400, "invalid_request")

    @pytest.mark.parametrize("ended", ["access_token", "refresh_token"])
    def test_a_revoked_token_works_no_more(self, someone, globex, sync, ended):
        from tests.oauth.flows import REVOKE

        given = connected(globex, sync, someone)
        assert ask(sync, REVOKE, token=given[ended]).status_code == 200
        assert ask(sync, INTROSPECT, token=given["access_token"]).json() == {"active": False}
        renewed = ask(sync, grant_type="refresh_token", refresh_token=given["refresh_token"])
        assert renewed.status_code == (200 if ended == "access_token" else 400)  # the family ends with its refresh token

    def test_others_tokens_cant_be_revoked(self, someone, globex, sync):
        from tests.oauth.flows import REVOKE

        given = connected(globex, sync, someone)
        for token in (given["access_token"], given["refresh_token"], "nonsense"):
            assert ask(issued(globex), REVOKE, token=token).status_code == 200  # RFC 7009, section 2.2
        assert ask(sync, INTROSPECT, token=given["access_token"]).json()["active"] is True

"""Each flow through the real gateway, by a client of another code base than the server's: oauthlib and PyJWT."""

import os
from concurrent.futures import ThreadPoolExecutor

import jwt
import pytest
from oauthlib.oauth2 import BackendApplicationClient, InvalidGrantError
from requests_oauthlib import OAuth2Session

from tests.oauth.flows import CALLBACK, agree, browser, issued

TOKEN = "/api/partner/v1/auth/token"


@pytest.fixture(autouse=True)
def _plain_http(monkeypatch):
    """TLS is the proxy's; oauthlib wants to be told."""
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    monkeypatch.setitem(os.environ, "OAUTHLIB_RELAX_TOKEN_SCOPE", "1")


@pytest.fixture
def app(acme):
    return issued(acme.partner)


def session_of(app, partner, **settings):
    """An oauthlib client whose person at the partner has said yes, and the address that person was sent back to."""
    session = OAuth2Session(app.id, redirect_uri=CALLBACK, scope=["requests:read"], pkce="S256", **settings)
    url, state = session.authorization_url("http://portico.invalid/oauth/authorize")
    from urllib.parse import parse_qs, urlencode, urlsplit

    sent = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    answer = agree(browser(partner), partner, app, sent["code_challenge"], scope=sent["scope"], state=state)
    assert answer["state"] == state
    return session, f"{CALLBACK}?{urlencode(answer)}"


def test_client_credentials(gateway, acme, app):
    session = OAuth2Session(client=BackendApplicationClient(client_id=app.id))
    session.fetch_token(gateway.base_url + TOKEN, client_id=app.id, client_secret=app.secret)
    answer = session.get(f"{gateway.base_url}/api/partner/health")
    assert answer.json()["partner"] == acme.partner.public_id


def test_code_with_pkce_refresh_and_revocation(gateway, globex, app):
    session, came_back = session_of(app, globex.partner)
    told = gateway.base_url
    session.fetch_token(told + TOKEN, authorization_response=came_back, client_secret=app.secret)
    assert session.get(f"{told}/api/partner/health").json()["partner"] == globex.partner.public_id
    first = session.token["access_token"]
    session.refresh_token(told + TOKEN, auth=(app.id, app.secret))
    assert session.token["access_token"] != first
    assert session.get(f"{told}/api/partner/requests").status_code == 200
    form = {"token": session.token["refresh_token"]}
    ended = session.post(f"{told}/api/partner/auth/revoke", data=form, auth=(app.id, app.secret))
    assert ended.status_code == 200
    refused = session.get(f"{told}/api/partner/health")
    assert (refused.status_code, refused.json()["code"]) == (401, "invalid_token")


def test_a_public_client(gateway, globex, acme):
    public = issued(acme.partner, kind="public", grant_types=["authorization_code"])
    session, came_back = session_of(public, globex.partner)
    session.fetch_token(gateway.base_url + TOKEN, authorization_response=came_back, include_client_id=True)
    assert session.get(f"{gateway.base_url}/api/partner/health").json()["key"] == public.id


def test_a_stranger_verifies_tokens_by_what_is_published(gateway, app):
    """As RFC 9068, section 4, has resource servers do it."""
    session = OAuth2Session(client=BackendApplicationClient(client_id=app.id))
    token = session.fetch_token(gateway.base_url + TOKEN, client_id=app.id, client_secret=app.secret)["access_token"]
    metadata = gateway.get("/.well-known/oauth-authorization-server").expect(200)
    keys = jwt.PyJWKSet.from_dict(gateway.get("/.well-known/jwks.json").expect(200).json)
    header = jwt.get_unverified_header(token)
    assert header["typ"] == "at+jwt"
    claims = jwt.decode(token, keys[header["kid"]], ["RS256"], audience="http://127.0.0.1:8000/api", issuer=metadata["issuer"])
    assert claims["client_id"] == app.id


@pytest.mark.parametrize("what", ["code", "refresh_token"])
def test_of_many_who_come_with_one_exactly_one_wins(gateway, globex, app, what):
    session, came_back = session_of(app, globex.partner)
    url = gateway.base_url + TOKEN

    def redeem(_number):
        mine = OAuth2Session(app.id, redirect_uri=CALLBACK, state=session._state, pkce="S256")
        mine._code_verifier = session._code_verifier
        try:
            if what == "code":
                return mine.fetch_token(url, authorization_response=came_back, client_secret=app.secret)
            return mine.refresh_token(url, refresh_token=session.token["refresh_token"], auth=(app.id, app.secret))
        except InvalidGrantError:
            return None

    if what == "refresh_token":
        session.fetch_token(url, authorization_response=came_back, client_secret=app.secret)
    with ThreadPoolExecutor(8) as pool:
        won = [token for token in pool.map(redeem, range(8)) if token]
    assert len(won) == 1
    refused = gateway.get("/api/partner/health", headers={"Authorization": f"Bearer {won[0]['access_token']}"})
    refused.expect_problem(401, "invalid_token")  # the others were replays


def test_nothing_secret_is_in_the_tables(gateway, globex, app):
    from django.db import connection

    from tests import leaks

    session, came_back = session_of(app, globex.partner)
    session.fetch_token(gateway.base_url + TOKEN, authorization_response=came_back, client_secret=app.secret)
    with connection.cursor() as cursor:
        assert leaks.look_at_database(cursor) > 0
        for text in (app.secret, session.token["access_token"], session.token["refresh_token"]):
            for table in ("accesstoken", "refreshtoken", "clientsecret", "authorization"):
                cursor.execute(f"SELECT count(*) FROM apikeys_{table} t WHERE t::text LIKE %s", [f"%{text[10:40]}%"])
                assert cursor.fetchone() == (0,)

"""What the tests of OAuth do over and over: ask for tokens, agree on the consent page, connect."""

import base64
import hashlib
import secrets
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

from django.test import Client
from django.utils.http import urlencode

from apikeys.oauth import applications
from core.actors import Actor

OPERATOR = Actor("operator", label="op@portico.example")
CALLBACK = "https://app.acme.example/callback"
TOKEN = "/api/partner/v1/auth/token"
REVOKE = "/api/partner/v1/auth/revoke"
INTROSPECT = "/api/partner/v1/auth/introspect"
FORM = "application/x-www-form-urlencoded"
ALL_GRANTS = ("client_credentials", "authorization_code", "refresh_token")


def issued(partner, **settings):
    """An application with its secret (`.id`, `.secret`, `.application`)."""
    wanted = {
        "partner": partner,
        "environment": "live",
        "name": "Order sync",
        "grant_types": ALL_GRANTS,
        "scopes": ["requests:read", "requests:write", "usage:read"],
        "redirect_uris": [CALLBACK],
        "by": OPERATOR,
    }
    made = applications.issue(**(wanted | settings))
    return SimpleNamespace(id=made.application.public_id, secret=made.secret, application=made.application)


def basic(client_id, secret):
    return {"HTTP_AUTHORIZATION": "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()}


def ask(client, path=TOKEN, **form):
    """A form to an endpoint, authenticated as the application in the header."""
    headers = basic(client.id, client.secret) if client.secret else {}
    form = form if client.secret else {"client_id": client.id, **form}
    return Client().post(path, urlencode(form, doseq=True), content_type=FORM, **headers)


def pkce():
    """A verifier and its challenge (RFC 7636, section 4.2)."""
    verifier = secrets.token_urlsafe(48)
    return verifier, base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def browser(partner, role="owner"):
    """A browser in which somebody of the partner is signed in."""
    from core.models import User
    from partners.models import Member

    user = User.objects.create_user(f"{role}-{secrets.token_hex(3)}@{partner.slug}.example")
    Member.objects.create(partner=partner, user=user, role=role)
    client = Client()
    client.force_login(user)
    return client


def request_of(application, challenge, **changes):
    """The parameters of an authorization request; None leaves one out."""
    asked = {
        "response_type": "code",
        "client_id": application.id,
        "redirect_uri": CALLBACK,
        "scope": "requests:read usage:read",
        "state": "a state",
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    return {name: value for name, value in (asked | changes).items() if value is not None}


def answered(response):
    """The parameters with which somebody was sent back to the application."""
    assert response.status_code == 303, response.content.decode()[:2000]
    return {name: values[0] for name, values in parse_qs(urlsplit(response["Location"]).query).items()}


def agree(person, partner, application, challenge, decision="allow", **changes):
    """Open the consent page and answer it; the answer that the application gets."""
    query = request_of(application, challenge, **changes)
    page = f"/p/{partner.slug}/authorize"
    assert person.get(page, query).status_code == 200
    return answered(person.post(f"{page}?{urlencode(query)}", {"decision": decision}))


def connected(partner, application, person=None, **changes):
    """The answer of the token endpoint to a code of a fresh consent."""
    verifier, challenge = pkce()
    code = agree(person or browser(partner), partner, application, challenge, **changes)["code"]
    response = ask(application, grant_type="authorization_code", code=code, code_verifier=verifier, redirect_uri=CALLBACK)
    assert response.status_code == 200, response.content
    return response.json()

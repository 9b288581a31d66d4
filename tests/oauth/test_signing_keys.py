"""Keys follow one another without a moment in which a token can't be verified (RFC 7517; RFC 8414)."""

import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command

from apikeys.models import SigningKey
from apikeys.oauth import signing_keys, tokens
from core import clock
from tests.oauth.flows import issued
from tests.oauth.test_token_endpoint import ask

pytestmark = pytest.mark.django_db
JWKS = "/.well-known/jwks.json"


@pytest.fixture
def moved():
    """Moves the clock, and back at the end."""
    yield clock.tick
    clock.reset()


def kids(client):
    return [jwk["kid"] for jwk in client.get(JWKS).json()["keys"]]


def test_the_private_half_is_encrypted_and_never_published(client, signing_key):
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT private_key, public_key FROM apikeys_signingkey")
        private, public = cursor.fetchone()
    assert bytes(private).startswith(b"gAAAA")  # Fernet
    assert {"d", "p", "q"}.isdisjoint(json.loads(public))
    answer = client.get(JWKS)
    assert set(answer.json()["keys"][0]) == {"kty", "n", "e", "kid", "use", "alg"}
    assert answer["Cache-Control"] == "public, max-age=3600"


def test_the_next_key_is_published_a_day_before_it_signs(client, acme, signing_key, moved):
    coming = signing_keys.rotate()
    assert kids(client) == [signing_key.public_id, coming.public_id]
    assert [key.state for key in (SigningKey.objects.get(pk=signing_key.pk), coming)] == ["current", "coming"]
    assert signing_keys.current() == signing_key
    with pytest.raises(signing_keys.AlreadyComing):
        signing_keys.rotate()
    moved(timedelta(days=1, seconds=1))
    assert signing_keys.current() == coming
    assert kids(client) == [signing_key.public_id, coming.public_id]  # tokens of the old one may be about
    assert SigningKey.objects.get(pk=signing_key.pk).state == "past"
    moved(timedelta(hours=2))
    assert kids(client) == [coming.public_id]
    signing_keys.rotate_due()
    assert SigningKey.objects.get(pk=signing_key.pk).private_key is None


def test_keys_change_by_the_clock_and_not_too_often(signing_key, moved):
    assert not signing_keys.rotate_due()
    moved(timedelta(days=91))
    assert signing_keys.rotate_due()
    assert not signing_keys.rotate_due()


def test_a_leaked_key_is_gone_at_once(client, signing_key):
    call_command("rotate_signing_keys", at_once=True)
    assert signing_key.public_id not in kids(client)
    assert SigningKey.objects.get(pk=signing_key.pk).private_key is None


def test_the_command_says_why_it_doesnt(signing_key):
    signing_keys.rotate()
    with pytest.raises(CommandError, match="published already"):
        call_command("rotate_signing_keys")


def test_what_is_over_is_deleted(acme, signing_key, moved):
    from apikeys.models import AccessToken

    app = issued(acme)
    ask(app, grant_type="client_credentials")
    assert tokens.forget_old() == 0
    moved(timedelta(hours=2))
    assert tokens.forget_old() == 1
    assert not AccessToken.objects.exists()


def test_the_metadata_is_what_rfc_8414_wants(client, signing_key):
    from authlib.oauth2 import rfc8414, rfc9207

    answer = client.get("/.well-known/oauth-authorization-server")
    document = answer.json()
    told = rfc8414.AuthorizationServerMetadata({**document, "issuer": "https://portico.example"} | _as_https(document))
    told.validate(metadata_classes=[rfc9207.AuthorizationServerMetadata])
    assert document["code_challenge_methods_supported"] == ["S256"]
    assert answer["Cache-Control"] == "public, max-age=3600"
    for name in ("token_endpoint", "revocation_endpoint", "introspection_endpoint"):
        assert client.post(document[name].removeprefix(document["issuer"])).status_code == 400
    assert client.get(document["jwks_uri"].removeprefix(document["issuer"])).status_code == 200


def _as_https(document):
    """As a production's: the demo's http is refused by whoever validates."""
    return {
        name: value.replace("http://127.0.0.1:8000", "https://portico.example")
        for name, value in document.items()
        if isinstance(value, str)
    }

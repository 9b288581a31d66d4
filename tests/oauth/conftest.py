"""Two partners, and an application of Acme's."""

import json

import pytest


@pytest.fixture(scope="session")
def made_key():
    """Making an RSA key takes half a second: once is enough."""
    from joserfc.jwk import RSAKey

    return RSAKey.generate_key(2048, private=True)


@pytest.fixture
def signing_key(db, made_key):
    from apikeys.models import SigningKey
    from core import clock

    return SigningKey.objects.create(
        private_key=json.dumps(made_key.as_dict(private=True)),
        public_key=made_key.as_dict(private=False),
        signs_from=clock.now(),
    )


@pytest.fixture
def acme(signing_key):
    from partners import partners
    from tests.oauth.flows import OPERATOR

    return partners.create(name="Acme", by=OPERATOR, active=True)


@pytest.fixture
def globex(signing_key):
    from partners import partners
    from tests.oauth.flows import OPERATOR

    return partners.create(name="Globex", by=OPERATOR, active=True)


@pytest.fixture
def sync(acme):
    """A confidential application of Acme's that may get tokens in every way."""
    from tests.oauth.flows import issued

    return issued(acme)

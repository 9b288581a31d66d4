"""Two live partners made through the verbs."""

import pytest

from core.actors import Actor

OPERATOR = Actor("operator", label="op@portico.example")


@pytest.fixture
def acme(db):
    from partners import partners

    return partners.create(name="Acme", by=OPERATOR, active=True)


@pytest.fixture
def globex(db):
    from partners import partners

    return partners.create(name="Globex", by=OPERATOR, active=True)


@pytest.fixture
def issued(acme):
    """A live key that may see and manage keys."""
    from apikeys import keys

    return keys.issue(partner=acme, environment="live", name="Back end", scopes=["keys:read", "keys:write"], by=OPERATOR)

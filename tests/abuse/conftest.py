"""Partners with keys, and calls as the gateway tells of them."""

from datetime import timedelta

import pytest

from core.actors import Actor

OPERATOR = Actor("operator", label="op@portico.example")


@pytest.fixture
def acme(db):
    from core.models import User
    from partners import partners

    return partners.create(name="Acme", by=OPERATOR, active=True, owner=User.objects.create_user("owner@acme.example"))


@pytest.fixture
def key(acme):
    from apikeys import keys

    return keys.issue(partner=acme, environment="live", name="Back end", scopes=["requests:read"], by=OPERATOR).key


@pytest.fixture
def developer(acme):
    from core.models import User
    from partners import members
    from partners.permissions import Role

    return members.add(partner=acme, user=User.objects.create_user("dev@acme.example"), role=Role.DEVELOPER, by=OPERATOR)


@pytest.fixture
def calls():
    """Ingests calls of a key: `calls(key, 300, status=404, paths=120)`, all of them `ago`."""
    from core import clock
    from tests.usage.conftest import call
    from usage import ingest

    def ingested(key, count, *, paths=1, ago=timedelta(seconds=20), **facts):
        given = {
            "at": clock.now() - ago,
            "partner": key.partner_id,
            "credential": key.pk,
            "environment": key.environment,
            "address": "203.0.113.7",
            **facts,
        }
        ingest.write([("", call(path=f"/api/partner/v1/requests/{number % paths}", **given)) for number in range(count)])

    return ingested

"""Operators find keys and see how they fare; nobody sees a key."""

from datetime import timedelta

import pytest
from django.test import Client

from apikeys import keys
from core import clock
from core.models import User
from tests.apikeys.conftest import OPERATOR
from tests.usage.conftest import call
from usage import ingest

pytestmark = pytest.mark.django_db


@pytest.fixture
def console() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("op@portico.example"))
    return client


def test_key_is_found_by_its_partner_and_end(console, acme, globex, issued):
    ends = clock.now() + timedelta(days=3)
    keys.issue(partner=acme, environment="live", name="Nightly", expires_at=ends, by=OPERATOR)
    keys.issue(partner=globex, environment="test", name="Elsewhere", by=OPERATOR)

    def names(query: str) -> set[str]:
        return {row.name for row in console.get(f"/admin/apikeys/key/?{query}").context["cl"].result_list}

    assert names("of=acme") == {"Back end", "Nightly"}
    assert names("end=expiring") == {"Nightly"}
    assert names("end=expired") == set()


def test_page_says_what_it_was_used_for(console, acme, issued):
    facts = {"partner": acme.pk, "credential": issued.key.pk}
    ingest.write([("e" * 32, call(**facts)), ("e" * 32, call(**facts, status=403, code="insufficient_scope"))])
    page = console.get(f"/admin/apikeys/key/{issued.key.pk}/change/").content.decode()
    assert "403 insufficient_scope" in page
    assert "curl/8.5" in page
    assert "203.0.113.9" in page
    assert issued.text not in page

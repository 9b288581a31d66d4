"""Calls in the operators' console, narrowed by the filters of their list."""

from datetime import timedelta

import pytest
from django.test import Client

from apikeys import keys
from core import clock, ids
from core.actors import SYSTEM
from core.models import User
from partners import partners
from tests.usage.conftest import EPOCH_ID, call
from usage import ingest
from usage.models import Call

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme(db):
    return partners.create(name="Acme Ltd", by=SYSTEM, active=True)


@pytest.fixture
def paths(acme):
    globex = partners.create(name="Globex", by=SYSTEM, active=True)
    told = [
        call(partner=acme.pk, path="/fine"),
        call(partner=acme.pk, path="/refused", status=429, code="rate_limited"),
        call(partner=acme.pk, path="/in-test", environment="test"),
        call(partner=acme.pk, path="/long-ago", at=clock.now() - timedelta(days=3)),
        call(partner=globex.pk, path="/broken", status=503, code="upstream_failed"),
    ]
    ingest.write((EPOCH_ID, one) for one in told)
    console = Client()
    console.force_login(User.objects.create_superuser("root@portico.example"))

    def found(**asked):
        page = console.get("/admin/usage/call/", asked)
        assert page.status_code == 200
        return {row.path for row in page.context["cl"].result_list}

    return found


def test_by_answer(paths):
    assert paths(answer="refused") == {"/refused", "/broken"}
    assert paths(answer="broken") == {"/broken"}
    assert paths(answer="fulfilled") == {"/fine", "/in-test", "/long-ago"}
    assert len(paths(answer="nonsense")) == 5


def test_by_environment_and_day(paths):
    today = f"{clock.now():%Y-%m-%d}"
    assert paths(environment__exact="test") == {"/in-test"}
    assert "/long-ago" not in paths(at_from=today)
    assert paths(at_to=f"{clock.now() - timedelta(days=1):%Y-%m-%d}") == {"/long-ago"}


def test_by_partner(paths, acme):
    of_acme = {"/fine", "/refused", "/in-test", "/long-ago"}
    for words in ("acme-ltd", " ACME-ltd ", "acme ltd", acme.public_id):
        assert paths(of=words) == of_acme
    assert paths(q=acme.public_id) == of_acme
    assert paths(of="acme-ltd", environment__exact="live", answer="refused") == {"/refused"}
    assert paths(of="nobody") == paths(of="ptn_zzzzzzzzzzzzzzzzzzzzzzzzzz") == paths(q="nobody") == set()


def test_by_the_clients_own_id_and_by_credential(paths, acme):
    key = ids.new()
    ingest.write([(EPOCH_ID, call(partner=acme.pk, path="/by-key", credential=key, client_request_id="job-7"))])
    assert paths(q="job-7") == {"/by-key"}
    assert paths(q=ids.encode("key", key)) == {"/by-key"}
    assert paths(q="key_nonsense") == paths(q="job-") == set()


def test_one_call_with_what_its_answer_meant(acme):
    issued = keys.issue(partner=acme, environment="live", name="Shop", by=SYSTEM)
    refused = call(partner=acme.pk, credential=issued.key.pk, status=403, code="ip_not_allowed", address="203.0.113.9")
    ingest.write([(EPOCH_ID, refused)])
    console = Client()
    console.force_login(User.objects.create_superuser("root@portico.example"))
    page = console.get(f"/admin/usage/call/{Call.objects.get().pk}/change/").content.decode()
    assert f"/admin/partners/partner/{acme.pk}/change/" in page
    assert issued.key.public_id in page
    assert "be used from 203.0.113.9. Add the address to its allowlist" in page
    assert "$PORTICO_KEY" in page

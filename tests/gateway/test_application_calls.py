"""Calls by applications in the log and in what is left: named after the application, whoever's it is."""

import pytest

from apikeys.models import Consent
from tests.oauth.flows import connected, issued
from usage import ingest
from usage.models import Call


@pytest.fixture
def app(acme):
    return issued(acme.partner)


def test_a_call_by_an_application_is_told_as_one(gateway, globex, app):
    token = connected(globex.partner, app)["access_token"]
    limits = gateway.get("/api/partner/usage/limits", headers={"Authorization": f"Bearer {token}"}).expect(200)["rate"]
    assert [rate["name"] for rate in limits] == ["application", "partner"]
    while not Call.objects.filter(credential_id=app.application.pk).exists():
        ingest.step()
    told = globex.api.get(f"/usage/requests?key={app.id}").expect(200)["data"]
    assert [(row["key"], row["application"]) for row in told] == [(None, app.id)]
    app.application.refresh_from_db()
    assert app.application.last_used_at
    assert Consent.objects.get(application=app.application).last_used_at


def test_an_application_reads_no_stored_answers_of_the_partner(gateway, globex, app):
    """An Idempotency-Key that the partner's own key has used is another one for an application."""
    bearer = {"Authorization": f"Bearer {connected(globex.partner, app, scope='requests:write')['access_token']}"}
    body = {"type": "TENANCY", "payload": {}}
    made = globex.api.post("/requests", body, headers={"Idempotency-Key": "guessed"}).expect(201)
    other = gateway.post("/api/partner/v1/requests", body, headers={**bearer, "Idempotency-Key": "guessed"}).expect(201)
    assert other["requestId"] != made["requestId"]

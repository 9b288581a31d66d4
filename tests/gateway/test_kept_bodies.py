"""Bodies in the call log: of failed test calls alone, masked before they leave the gateway, while the partner wants them."""

import asyncio

import pytest

from core import relay
from core.actors import SYSTEM
from partners import partners
from usage import bodies, ingest
from usage.models import Bodies, Call


@pytest.fixture
def taken(gateway, eventually):
    """The call of an answer as the log has it, and its bodies or None."""

    def take(answer):
        call_id = answer.headers["x-request-id"]

        def arrived():
            ingest.step()
            bodies.step()
            return Call.objects.public(call_id).first()

        call = eventually(arrived)
        running = gateway.running
        asyncio.run_coroutine_threadsafe(running.door.bodies.flush(), running.loop).result(timeout=10)
        while bodies.step():
            pass
        return Bodies.objects.filter(pk=call.pk).first()

    return take


BAD = {"name": "", "environment": "test", "password": "hunter2-XYZZY", "scopes": ["keys:read"]}


def test_a_failed_test_call_is_kept_without_its_secrets(acme, taken):
    found = taken(acme.test_api.post("/keys", BAD).expect(422))
    assert found.partner_id == acme.partner.pk
    assert '"scopes"' in found.request
    assert "hunter2" not in found.request
    assert "validation_error" in found.response
    assert not found.request_cut


def test_live_calls_and_those_that_went_well_are_not(acme, taken):
    assert taken(acme.api.post("/keys", BAD).expect(422)) is None
    assert taken(acme.test_api.get("/keys").expect(200)) is None


def test_a_partner_that_wants_none_has_none(acme, taken):
    kept = taken(acme.test_api.post("/keys", BAD).expect(422))
    partners.update(partner=acme.partner, keeps_test_bodies=False, by=SYSTEM)
    assert taken(acme.test_api.post("/keys", BAD).expect(422)) is None
    while relay.relay():
        pass
    assert not Bodies.objects.filter(pk=kept.pk).exists()
    bodies.write([bodies.BodiesRecord(kept.pk.bytes, acme.partner.pk.bytes, "late", False, "", False)])
    assert not Bodies.objects.filter(partner_id=acme.partner.pk).exists()


def test_the_partner_reads_them_in_the_test_environment(acme, globex, taken):
    answer = acme.test_api.post("/keys", BAD).expect(422)
    assert taken(answer)
    path = f"/usage/requests/{answer.headers['x-request-id']}"
    shown = acme.test_api.get(path).expect(200)
    assert "•••" in shown["bodies"]["request"]
    assert "--data-raw" in shown["curl"]
    assert "hunter2" not in shown.body.decode()
    for other in (acme.api, globex.api, globex.test_api):
        other.get(path).expect(404)


def test_an_upstreams_long_answer_is_cut(served, acme, upstream, taken):
    from marketplace import installations

    installations.install(integration=served.integration, partner=acme.partner, environment="test", by=SYSTEM)
    upstream.status, upstream.body = 500, b"x " * 20_000
    answer = acme.test_api.gateway.post(f"{served.path}/x", b"y " * 20_000, key=acme.test_api.key).expect(500)
    assert len(answer.body) == 40_000
    found = taken(answer)
    assert found.request_cut
    assert found.response_cut
    assert 15_000 < len(found.response) < 16_384

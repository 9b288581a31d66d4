"""Leaked keys: whoever posts one stops it; what was sent is nowhere, and the answer says nothing."""

import base64
import io
import json

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from core.actors import SYSTEM
from core.models import Event, User
from tests.callers import Caller

pytestmark = pytest.mark.django_db

PLACE = "https://github.com/acme/shop/blob/main/settings.py"
PATH = "/keys/report-leak"


@pytest.fixture
def caller():
    return Caller("anonymous")


def status(issued):
    issued.key.refresh_from_db()
    return issued.key.status


def test_one_key_and_where_it_was(caller, issued, acme, mailoutbox):
    from partners import members
    from partners.permissions import Role

    members.add(partner=acme, user=User.objects.create_user("dev@acme.example"), role=Role.DEVELOPER, by=SYSTEM)
    said = caller.post(PATH, {"key": issued.text, "url": f"{PLACE}?k={issued.text}", "note": f"It says {issued.text}!"}, 202)
    assert said == caller.post(PATH, {"key": "pk_live_unknown"}, 202) == {"status": "accepted"}
    assert status(issued) == "leaked"
    leak = issued.key.leaks.get()
    assert (leak.url, leak.note, leak.reported_from) == (f"{PLACE}?k=•••", "It says •••!", "203.0.113.9")
    assert Event.objects.get(type="key.leaked").data["found_at"] == leak.url


def test_a_scanners_list_stops_what_is_real(caller, issued):
    other = {"token": "pk_live_none", "type": "x", "source": "content", "more": 1}
    caller.post(PATH, [other, "nonsense", {"token": 7}, {"token": issued.text, "url": PLACE}], 202)
    assert status(issued) == "leaked"
    assert issued.key.leaks.get().source == "public"
    caller.post(PATH, [other] * 101, 422)


def test_a_signed_list_is_github_s_and_not_limited(caller, issued, settings, tmp_path, redis):
    private = ec.generate_private_key(ec.SECP256R1())
    pem = private.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"public_keys": [{"key_identifier": "k1", "key": pem.decode(), "is_current": True}]}))
    settings.LEAK_REPORTER_KEYS, settings.LEAK_REPORT_RATE = str(path), 1
    body = json.dumps([{"token": issued.text, "type": "key", "url": PLACE, "source": "content"}]).encode()
    signature = base64.b64encode(private.sign(body, ec.ECDSA(hashes.SHA256()))).decode()
    headers = {"Github-Public-Key-Identifier": "k1", "Github-Public-Key-Signature": signature}
    for _ in range(2):
        assert caller.send("POST", PATH, body, **headers).status_code == 202
    assert {leak.source for leak in issued.key.leaks.all()} == {"github"}
    forged = [{**headers, "Github-Public-Key-Signature": "eA=="}, {**headers, "Github-Public-Key-Identifier": "k2"}]
    assert [caller.send("POST", PATH, body, **each).status_code for each in forged] == [202, 429]
    assert issued.key.leaks.filter(source="public").count() == 1


def test_an_address_reports_so_many_a_minute(caller, settings, redis):
    settings.LEAK_REPORT_RATE = 2
    assert [caller.send("POST", PATH, {"key": "x"}).status_code for _ in range(3)] == [202, 202, 429]


def test_page_for_people(client, issued, redis):
    assert "Report a leaked key" in client.get("/report-leak").content.decode()
    said = client.post("/report-leak", {"key": issued.text, "url": PLACE}).content.decode()
    assert "Thank you" in said
    assert issued.text not in said
    assert status(issued) == "leaked"
    assert "Thank you" in client.post("/report-leak", {"key": "nothing"}).content.decode()


def test_console_and_command(client, issued, acme, monkeypatch):
    from django.core.management import call_command

    from apikeys import keys

    client.force_login(User.objects.create_superuser("root@portico.example"))
    client.post(f"/admin/apikeys/key/{issued.key.pk}/leak/", {"_form_submitted": "True", "reason": "Seen in a talk"})
    assert status(issued) == "leaked"
    assert issued.key.leaks.get().note == "Seen in a talk"
    assert "Seen in a talk" in client.get(f"/admin/apikeys/key/{issued.key.pk}/change/").content.decode()
    other = keys.issue(partner=acme, environment="test", name="Other", by=SYSTEM)
    monkeypatch.setattr("sys.stdin", io.StringIO(f"\n{other.text}\nnothing\n"))
    call_command("report_leak", stdout=io.StringIO())
    assert status(other) == "leaked"

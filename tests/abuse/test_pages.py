"""Pages about how a key is used: the team's way back, and the operators' queue."""

import pytest
from django.test import Client

from abuse import incidents, unusual
from abuse.models import Incident, Rule
from abuse.patterns import Found
from apikeys.models import Key
from core.models import User
from partners import members, partners
from partners.permissions import Role
from tests.abuse.conftest import OPERATOR

FOUND = Found("12 of 12 calls within 10 minutes were answered with 404, on 12 different paths.", {"matching": 12, "samples": []})


@pytest.fixture
def incident(key):
    rule = Rule.objects.get(name="Scanning for what isn't there")
    return incidents.open(rule=rule, key=key, found=FOUND)


def browser(user):
    client = Client()
    client.force_login(user)
    return client


def page(key):
    return f"/p/{key.partner.slug}/keys/{key.public_id}/suspension"


def test_a_developer_reads_why_and_lets_it_work_again(incident, key, developer):
    client = browser(developer.user)
    shown = client.get(page(key)).content.decode()
    assert "12 of 12 calls" in shown
    assert "Let it work again" in shown
    assert Key.objects.get(pk=key.pk).status == "suspended", "looking does nothing"
    assert client.post(page(key)).status_code == 302
    assert Key.objects.get(pk=key.pk).status == "active"
    assert Incident.objects.get().decided_by == "Developer"
    assert client.get(page(key)).status_code == 200


def test_the_portal_follows_to_the_keys_environment(acme, developer):
    from apikeys import keys

    made = keys.issue(partner=acme, environment="test", name="T", by=OPERATOR).key
    incidents.open(rule=Rule.objects.get(name="Scanning for what isn't there"), key=made, found=FOUND)
    client = browser(developer.user)
    assert client.get(page(made)).status_code == 404
    assert client.get(f"{page(made)}?environment=test", follow=True).status_code == 200
    client.post(page(made))
    assert Key.objects.get(pk=made.pk).status == "active"


def test_viewers_look_and_strangers_find_nothing(incident, key, acme):
    viewer = members.add(partner=acme, user=User.objects.create_user("v@acme.example"), role=Role.VIEWER, by=OPERATOR)
    assert "Let it work again" not in browser(viewer.user).get(page(key)).content.decode()
    assert browser(viewer.user).post(page(key)).status_code == 403
    owner = User.objects.create_user("owner@globex.example")
    other = partners.create(name="Globex", by=OPERATOR, active=True, owner=owner)
    assert browser(owner).post(page(key)).status_code == 404
    assert browser(owner).post(page(key).replace(acme.slug, other.slug)).status_code == 404
    assert Key.objects.get(pk=key.pk).status == "suspended"


def test_a_locked_key_has_no_button(incident, key, developer):
    incidents.lock(incident=incident, by=OPERATOR)
    client = browser(developer.user)
    assert "We have locked this key" in client.get(page(key)).content.decode()
    client.post(page(key))
    assert Key.objects.get(pk=key.pk).status == "suspended"


def test_unusual_use_is_muted_and_told_again(key, developer):
    client, path = browser(developer.user), f"/p/{key.partner.slug}/keys/{key.public_id}/unusual-use"
    client.post(path, {"mute": "1"})
    assert unusual.is_muted(key)
    assert "Tell us again" in client.get(path).content.decode()
    client.post(path, {"unmute": "1"})
    assert not unusual.is_muted(key)


class TestConsole:
    @pytest.fixture
    def console(self, db):
        return browser(User.objects.create_superuser("root@portico.example"))

    def test_queue_evidence_and_deeds(self, console, incident, key):
        assert str(incident.pk) in console.get("/admin/abuse/incident/?open=yes").content.decode()
        assert "12 that fit" in console.get(f"/admin/abuse/incident/{incident.pk}/change/").content.decode()
        console.post(f"/admin/abuse/incident/{incident.pk}/dismiss/", {"_form_submitted": "True", "days": "7", "reason": "Ours"})
        incident.refresh_from_db()
        assert (incident.status, incident.note, Key.objects.get(pk=key.pk).status) == ("false_alarm", "Ours", "active")
        assert str(incident.pk) not in console.get("/admin/abuse/incident/?open=yes").content.decode()

    def test_rules_are_edited_with_mistakes_pointed_out(self, console, db):
        form = {
            "name": "Mine", "status": "on", "environment": "both", "measure": "refusals", "answers": "404, 200, nonsense!",
            "threshold": "10", "least_share": "0", "least_places": "0", "window_minutes": "10", "action": "notify",
            "partner_after": "3", "partner_within_hours": "24",
        }  # fmt: skip
        said = console.post("/admin/abuse/rule/add/", form).content.decode()
        assert "200, nonsense!" in said
        assert "Only a rule that suspends keys" in said
        saved = console.post("/admin/abuse/rule/add/", {**form, "answers": "404,4xx,insufficient_scope", "partner_after": ""})
        assert saved.status_code == 302
        assert Rule.objects.get(name="Mine").answers == ["404", "4xx", "insufficient_scope"]

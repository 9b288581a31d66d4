"""The audit log in the portal and in the console: narrowed, exported, verified; nothing secret in it."""

import csv
import io
import json
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test import Client

from core import clock, events, relay, verifications
from core.actors import SYSTEM, Actor
from core.event_types import OPERATOR_TOKEN_ISSUED
from core.models import Event, User, Verification
from partners import partners
from partners.models import Member

pytestmark = pytest.mark.django_db

LOG = "/p/globex/activity/"
BY_KEY = Actor("key", label="Back end", address="203.0.113.7")


@pytest.fixture
def globex(db):
    partner = partners.create(name="Globex", by=SYSTEM, active=True)
    partners.update(partner=partner, by=BY_KEY, website="https://globex.example")
    relay.seal()
    return partner


@pytest.fixture
def owner(globex) -> Client:
    user = User.objects.create_user("owner@globex.example")
    Member.objects.create(partner=globex, user=user, role="owner")
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def console(db) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("op@portico.example"))
    return client


def page(client: Client, query: str = "") -> str:
    response = client.get(f"{LOG}{query}")
    assert response.status_code == 200
    return response.content.decode()


def exported(client: Client, form: str, query: str = "") -> str:
    response = client.get(f"{LOG}export.{form}{query}")
    assert response.status_code == 200
    assert "attachment" in response["Content-Disposition"]
    return response.getvalue().decode()


def says(globex, **data: object) -> Event:
    with transaction.atomic():
        return events.emit(type=OPERATOR_TOKEN_ISSUED, partner=globex, actor=BY_KEY, data=data)


def test_line_says_who_from_where_and_what_changed(owner):
    text = page(owner, "?type=partner.updated")
    for part in ("Back end", "203.0.113.7", "website", "https://globex.example"):
        assert part in text


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("?actor=key", ["partner.updated"]),
        ("?address=203.0.113.7", ["partner.updated"]),
        ("?type=partner.*", ["partner.updated", "partner.activated", "partner.created"]),
        ("?until=2020-01-01", []),
        ("?subject=nothing", []),
        ("?address=rubbish", None),
        ("?since=rubbish", None),
    ],
)
def test_filters_hold_for_page_and_exports(owner, query, wanted):
    text = page(owner, query)
    if wanted is None:
        assert "alert-warn" in text
        assert owner.get(f"{LOG}export.csv{query}").status_code == 404
        return
    assert ("Nothing fits" in text) == (not wanted)
    assert [line["type"] for line in json.loads(exported(owner, "json", query))] == wanted
    assert [row["type"] for row in csv.DictReader(io.StringIO(exported(owner, "csv", query)))] == wanted


def test_actor_may_be_one_member(globex, owner):
    member = Member.objects.get(partner=globex)
    partners.update(partner=globex, by=Actor("member", member.pk, "Owner"), description="x")
    lines = json.loads(exported(owner, "json", f"?actor={member.public_id}"))
    assert [line["data"]["changes"] for line in lines] == [{"description": ["", "x"]}]
    assert "owner@globex.example" in page(owner, f"?actor={member.public_id}")


def test_export_runs_no_formula(globex, owner):
    partners.update(partner=globex, by=Actor("key", label="=HYPERLINK(1)"), name="Globex")
    partners.update(partner=globex, by=Actor("key", label="=HYPERLINK(1)"), name="Globex 2")
    (line, *_rest) = csv.DictReader(io.StringIO(exported(owner, "csv")))
    assert line["actor_label"] == "'=HYPERLINK(1)"


def test_secret_in_a_payload_is_shown_nowhere(globex, owner, console):
    event = says(globex, changes={"client_secret": ["old-secret", "new-secret"]}, note=f"sk_live_{'aB3' * 17}", name="CI")
    relay.seal()
    shown = [
        page(owner),
        exported(owner, "csv"),
        exported(owner, "json"),
        console.get(f"/admin/core/event/{event.pk}/change/").content.decode(),
    ]
    for text in shown:
        assert "•••" in text
        assert "old-secret" not in text
        assert "new-secret" not in text
        assert "aB3aB3" not in text


def test_viewer_and_stranger_see_nothing(globex):
    client = Client()
    user = User.objects.create_user("viewer@globex.example")
    Member.objects.create(partner=globex, user=user, role="viewer")
    client.force_login(user)
    for path in (LOG, f"{LOG}export.csv", f"{LOG}export.json"):
        assert client.get(path).status_code == 403
    client.force_login(User.objects.create_user("stranger@initech.example"))
    for path in (LOG, f"{LOG}export.csv", f"{LOG}export.json"):
        assert client.get(path).status_code == 404


class TestVerification:
    @pytest.fixture(autouse=True)
    def _export(self, settings, tmp_path):
        settings.AUDIT_EXPORT = tmp_path / "heads.jsonl"
        yield
        clock.reset()

    def test_short_chain_is_verified_for_the_page(self, owner):
        assert "Verified up to event number 3" in page(owner)

    def test_broken_chain_is_named(self, globex, owner):
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE core_event DISABLE TRIGGER core_event_append_only")
            cursor.execute("UPDATE core_event SET actor_label = 'x' WHERE partner_id = %s AND number = 2", [globex.pk])
            cursor.execute("ALTER TABLE core_event ENABLE TRIGGER core_event_append_only")
        assert "event number 2 is not as it was written" in page(owner)

    def test_long_chain_is_verified_behind_the_page(self, globex, owner, monkeypatch):
        monkeypatch.setattr(verifications, "SHORT", 1)
        assert "Not verified yet" in page(owner)
        assert owner.post(f"{LOG}verify").status_code == 302
        assert "being verified now" in page(owner)
        assert verifications.work() == 1
        assert verifications.work() == 0
        assert "Verified up to event number 3" in page(owner)
        clock.tick(timedelta(seconds=1))
        says(globex)
        relay.seal()
        assert "1 newer event waits" in page(owner)
        verifications.verify_all()
        assert "Verified up to event number 4" in page(owner)
        assert Verification.objects.get(owner=globex.pk).broken is None


class TestConsole:
    def test_events_are_found_by_ids_addresses_and_words(self, globex, console):
        event = Event.objects.get(type="partner.updated")
        for term in (event.public_id, globex.public_id, "203.0.113.7", "partner.updated"):
            text = console.get("/admin/core/event/", {"q": term}).content.decode()
            assert "203.0.113.7" in text, term
        assert "203.0.113.7" not in console.get("/admin/core/event/", {"q": "key.issued"}).content.decode()
        assert "203.0.113.7" not in console.get("/admin/core/event/", {"family": "key"}).content.decode()
        assert "203.0.113.7" in console.get("/admin/core/event/", {"actor": "key"}).content.decode()

    def test_event_shows_its_facts_and_its_chain(self, console, globex, settings, tmp_path):
        settings.AUDIT_EXPORT = tmp_path / "heads.jsonl"
        event = Event.objects.get(type="partner.updated")
        text = console.get(f"/admin/core/event/{event.pk}/change/").content.decode()
        assert "https://globex.example" in text
        assert "Verified up to event number 3" in text

    @pytest.mark.parametrize("form", ["csv", "json"])
    def test_export_of_what_was_chosen(self, console, globex, form):
        chosen = [str(pk) for pk in Event.objects.filter(partner_id=globex.pk).values_list("pk", flat=True)]
        response = console.post("/admin/core/event/", {"action": f"export_{form}", "_selected_action": chosen})
        assert response.getvalue().decode().count("partner.updated") == 1

    def test_nothing_can_be_changed(self, console, globex):
        event = Event.objects.first()
        assert console.post(f"/admin/core/event/{event.pk}/change/", {"type": "x"}).status_code == 403
        assert console.post(f"/admin/core/event/{event.pk}/delete/", {"post": "yes"}).status_code == 403
        assert console.get("/admin/core/event/add/").status_code == 403

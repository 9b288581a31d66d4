"""Terms of service: published once and for all, accepted once by each partner, asked for again when a new version holds."""

from datetime import timedelta

import pytest
from django.core import mail
from django.db import DatabaseError, transaction
from django.test import Client

from core import clock
from core.models import Event
from core.states import StaleState
from partners import notices, partners, terms
from partners.models import Acceptance, Member, Terms
from tests.callers import Caller

pytestmark = pytest.mark.django_db

ACCEPT = "Accept the terms"


@pytest.fixture
def publish(by_operator):
    def publish(version, days=0, text="## Payouts\n\nMonthly.", **fields):
        row = Terms.objects.create(version=version, effective_on=clock.now().date() + timedelta(days=days), text=text, **fields)
        terms.publish(terms=row, by=by_operator)
        return row

    return publish


@pytest.fixture
def next_day():
    clock.tick(timedelta(days=1))
    yield
    clock.reset()


class TestPublish:
    def test_published_text_is_public_and_drafts_are_not(self, publish):
        publish("1", summary="The first.")
        Terms.objects.create(version="2", effective_on=clock.now().date(), text="draft")
        page = Client().get("/terms").content.decode()
        assert "<h3>Payouts</h3>" in page
        assert "The first." in page
        assert Client().get("/terms/1").status_code == 200
        assert Client().get("/terms/2").status_code == 404

    def test_earlier_versions_stay_readable(self, publish, next_day):
        clock.tick(timedelta(days=-1))
        publish("1", text="Old words.")
        clock.tick(timedelta(days=1))
        publish("2", text="New words.")
        assert "New words." in Client().get("/terms").content.decode()
        old = Client().get("/terms/1").content.decode()
        assert "Old words." in old
        assert "no longer holds" in old

    def test_nothing_is_published_for_days_that_passed_or_before_another(self, publish):
        with pytest.raises(terms.TooEarly):
            publish("1", days=-1)
        publish("2", days=5)
        with pytest.raises(terms.TooEarly):
            publish("3", days=5)

    def test_published_terms_change_neither_by_a_verb_nor_in_sql(self, publish, by_operator):
        row = publish("1")
        with pytest.raises((StaleState, terms.TooEarly)):
            terms.publish(terms=row, by=by_operator)
        for deed in (lambda: Terms.objects.filter(pk=row.pk).update(text="x"), row.delete):
            with pytest.raises(DatabaseError, match="never change"), transaction.atomic():
                deed()

    def test_owners_and_admins_get_a_mail(self, confirmed, active, signed_in, publish):
        for role in ("owner", "admin", "viewer"):
            signed_in(active, role)
        mail.outbox.clear()
        notices.send_due()
        mail.outbox.clear()
        publish("2027", days=30, summary="Payouts are monthly.")
        notices.send_due()
        told = {message.to[0] for message in mail.outbox}
        assert told == {"ann@acme.example", "owner@globex.example", "admin@globex.example"}
        assert "Payouts are monthly." in mail.outbox[0].body
        assert "/terms/2027" in mail.outbox[0].body


class TestAsked:
    def test_owner_is_asked_before_anything_else_and_led_back(self, publish, confirmed, signed_in):
        publish("1")
        client = signed_in(confirmed, "owner")
        answer = client.get("/p/acme/settings/")
        assert answer["Location"] == "/p/acme/terms?next=/p/acme/settings/"
        assert ACCEPT in client.get(answer["Location"]).content.decode()
        answer = client.post("/p/acme/terms?next=/p/acme/settings/", {"version": "1"})
        assert answer["Location"] == "/p/acme/settings/"
        assert client.get("/p/acme/settings/").status_code == 200

    @pytest.mark.parametrize("role", ["developer", "finance", "viewer"])
    def test_others_go_on_with_a_notice_and_cannot_accept(self, publish, active, signed_in, role):
        publish("1")
        client = signed_in(active, role)
        page = client.get("/p/globex/settings/")
        assert page.status_code == 200
        assert "New terms of service are in effect" in page.content.decode()
        assert ACCEPT not in client.get("/p/globex/terms").content.decode()
        assert client.post("/p/globex/terms", {"version": "1"}).status_code == 403
        assert not Acceptance.objects.exists()

    def test_asked_again_when_the_next_version_holds(self, publish, active, signed_in, next_day):
        clock.tick(timedelta(days=-1))
        publish("1")
        client = signed_in(active, "admin")
        client.post("/p/globex/terms", {"version": "1"})
        publish("2", days=1)
        assert client.get("/p/globex/settings/").status_code == 200
        clock.tick(timedelta(days=1))
        assert client.get("/p/globex/settings/")["Location"].startswith("/p/globex/terms")

    def test_next_version_is_accepted_ahead_of_time(self, publish, active, signed_in):
        publish("1", days=3)
        client = signed_in(active, "owner")
        assert client.get("/p/globex/settings/").status_code == 200
        client.post("/p/globex/terms", {"version": "1"})
        clock.tick(timedelta(days=3))
        try:
            assert client.get("/p/globex/settings/").status_code == 200
        finally:
            clock.reset()

    def test_nobody_is_asked_where_there_are_no_terms(self, active, signed_in):
        assert signed_in(active, "owner").get("/p/globex/settings/").status_code == 200
        assert "No terms yet" in Client().get("/terms").content.decode()

    def test_stranger_finds_nothing(self, publish, active, confirmed, signed_in):
        publish("1")
        assert signed_in(active, "owner").post("/p/acme/terms", {"version": "1"}).status_code == 404


class TestAccepted:
    def test_row_says_who_when_from_where_and_stays(self, publish, active, signed_in):
        publish("1")
        client = signed_in(active, "owner")
        client.post("/p/globex/terms", {"version": "1"}, REMOTE_ADDR="203.0.113.9")
        client.post("/p/globex/terms", {"version": "1"}, REMOTE_ADDR="203.0.113.10")
        row = Acceptance.objects.get()
        member = Member.objects.get(partner=active)
        assert (row.partner, row.terms.version, row.user, row.address) == (active, "1", member.user, "203.0.113.9")
        assert (row.actor_kind, row.actor_id) == ("member", member.pk)
        event = Event.objects.get(type="partner.terms_accepted")
        assert event.data == {"id": active.public_id, "version": "1"}
        for deed in (lambda: Acceptance.objects.update(address=None), row.delete):
            with pytest.raises(DatabaseError, match="only ever added"), transaction.atomic():
                deed()

    @pytest.mark.parametrize("version", ["", "0", "3"])
    def test_only_what_holds_or_will_can_be_accepted(self, publish, active, signed_in, version):
        publish("1")
        Terms.objects.create(version="3", effective_on=clock.now().date(), text="draft")
        page = signed_in(active, "owner").post("/p/globex/terms", {"version": version}, follow=True)
        assert "can’t be accepted" in page.content.decode().replace("&#x27;", "’")
        assert not Acceptance.objects.exists()

    def test_signing_up_accepts_and_says_so(self, publish):
        publish("1")
        assert "you accept the" in Client().get("/accounts/signup/").content.decode()
        form = {"email": "bo@initech.example", "password1": "kumquat-sunrise-42", "company_name": "Initech", "type": "business"}
        Client().post("/accounts/signup/", form)
        row = Acceptance.objects.get()
        assert (row.partner.slug, row.user.email, row.actor_kind) == ("initech", "bo@initech.example", "public")

    def test_partner_that_an_operator_makes_has_accepted_nothing(self, publish, by_operator):
        publish("1")
        partner = partners.create(name="Hooli", by=by_operator, active=True)
        assert terms.wanted(partner)


class TestApi:
    def test_program_reads_and_accepts(self, publish, active):
        publish("2026-11", summary="First.")
        program = Caller("key", active.pk)
        held = program.get("/partner")["terms"]["current"]
        assert (held["version"], held["accepted"], held["url"].endswith("/terms/2026-11")) == ("2026-11", False, True)
        accepted = program.post("/partner/terms/accept", {"version": "2026-11"})
        assert (accepted["version"], accepted["by"], accepted["address"]) == ("2026-11", "key", "203.0.113.9")
        assert program.post("/partner/terms/accept", {"version": "2026-11"})["id"] == accepted["id"]
        assert program.get("/partner/terms") == program.get("/partner")["terms"]
        assert program.get("/partner/terms")["current"]["accepted"]

    def test_wrong_version_and_weak_key_are_refused(self, publish, active):
        publish("1")
        assert Caller("key", active.pk).post("/partner/terms/accept", {"version": "2"}, expect=409)["code"] == "conflict"
        Caller("key", active.pk, scopes=("partner:read",)).post("/partner/terms/accept", {"version": "1"}, expect=403)

    def test_anybody_reads_versions(self, publish):
        publish("1", text="Words.")
        anybody = Caller("anonymous")
        assert [row["version"] for row in anybody.get("/terms")["data"]] == ["1"]
        assert anybody.get("/terms/1")["text"] == "Words."
        assert anybody.get("/terms/2", expect=404)["code"] == "not_found"

    def test_partner_made_by_an_operator_works_as_before(self, publish, console):
        publish("1")
        made = console.post("/partners", {"name": "Hooli"})
        assert set(made) >= {"id", "name", "apiKey"}


class TestConsole:
    def test_operator_writes_publishes_and_can_no_longer_change(self, operator):
        client = Client()
        client.force_login(operator)
        today = clock.now().date().isoformat()
        form = {"version": "1", "effective_on": today, "summary": "", "text": "Words."}
        client.post("/admin/partners/terms/add/", form)
        row = Terms.objects.get()
        page = f"/admin/partners/terms/{row.pk}/change/"
        assert "Publish" in client.get(page).content.decode()
        client.post(f"/admin/partners/terms/{row.pk}/publish/", {"_form_submitted": "1"})
        row.refresh_from_db()
        assert row.published_at
        client.post(page, {**form, "text": "Other words."})
        row.refresh_from_db()
        assert row.text == "Words."
        assert Event.objects.get(type="terms.published").actor_id == operator.pk
        assert client.get("/admin/partners/acceptance/").status_code == 200

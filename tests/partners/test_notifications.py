"""People are told what they want to be told, where they want it; of security they are always told."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core import mail

from apikeys import keys
from core import clock, relay
from core.actors import SYSTEM
from core.models import Event, User
from core.problems import ValidationError
from partners import digests, notices, partners, preferences
from partners.models import Member, Notice, Preference
from tests.callers import Caller

pytestmark = pytest.mark.django_db

MONDAY = datetime(2030, 1, 7, 12, tzinfo=UTC)


@pytest.fixture
def at():
    def move(instant: datetime) -> None:
        clock.reset()
        clock.tick(instant - clock.now())

    yield move
    clock.reset()


@pytest.fixture
def globex(active):
    """A live partner whose history is told already."""
    relay.seal()
    Notice.objects.all().delete()
    return active


@pytest.fixture
def ann(globex) -> Member:
    user = User.objects.create_user("ann@globex.example")
    return Member.objects.create(partner=globex, user=user, role="owner")


@pytest.fixture
def bob(globex) -> Member:
    user = User.objects.create_user("bob@globex.example")
    return Member.objects.create(partner=globex, user=user, role="developer")


def suspended_and_back(partner) -> None:
    partner.refresh_from_db()
    partners.suspend(partner=partner, reason="Unpaid", by=SYSTEM)
    partners.reactivate(partner=partner, by=SYSTEM)
    relay.seal()


def sent() -> list[mail.EmailMultiAlternatives]:
    mail.outbox.clear()
    while notices.send_due():
        pass
    return list(mail.outbox)


def choose(member: Member, kind: str = "partner_reactivated", frequency: str = "", **channels: bool) -> None:
    preferences.change(member=member, by=SYSTEM, digest_frequency=frequency, kinds={kind: channels})


def test_own_portal_does_not_repeat_the_partners_name(globex, ann):
    suspended_and_back(globex)
    shown = Caller("key", globex.pk).get("/notifications")["data"]
    assert [each["title"] for each in shown] == ["You are live again", "Your calls are refused: you are suspended"]
    assert {message.subject for message in sent()} == {"Globex is live again", "Globex is suspended"}


class TestPreferences:
    def test_each_channel_is_a_choice_of_its_own(self, globex, ann, bob):
        choose(ann, mail=False)
        choose(bob, portal=False)
        suspended_and_back(globex)
        assert sorted(message.to[0] for message in sent() if "live again" in message.subject) == ["bob@globex.example"]
        assert Notice.objects.shown_to(ann).filter(kind="partner_reactivated").exists()
        assert not Notice.objects.shown_to(bob).filter(kind="partner_reactivated").exists()

    def test_who_wants_nothing_gets_no_row(self, globex, ann):
        choose(ann, mail=False, portal=False)
        suspended_and_back(globex)
        assert [row.kind for row in Notice.objects.all()] == ["partner_suspended"]

    @pytest.mark.parametrize("channel", ["portal", "mail"])
    def test_security_notice_cannot_be_switched_off(self, ann, channel):
        with pytest.raises(ValidationError) as refused:
            choose(ann, kind="key_leaked", **{channel: False})
        (error,) = refused.value.facts["errors"]
        assert error["pointer"] == f"/kinds/key_leaked/{channel}"

    def test_security_notice_comes_whatever_a_row_says(self, globex, ann):
        Preference.objects.create(member=ann, kind="key_leaked", channel="mail", wanted=False)
        issued = keys.issue(partner=globex, environment="live", name="Back end", by=SYSTEM)
        keys.report_leak(text=issued.text, by=SYSTEM)
        relay.seal()
        assert [message.to for message in sent()] == [["ann@globex.example"]]

    def test_only_what_differs_from_the_usual_is_kept(self, ann):
        choose(ann, mail=False)
        choose(ann, mail=True, portal=True)
        assert not Preference.objects.exists()

    def test_change_is_an_event_with_before_and_after(self, ann):
        choose(ann, frequency="weekly", mail=False)
        changes = Event.objects.get(type="member.notifications_changed").data["changes"]
        assert changes == {"partner_reactivated.mail": [True, False], "digest_frequency": ["daily", "weekly"]}
        choose(ann, frequency="weekly", mail=False)
        assert Event.objects.filter(type="member.notifications_changed").count() == 1

    def test_kinds_are_those_of_the_role(self, ann, bob):
        assert "partner_closed" in {choice.kind for choice in preferences.of(ann)}
        assert "partner_closed" not in {choice.kind for choice in preferences.of(bob)}

    def test_each_kind_is_named_for_those_who_choose(self, ann):
        titles = [str(choice.title) for choice in preferences.of(ann)]
        assert all(titles)
        assert not [title for title in titles if "`" in title or ";" in title]


class TestDigest:
    def test_day_is_one_mail_however_often_it_is_asked_for(self, globex, ann, at):
        choose(ann, mail=False, digest=True)
        at(MONDAY)
        suspended_and_back(globex)
        suspended_and_back(globex)
        sent()
        assert digests.write_due() == 0, "the day is not over"
        at(MONDAY + timedelta(days=1))
        assert digests.write_due() == 1
        assert digests.write_due() == 0
        (digest,) = sent()
        assert digest.subject == "Globex: what happened"
        for text in (digest.body, digest.alternatives[0].content):
            assert text.count("You are live again") == 2
            assert "/p/globex/notifications/preferences" in text

    def test_week_ends_on_monday(self, globex, ann, at):
        choose(ann, frequency="weekly", digest=True)
        at(MONDAY)
        suspended_and_back(globex)
        at(MONDAY + timedelta(days=6))
        assert digests.write_due() == 0
        at(MONDAY + timedelta(days=8))
        assert digests.write_due() == 1, "the run on Monday itself was missed"

    def test_nothing_happened_is_no_mail(self, ann, at):
        at(MONDAY)
        assert digests.write_due() == 0

    def test_who_left_gets_none(self, globex, bob, at):
        choose(bob, digest=True)
        at(MONDAY)
        suspended_and_back(globex)
        bob.delete()
        at(MONDAY + timedelta(days=1))
        assert digests.write_due() == 0
        assert not Notice.objects.ungathered().exists()


def test_mail_leads_to_preferences_in_both_forms(globex, ann):
    suspended_and_back(globex)
    for message in sent():
        for text in (message.body, message.alternatives[0].content):
            assert "/p/globex/notifications/preferences" in text


class TestPages:
    def test_list_count_and_reading(self, globex, signed_in):
        client = signed_in(globex, "owner")
        suspended_and_back(globex)
        page = client.get("/p/globex/notifications/").content.decode()
        assert "you are suspended" in page
        assert "2<span" in client.get("/p/globex/notifications/count").content.decode()
        first = Notice.objects.order_by("id").first()
        response = client.post(f"/p/globex/notifications/{first.public_id}/read")
        assert response["Location"] == "/p/globex/notifications/"
        assert "1<span" in client.get("/p/globex/notifications/count").content.decode()
        client.post("/p/globex/notifications/read")
        assert client.get("/p/globex/notifications/count").content.decode().strip() == ""
        assert "All read" in client.get("/p/globex/notifications/?unread").content.decode()

    def test_opening_one_reads_it_and_leads_on(self, globex, signed_in):
        client = signed_in(globex, "owner")
        suspended_and_back(globex)
        notice = Notice.objects.get(kind="partner_reactivated")
        assert client.post(f"/p/globex/notifications/{notice.public_id}/read", {"open": "1"})["Location"] == "/p/globex/"
        notice.refresh_from_db()
        assert notice.read_at is not None

    def test_teammates_and_strangers_notices_are_nobody_elses(self, globex, signed_in, newcomer):
        owner, teammate = signed_in(globex, "owner"), signed_in(globex, "developer")
        suspended_and_back(globex)
        notice = Notice.objects.filter(user__email__startswith="owner").first()
        assert teammate.post(f"/p/globex/notifications/{notice.public_id}/read").status_code == 404
        stranger = signed_in(newcomer, "owner")
        assert stranger.get("/p/globex/notifications/").status_code == 404
        assert stranger.post(f"/p/globex/notifications/{notice.public_id}/read").status_code == 404
        notice.refresh_from_db()
        assert notice.read_at is None
        assert owner.get("/p/globex/notifications/").status_code == 200

    def test_preferences_are_saved_and_locked_ones_stay(self, globex, signed_in):
        client = signed_in(globex, "owner")
        member = Member.objects.get(partner=globex)
        page = client.get("/p/globex/notifications/preferences").content.decode()
        assert 'name="key_leaked.mail"' in page
        client.post("/p/globex/notifications/preferences", {"partner_activated.digest": "on", "digest_frequency": "weekly"})
        found = {choice.kind: dict(choice.channels) for choice in preferences.of(member)}
        assert found["partner_activated"] == {"portal": False, "mail": False, "digest": True}
        assert found["key_leaked"] == {"portal": True, "mail": True, "digest": False}
        member.refresh_from_db()
        assert member.digest_frequency == "weekly"

    def test_notice_of_a_kind_that_is_gone_breaks_no_page(self, globex, signed_in):
        client = signed_in(globex, "owner")
        member = Member.objects.get(partner=globex)
        Notice.objects.create(kind="of_another_version", cause="x", user=member.user, partner=globex, in_portal=True)
        assert client.get("/p/globex/notifications/").status_code == 200


class TestApi:
    @pytest.fixture
    def api(self, globex) -> Caller:
        return Caller("key", globex.pk)

    def test_owners_are_listed_unless_a_member_is_named(self, globex, ann, bob, api):
        suspended_and_back(globex)
        listed = api.get("/notifications")["data"]
        assert [line["kind"] for line in listed] == ["partner_reactivated", "partner_suspended"]
        assert "Unpaid" in listed[1]["text"]
        assert len(api.get(f"/notifications?member={bob.public_id}&unread=true")["data"]) == 2
        read = api.post(f"/notifications/{listed[0]['id']}/read", expect=200)
        assert read["read_at"] is not None
        assert len(api.get("/notifications?unread=true")["data"]) == 1

    def test_preferences_are_read_and_changed(self, ann, api):
        wanted = {"digest_frequency": "weekly", "kinds": {"partner_activated": {"mail": False}}}
        changed = api.patch("/notifications/preferences", wanted)
        assert changed == api.get(f"/notifications/preferences?member={ann.public_id}")
        assert changed["digest_frequency"] == "weekly"
        (activated,) = [line for line in changed["kinds"] if line["kind"] == "partner_activated"]
        assert activated["channels"] == {"portal": True, "mail": False, "digest": False}

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({"kinds": {"nonsense": {"mail": True}}}, "/kinds/nonsense"),
            ({"kinds": {"key_leaked": {"mail": False}}}, "/kinds/key_leaked/mail"),
            ({"kinds": {"key_leaked": {"pigeon": False}}}, "/kinds/key_leaked/pigeon"),
            ({"digest_frequency": "hourly"}, "/digest_frequency"),
            ({"nonsense": 1}, "/nonsense"),
        ],
    )
    def test_mistakes_are_named(self, ann, api, body, pointer):
        problem = api.patch("/notifications/preferences", body, expect=422)
        assert [error["pointer"] for error in problem["errors"]] == [pointer]

    def test_partner_without_an_owner(self, api):
        assert api.get("/notifications")["data"] == []
        assert api.get("/notifications/preferences", expect=422)["errors"][0]["pointer"] == "/member"

    def test_other_partners_members_and_notices_are_not_there(self, globex, ann, newcomer):
        suspended_and_back(globex)
        stranger = Caller("key", newcomer.pk, environment="test")
        notice = Notice.objects.shown_to(ann).first()
        stranger.post(f"/notifications/{notice.public_id}/read", expect=404)
        stranger.get(f"/notifications?member={ann.public_id}", expect=404)
        stranger.patch(f"/notifications/preferences?member={ann.public_id}", {}, expect=404)

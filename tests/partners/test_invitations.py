"""Invitations: for one address, for seven days, once; and the three ways in behind the link."""

import re
from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client

from core import clock, relay
from core.models import Event, User
from partners import invitations, members, notices, partners
from partners.models import Invitation, Member
from partners.permissions import Role
from tests.callers import Caller
from tests.partners.conftest import PUBLIC

pytestmark = pytest.mark.django_db

EMAIL = "bo@elsewhere.example"


@pytest.fixture
def tick():
    yield lambda **by: clock.tick(timedelta(**by))
    clock.reset()


def invite(partner, email=EMAIL, role=Role.DEVELOPER, **more) -> Invitation:
    return invitations.invite(partner=partner, email=email, role=role, by=PUBLIC, **more)


def person(email=EMAIL, *, verified=True) -> User:
    user = User.objects.create_user(email, "kumquat-sunrise-42")
    EmailAddress.objects.create(user=user, email=user.email, verified=verified, primary=True)
    return user


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def mailed_link() -> str:
    """Where the newest invitation's mail leads, without the host."""
    while notices.send_due():
        pass
    return re.search(r"https?://[^/]+(/invitations/\S+)", mail.outbox[-1].body)[1]


class TestInvite:
    def test_mail_is_readable_in_both_forms_and_names_who_invites(self, active):
        ann = User.objects.create_user("ann@globex.example", name="Ann <Lee>")
        invite(active, inviter=ann)
        link = mailed_link()
        message = mail.outbox[-1]
        html = message.alternatives[0].content
        assert message.to == [EMAIL]
        assert message.subject == "Ann <Lee> invites you to Globex"
        assert "in the role Developer" in message.body
        assert "somebody invited this address" in message.body
        assert link in html
        assert "Ann &lt;Lee&gt;" in html

    def test_token_and_address_stand_nowhere_but_in_the_mail(self, active):
        invitation = invite(active)
        token = invitations.token(invitation)
        assert token not in str(Invitation.objects.filter(pk=invitation.pk).values())
        assert token not in str(list(notices.Notice.objects.values()))
        event = Event.objects.get(type="member.invited")
        assert EMAIL not in str(event.data)
        assert event.subject == invitation.public_id

    def test_address_is_invited_once_at_a_time(self, active):
        invite(active)
        with pytest.raises(invitations.AlreadyInvited):
            invite(active, email=EMAIL.upper())

    def test_who_is_in_the_team_is_not_invited(self, active):
        members.add(partner=active, user=person(), role=Role.VIEWER, by=PUBLIC)
        with pytest.raises(invitations.AlreadyMember):
            invite(active)

    def test_expired_invitation_makes_room_for_another(self, active, tick):
        first = invite(active)
        tick(days=7)
        invite(active)
        first.refresh_from_db()
        assert first.status == "revoked"

    def test_owner_is_invited_only_while_there_is_none(self, active, confirmed):
        invitations.accept(invitation=invite(active, role=Role.OWNER), user=person(), by=PUBLIC)
        assert Member.objects.get(partner=active).role == "owner"
        with pytest.raises(invitations.HasOwner):
            invite(active, email="cy@elsewhere.example", role=Role.OWNER)
        with pytest.raises(invitations.HasOwner):
            invite(confirmed, role=Role.OWNER)

    def test_team_floods_no_mailboxes(self, active):
        invitation = invite(active)
        Invitation.objects.filter(pk=invitation.pk).update(mails=invitations.MAILS_A_DAY)
        with pytest.raises(invitations.TooManyInvitations):
            invite(active, email="cy@elsewhere.example")


class TestLink:
    def test_person_who_is_signed_in_joins(self, active):
        invite(active)
        client, link = browser(person()), mailed_link()
        assert "Join Globex" in client.get(link).content.decode()
        assert not Member.objects.exists(), "a program that follows links must not join"
        assert client.post(link)["Location"] == "/p/globex/"
        assert Member.objects.get(partner=active).role == "developer"
        assert client.get(link).status_code == 422
        assert [event.type for event in Event.objects.filter(type__startswith="member.").order_by("id")] == [
            "member.invited",
            "member.added",
        ]

    def test_token_is_in_no_log(self, active, caplog):
        invite(active)
        link = mailed_link()
        Client().get(link)
        assert "/invitations/…" in caplog.text
        assert link.rpartition("/")[2] not in caplog.text

    def test_person_who_must_sign_in_first_comes_back_to_it(self, active):
        invite(active)
        person()
        client, link = Client(), mailed_link()
        sign_in = re.search(r'href="(/accounts/login/\?next=[^"]+)"', client.get(link).content.decode())[1]
        answer = client.post(sign_in, {"login": EMAIL, "password": "kumquat-sunrise-42"})
        assert answer["Location"] == link
        assert client.post(link)["Location"] == "/p/globex/"

    def test_newcomer_makes_an_account_with_the_invited_address(self, active):
        invite(active)
        client, link = Client(), mailed_link()
        assert EMAIL in client.get(link).content.decode()
        weak = client.post(link, {"name": "Bo", "password": "password"})
        assert "too common" in weak.content.decode()
        answer = client.post(link, {"name": "Bo", "password": "kumquat-sunrise-42", "email": "evil@elsewhere.example"})
        assert answer["Location"] == "/p/globex/"
        assert client.get("/p/globex/keys/").status_code == 200
        address = EmailAddress.objects.get()
        assert (address.email, address.verified, address.user.name) == (EMAIL, True, "Bo")

    def test_another_persons_account_does_not_do(self, active):
        invite(active)
        client, link = browser(person("cy@elsewhere.example")), mailed_link()
        assert "is for bo@elsewhere.example" in client.get(link).content.decode()
        client.post(link)
        assert not Member.objects.exists()

    def test_unconfirmed_address_does_not_do(self, active):
        invite(active)
        client, link = browser(person(verified=False)), mailed_link()
        client.post(link)
        assert not Member.objects.exists()

    @pytest.mark.parametrize("end", ["expired", "revoked", "sent again", "partner deleted"])
    def test_link_that_has_ended_says_so(self, active, tick, end):
        invitation = invite(active)
        link = mailed_link()
        if end == "expired":
            tick(days=7)
        elif end == "revoked":
            invitations.revoke(invitation=invitation, by=PUBLIC)
        elif end == "sent again":
            tick(minutes=2)
            invitations.resend(invitation=invitation, by=PUBLIC)
        else:
            partners.delete(partner=active, by=PUBLIC)
        answer = browser(person()).get(link)
        assert answer.status_code == 422
        assert "Ask who invited you" in answer.content.decode()

    @pytest.mark.parametrize("token", ["x", "invite_" + "0" * 49, "%00", "ivt_0"])
    def test_made_up_link_is_refused(self, db, token):
        assert Client().get(f"/invitations/{token}").status_code == 422

    def test_second_mail_has_a_link_that_works(self, active, tick):
        invitation = invite(active)
        first = mailed_link()
        tick(minutes=2)
        invitations.resend(invitation=invitation, by=PUBLIC)
        second = mailed_link()
        assert second != first
        assert browser(person()).post(second)["Location"] == "/p/globex/"

    def test_mail_of_a_revoked_invitation_is_not_sent(self, active):
        invitations.revoke(invitation=invite(active), by=PUBLIC)
        assert notices.send_due() == 0

    def test_invitation_waits_in_the_portal_too(self, active):
        invite(active)
        client = browser(person())
        link = re.search(r'href="(/invitations/[^"]+)"', client.get("/p/").content.decode())[1]
        assert client.post(link)["Location"] == "/p/globex/"


class TestPages:
    def test_team_page_invites_sends_again_and_revokes(self, signed_in, confirmed, tick):
        client = signed_in(confirmed, "admin")
        client.post("/p/acme/team/invite", {"email": EMAIL, "role": "finance"})
        invitation = Invitation.objects.get()
        assert (invitation.role, invitation.invited_by.email) == ("finance", "admin@acme.example")
        assert EMAIL in client.get("/p/acme/team/").content.decode()
        place = f"/p/acme/team/invitations/{invitation.public_id}"
        assert "within the last minute" in client.post(f"{place}/resend", follow=True).content.decode()
        tick(minutes=2)
        assert "again" in client.post(f"{place}/resend", follow=True).content.decode()
        client.post(f"{place}/revoke")
        assert "Invitations that wait" not in client.get("/p/acme/team/").content.decode()

    def test_viewer_sees_who_is_invited_and_nothing_to_press(self, signed_in, confirmed):
        invite(confirmed)
        page = signed_in(confirmed, "viewer").get("/p/acme/team/").content.decode()
        assert EMAIL in page
        assert "Send again" not in page

    def test_owner_is_no_role_to_invite_to(self, signed_in, confirmed):
        client = signed_in(confirmed, "owner")
        assert client.post("/p/acme/team/invite", {"email": EMAIL, "role": "owner"}).status_code == 200
        assert not Invitation.objects.exists()

    def test_another_teams_invitation_is_not_found(self, signed_in, confirmed, active):
        invitation = invite(active)
        client = signed_in(confirmed, "owner")
        assert client.post(f"/p/acme/team/invitations/{invitation.public_id}/revoke").status_code == 404


class TestApi:
    def test_invitation_is_made_shown_sent_again_and_revoked(self, active, tick):
        api = Caller("key", active.pk)
        made = api.post("/partner/invitations", {"email": EMAIL, "role": "developer"})
        assert mailed_link()
        assert mail.outbox[-1].subject.startswith("The team of ")
        assert (made["email"], made["role"], made["status"]) == (EMAIL, "developer", "pending")
        assert "invite_" not in str(made)
        place = f"/partner/invitations/{made['id']}"
        api.post(f"{place}/resend", expect=409)
        tick(days=7)
        assert api.get("/partner/invitations")["data"][0]["status"] == "expired"
        assert api.post(f"{place}/resend", expect=200)["status"] == "pending"
        api.delete(place)
        assert api.get("/partner/invitations")["data"] == []
        api.delete(place, expect=404)

    def test_mistakes_are_named(self, active):
        api = Caller("key", active.pk)
        answer = api.post("/partner/invitations", {"email": "nobody", "role": "king"}, expect=422)
        assert {error["pointer"] for error in answer["errors"]} == {"/email", "/role"}
        api.post("/partner/invitations", {"email": EMAIL, "role": "viewer"})
        assert api.post("/partner/invitations", {"email": EMAIL, "role": "viewer"}, expect=409)["code"] == "conflict"

    def test_scopes(self, active):
        reader = Caller("key", active.pk, scopes=("members:read",))
        reader.get("/partner/invitations")
        reader.post("/partner/invitations", {"email": EMAIL, "role": "viewer"}, expect=403)

    def test_stranger_finds_none(self, active, confirmed):
        invitation = invite(active)
        stranger = Caller("key", confirmed.pk)
        assert stranger.get("/partner/invitations")["data"] == []
        stranger.delete(f"/partner/invitations/{invitation.public_id}", expect=404)


def test_events_of_invitations_are_sealed_as_their_types_say(active):
    import jsonschema

    from core.events import TYPES

    invitation = invite(active)
    invitations.revoke(invitation=invitation, by=PUBLIC)
    relay.seal()
    for event in Event.objects.filter(subject=invitation.public_id):
        jsonschema.validate(event.data, TYPES[event.type].schema)

"""Roles, leaving, removal and ownership: one owner at every moment, by the verbs and by the database."""

import re

import pytest
from django.core import mail
from django.db import IntegrityError, connection, transaction
from django.test import Client

from core import relay
from core.models import Event, User
from core.states import StaleState
from partners import members, notices, partners
from partners.models import Member
from partners.permissions import Role
from tests.callers import Caller
from tests.partners.conftest import PUBLIC

pytestmark = pytest.mark.django_db

PASSWORD = "kumquat-sunrise-42"


@pytest.fixture
def owner(confirmed) -> Member:
    return Member.objects.get(partner=confirmed, role="owner")


@pytest.fixture
def mate(confirmed) -> Member:
    user = User.objects.create_user("bo@acme.example", PASSWORD, name="Bo")
    return members.add(partner=confirmed, user=user, role=Role.DEVELOPER, by=PUBLIC)


class TestOwner:
    def test_owner_is_neither_removed_nor_demoted(self, owner):
        with pytest.raises(members.LastOwner):
            members.remove(member=owner, by=PUBLIC)
        with pytest.raises(members.LastOwner):
            members.change_role(member=owner, role=Role.ADMIN, by=PUBLIC)

    def test_database_knows_no_second_owner(self, mate):
        with pytest.raises(IntegrityError), transaction.atomic():
            Member.objects.filter(pk=mate.pk).update(role="owner")

    @pytest.mark.parametrize("change", ["UPDATE partners_member SET role = 'admin'", "DELETE FROM partners_member"])
    def test_database_keeps_the_owner(self, owner, change):
        with connection.cursor() as cursor, pytest.raises(IntegrityError), transaction.atomic():
            cursor.execute(f"{change} WHERE role = 'owner'; SET CONSTRAINTS ALL IMMEDIATE")

    def test_people_of_a_closed_partner_can_be_erased(self, owner):
        partners.close(partner=owner.partner, by=PUBLIC)
        owner.user.delete()
        connection.check_constraints()


class TestTransfer:
    def test_roles_are_swapped_and_everybody_who_manages_is_told(self, owner, mate):
        members.transfer(owner=owner, to=mate, by=PUBLIC)
        assert [Member.objects.get(pk=each.pk).role for each in (owner, mate)] == ["admin", "owner"]
        event = Event.objects.get(type="partner.owner_changed")
        assert (event.data["owner"], event.data["previous"]) == (mate.public_id, owner.public_id)
        assert Event.objects.filter(type="member.role_changed").count() == 2
        relay.seal()
        while notices.send_due():
            pass
        told = [message.to[0] for message in mail.outbox if "another owner" in message.subject]
        assert sorted(told) == ["ann@acme.example", "bo@acme.example"]

    def test_second_transfer_of_the_same_owner_is_stale(self, owner, mate):
        again = Member.objects.get(pk=owner.pk)
        members.transfer(owner=owner, to=mate, by=PUBLIC)
        with pytest.raises(StaleState):
            members.transfer(owner=again, to=Member.objects.get(pk=mate.pk), by=PUBLIC)

    def test_stranger_is_no_heir(self, owner, active):
        stranger = members.add(partner=active, user=User.objects.create_user("x@globex.example"), role=Role.VIEWER, by=PUBLIC)
        with pytest.raises(StaleState):
            members.transfer(owner=owner, to=stranger, by=PUBLIC)
        owner.refresh_from_db()
        assert owner.role == "owner"

    def test_page_asks_for_the_password_again(self, owner, mate):
        client = Client()
        client.force_login(owner.user)  # a session that is not fresh
        page = f"/p/acme/team/{mate.public_id}/transfer"
        asked = client.get(page)
        assert asked["Location"].startswith("/accounts/reauthenticate/")
        assert client.post(asked["Location"], {"password": PASSWORD})["Location"] == page
        assert "Hand Acme over to" in client.get(page).content.decode()
        client.post(page)
        mate.refresh_from_db()
        assert mate.role == "owner"
        assert client.get(page).status_code == 403

    def test_post_alone_hands_nothing_over(self, owner, mate):
        client = Client()
        client.force_login(owner.user)
        answer = client.post(f"/p/acme/team/{mate.public_id}/transfer")
        assert answer["Location"].startswith("/accounts/reauthenticate/")
        mate.refresh_from_db()
        assert mate.role == "developer"

    def test_admin_hands_nothing_over(self, signed_in, confirmed, mate):
        client = signed_in(confirmed, "admin")
        assert client.get(f"/p/acme/team/{mate.public_id}/transfer").status_code == 403


class TestLeave:
    def test_member_leaves(self, confirmed, mate):
        client = Client()
        client.force_login(mate.user)
        assert client.post("/p/acme/team/leave")["Location"] == "/p/"
        assert client.get("/p/acme/team/").status_code == 404
        assert not notices.Notice.objects.filter(kind="member_removed").exists()

    def test_owner_is_told_to_hand_over_first(self, signed_in, confirmed):
        client = signed_in(confirmed, "owner")
        assert "Hand the partner over" in client.post("/p/acme/team/leave", follow=True).content.decode()
        assert client.get("/p/acme/team/").status_code == 200

    def test_who_is_taken_out_is_told_by_mail(self, confirmed, mate):
        members.remove(member=mate, by=PUBLIC)
        assert notices.Notice.objects.get(kind="member_removed").user == mate.user

    def test_who_became_the_owner_meanwhile_is_not_removed_as_what_they_were(self, owner, mate):
        before = Member.objects.get(pk=mate.pk)
        members.transfer(owner=owner, to=mate, by=PUBLIC)
        with pytest.raises(StaleState):
            members.remove(member=before, by=PUBLIC)
        assert Member.objects.get(pk=mate.pk).role == Role.OWNER

    def test_removed_twice_is_one_event(self, mate):
        again = Member.objects.get(pk=mate.pk)
        members.remove(member=mate, by=PUBLIC)
        with pytest.raises(StaleState):
            members.remove(member=again, by=PUBLIC)
        assert Event.objects.filter(type="member.removed").count() == 1


class TestApi:
    def test_role_is_changed_and_the_person_removed(self, confirmed, mate):
        api = Caller("key", confirmed.pk)
        assert api.patch(f"/partner/members/{mate.public_id}", {"role": "finance"})["role"] == "finance"
        assert api.get(f"/partner/members/{mate.public_id}")["role"] == "finance"
        api.delete(f"/partner/members/{mate.public_id}")
        api.get(f"/partner/members/{mate.public_id}", expect=404)

    def test_owner_stays_and_none_is_made(self, confirmed, owner, mate):
        api = Caller("key", confirmed.pk)
        assert (
            "Hand the partner over" in api.patch(f"/partner/members/{owner.public_id}", {"role": "admin"}, expect=409)["detail"]
        )
        api.delete(f"/partner/members/{owner.public_id}", expect=409)
        refused = api.patch(f"/partner/members/{mate.public_id}", {"role": "owner"}, expect=422)
        assert refused["errors"][0]["pointer"] == "/role"
        api.patch(f"/partner/members/{mate.public_id}", {}, expect=422)

    def test_stranger_finds_nobody(self, active, mate):
        stranger = Caller("key", active.pk)
        stranger.patch(f"/partner/members/{mate.public_id}", {"role": "viewer"}, expect=404)
        stranger.delete(f"/partner/members/{mate.public_id}", expect=404)


class TestSeveralPartners:
    """A person in several partners chooses one; the session remembers it."""

    @pytest.fixture
    def client(self, confirmed, active, mate) -> Client:
        members.add(partner=active, user=mate.user, role=Role.VIEWER, by=PUBLIC)
        client = Client()
        client.force_login(mate.user)
        return client

    def test_way_in_leads_to_a_choice_and_then_to_what_was_chosen(self, client):
        page = client.get("/p/").content.decode()
        assert "Acme" in page
        assert "Globex" in page
        client.get("/p/globex/team/")
        assert client.get("/p/")["Location"] == "/p/globex/"
        client.get("/p/acme/team/")
        assert client.get("/p/")["Location"] == "/p/acme/"
        assert client.get("/p/?all").status_code == 200

    def test_switcher_stands_on_every_page(self, client):
        page = client.get("/p/globex/team/").content.decode()
        menu = page.split('id="side-partners">')[1].split("</div>")[0]
        assert re.findall(r'<a href="(/p/[a-z]+/)"', menu) == ["/p/acme/", "/p/globex/"]
        assert re.findall(r'<a href="([^"]+)" aria-current="true"', menu) == ["/p/globex/"]

    def test_strangers_partner_cannot_be_chosen(self, client):
        strange = partners.create(name="Initech", by=PUBLIC)
        assert client.get("/p/initech/").status_code == 404
        session = client.session
        session["partner"] = strange.public_id  # as if it had been chosen before the person was taken out
        session.save()
        assert client.get("/p/").status_code == 200
        assert "Initech" not in client.get("/p/").content.decode()

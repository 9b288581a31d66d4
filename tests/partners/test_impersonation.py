"""An operator looks at the portal as a partner's team does; to change things takes a second step. The partner's log has it."""

import re
from datetime import timedelta

import pytest
from django.db import transaction
from django.test import Client

from apikeys import keys
from core import clock
from core.actors import SYSTEM
from core.models import Event, User
from core.roles import Role
from partners import impersonations, partners, terms
from partners.impersonations import NEVER
from partners.models import Acceptance, Impersonation, Member, Partner, Terms
from partners.permissions import PERMISSIONS
from partners.tasks import end_impersonations
from portal import access
from tests.test_operator_roles import make_operator, sign_in

pytestmark = pytest.mark.django_db

PROFILE = {"name": "Globex", "type": "technology", "website": "https://globex.example", "description": "New"}


@pytest.fixture
def globex(active) -> Partner:
    Member.objects.create(partner=active, user=User.objects.create_user("owner@globex.example"), role="owner")
    return active


@pytest.fixture
def support() -> User:
    return make_operator(Role.SUPPORT)


@pytest.fixture
def root() -> User:
    return make_operator(Role.SUPERUSER)


def enter(user: User, partner: Partner, note: str = "") -> Client:
    """A browser of the operator, in the partner's portal."""
    browser = sign_in(user)
    answer = browser.post(f"/admin/partners/partner/{partner.pk}/enter/", {"_form_submitted": "True", "reason": note})
    assert answer.headers.get("HX-Redirect") == f"/p/{partner.slug}/", answer.status_code
    return browser


def act(browser: Client, reason: str = "They asked on the phone") -> Client:
    assert browser.post("/impersonation/act", {"reason": reason}).status_code == 302
    return browser


def told(partner: Partner) -> list[str]:
    mine = Event.objects.filter(
        partner_id=partner.pk, type__in=["partner.entered", "partner.entered_to_act", "partner.acted_as", "partner.left"]
    )
    return [event.type.removeprefix("partner.") for event in mine.order_by("id")]


class TestLooking:
    def test_shows_the_portal_with_a_banner_on_each_page(self, globex, support):
        browser = enter(support, globex, "Ticket 7")
        for path in (
            "",
            "keys/",
            "webhooks/",
            "usage/",
            "team/",
            "settings/",
            "activity/",
            "onboarding/basic-info",
            "verification/",
        ):
            page = browser.get(f"/p/globex/{path}")
            assert page.status_code == 200, path
            assert "You look at the portal of" in page.content.decode(), path
        assert "You look at the portal of" in browser.get("/accounts/email/").content.decode()

    def test_partner_reads_who_was_there(self, globex, support, signed_in):
        enter(support, globex, "Ticket 7")
        event = Event.objects.get(type="partner.entered")
        assert (event.actor_kind, event.actor_id, event.actor_label) == ("operator", support.pk, support.email)
        assert event.data["note"] == "Ticket 7"
        log = signed_in(globex, "owner").get("/p/globex/activity/").content.decode()
        assert "An operator looks at the portal" in log
        assert support.email in log

    def test_nothing_is_changed(self, globex, support):
        browser = enter(support, globex)
        answer = browser.post("/p/globex/profile/", PROFILE)
        assert answer.status_code == 403
        assert "Nothing was changed" in answer.content.decode()
        globex.refresh_from_db()
        assert globex.description == ""
        assert told(globex) == ["entered"]

    def test_live_and_test_can_be_switched(self, globex, support):
        browser = enter(support, globex)
        assert browser.post("/p/globex/environment", {"environment": "test", "next": "/p/globex/"}).status_code == 302
        assert "Test data" in browser.get("/p/globex/").content.decode()

    def test_shows_what_the_operators_role_may_see(self, globex, support, root):
        assert enter(support, globex).get("/p/globex/billing/").status_code == 403
        assert enter(root, globex).get("/p/globex/billing/").status_code == 200

    def test_is_not_asked_for_the_terms(self, globex, support, signed_in):
        made = Terms.objects.create(version="1", effective_on=clock.now().date(), text="Be good.")
        terms.publish(terms=made, by=SYSTEM)
        assert signed_in(globex, "owner").get("/p/globex/").status_code == 302
        browser = enter(support, globex)
        assert browser.get("/p/globex/").status_code == 200
        assert browser.post("/p/globex/terms", {"version": "1"}).status_code == 403
        assert not Acceptance.objects.exists()

    def test_other_partners_stay_closed(self, globex, support, by_operator):
        partners.create(name="Hooli", by=by_operator, active=True)
        assert enter(support, globex).get("/p/hooli/").status_code == 404

    def test_account_pages_are_the_operators_own(self, globex, root):
        page = act(enter(root, globex)).get("/accounts/email/").content.decode()
        assert root.email in page
        assert "owner@globex.example" not in page


class TestActing:
    def test_takes_a_reason_and_the_right(self, globex, support, root):
        assert "Your role only looks" in enter(support, globex).get("/impersonation/act").content.decode()
        sneaky = enter(support, globex)
        sneaky.post("/impersonation/act", {"reason": "Please"})
        assert sneaky.post("/p/globex/profile/", PROFILE).status_code == 403
        browser = enter(root, globex)
        assert "required" in browser.post("/impersonation/act", {"reason": " "}).content.decode()
        assert browser.post("/p/globex/profile/", PROFILE).status_code == 403

    def test_each_change_is_told_with_the_reason(self, globex, root):
        browser = act(enter(root, globex))
        assert "You change things in the name of" in browser.get("/p/globex/profile/").content.decode()
        assert browser.post("/p/globex/profile/", PROFILE).status_code == 302
        globex.refresh_from_db()
        assert globex.description == "New"
        assert told(globex) == ["entered", "entered_to_act", "acted_as"]
        wrote = Event.objects.get(type="partner.acted_as")
        assert (wrote.actor_kind, wrote.actor_id) == ("operator", root.pk)
        assert (wrote.data["method"], wrote.data["path"]) == ("POST", "/p/globex/profile/")
        assert wrote.data["reason"] == "They asked on the phone"
        updated = Event.objects.get(type="partner.updated")
        assert (updated.actor_kind, updated.actor_id) == ("operator", root.pk)

    def test_ends_after_ten_minutes(self, globex, root, monkeypatch):
        browser = act(enter(root, globex))
        later = clock.now() + timedelta(minutes=10, seconds=1)
        monkeypatch.setattr(clock, "now", lambda: later)
        assert browser.get("/p/globex/").status_code == 200
        assert browser.post("/p/globex/profile/", PROFILE).status_code == 403


class TestEnd:
    def test_by_the_button(self, globex, support):
        browser = enter(support, globex)
        answer = browser.post("/impersonation/end")
        assert answer["Location"] == f"/admin/partners/partner/{globex.pk}/change/"
        assert browser.get("/p/globex/").status_code == 404
        assert told(globex) == ["entered", "left"]

    def test_by_itself_after_half_an_hour(self, globex, support, monkeypatch):
        browser, idle = enter(support, globex), make_operator(Role.SUPPORT, "idle@portico.example")
        enter(idle, globex)
        later = clock.now() + timedelta(minutes=30, seconds=1)
        monkeypatch.setattr(clock, "now", lambda: later)
        assert browser.get("/p/globex/").status_code == 404
        assert told(globex) == ["entered", "entered", "left"]
        end_impersonations()
        assert told(globex) == ["entered", "entered", "left", "left"]
        assert {event.data["over"] for event in Event.objects.filter(type="partner.left")} == {True}

    def test_when_the_right_is_taken_away(self, globex, support):
        browser = enter(support, globex)
        support.groups.clear()
        assert browser.get("/p/globex/").status_code == 404
        assert told(globex) == ["entered", "left"]

    def test_when_another_begins(self, globex, support, by_operator):
        hooli = partners.create(name="Hooli", by=by_operator, active=True)
        enter(support, globex)
        browser = enter(support, hooli)
        assert told(globex) == ["entered", "left"]
        assert browser.get("/p/hooli/").status_code == 200
        assert Impersonation.objects.under_way().count() == 1

    def test_session_of_somebody_else_is_worth_nothing(self, globex, support):
        enter(support, globex)
        thief = sign_in(make_operator(Role.SUPPORT, "thief@portico.example"))
        session = thief.session
        session[impersonations.KEY] = Impersonation.objects.get().public_id
        session.save()
        assert thief.get("/p/globex/").status_code == 404


class TestWhoMay:
    @pytest.mark.parametrize("role", [Role.REVIEWER, Role.FINANCE])
    def test_others_are_refused(self, globex, role):
        answer = sign_in(make_operator(role)).post(f"/admin/partners/partner/{globex.pk}/enter/", {"_form_submitted": "True"})
        assert answer.status_code == 403
        with pytest.raises(impersonations.NoRight):
            impersonations.begin(partner=globex, operator=User.objects.get(email__startswith=role), by=SYSTEM)

    def test_deleted_partner_is_not_entered(self, globex, support, by_operator):
        partners.delete(partner=globex, by=by_operator)
        with pytest.raises(impersonations.NotEnterable):
            impersonations.begin(partner=globex, operator=support, by=by_operator)

    def test_member_without_the_flag_is_no_operator(self, globex, signed_in):
        assert signed_in(globex, "owner").get("/impersonation/act").status_code == 302


class TestOutOfReach:
    """People, credentials, payout accounts: by no way, not even while acting."""

    def test_every_page(self, globex, root):
        """Each page under /p/: what the table forbids is refused; nothing breaks; nothing is a way to write while looking."""
        looking = enter(root, globex)
        faults = []
        for turn in ("looking", "acting"):
            browser = looking if turn == "looking" else act(looking)
            for page in access.pages():
                if not page.permission:
                    continue
                path = re.sub(r"\{\w+\}", "nothing", page.path.replace("{slug}", globex.slug))
                for method, permission in (("GET", page.permission), ("POST", page.post)):
                    with transaction.atomic():
                        status = browser.generic(method, path).status_code
                        transaction.set_rollback(True)
                    closed = permission in NEVER or (turn == "looking" and (method == "POST" or permission.endswith(":write")))
                    if status >= 500 or (closed and status not in {403, 405} and page.name != "portal:environment"):
                        faults.append(f"{turn}: {method} {path} {status}")
        assert not faults, "\n".join(faults)

    @pytest.mark.parametrize(
        "path",
        ["keys/new", "team/invite", "team/leave", "webhooks/new/", "integrations/new/", "billing/payout-account/", "terms"],
    )
    def test_pages_of_secrets_people_and_money(self, globex, root, path):
        browser = act(enter(root, globex))
        for method in ("GET", "POST"):
            answer = browser.generic(method, f"/p/globex/{path}")
            assert answer.status_code == 403, method
            assert "belongs to the team alone" in answer.content.decode()

    def test_keys(self, globex, root, by_operator):
        issued = keys.issue(partner=globex, environment="live", name="K", by=by_operator)
        browser = act(enter(root, globex))
        for verb in ("rotate", "revoke", "disable"):
            assert browser.post(f"/p/globex/keys/{issued.key.public_id}/{verb}").status_code == 403
        assert issued.text not in browser.get(f"/p/globex/keys/{issued.key.public_id}").content.decode()

    def test_never_is_made_of_permissions_that_there_are(self):
        assert PERMISSIONS.keys() >= NEVER

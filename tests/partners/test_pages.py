"""A partner's pages: for its people, each within the role; for nobody else."""

import re
from string import Formatter

import pytest
from django.test import Client

from core.models import Event, User
from partners import members, notices, onboarding, partners, reviews
from partners.models import Member, Partner, Tier
from partners.permissions import Role
from tests.partners.conftest import PUBLIC

pytestmark = pytest.mark.django_db

PAGES = ["onboarding/basic-info", "onboarding/documents", "onboarding/activation", "team/", "plan/", "profile/", "settings/"]


class TestSignup:
    FORM = {"email": "bo@initech.example", "password1": "kumquat-sunrise-42", "company_name": "Initech", "type": "business"}

    def test_code_from_the_mail_leads_into_the_portal(self, mailoutbox):
        browser = Client()
        browser.post("/accounts/signup/", self.FORM)
        partner = Partner.objects.get(slug="initech")
        assert (partner.status, partner.type) == ("pending", "business")
        code = re.search(r"^\s*([A-Z0-9-]{6,9})\s*$", mailoutbox[0].body, re.M)[1]
        browser.post("/accounts/confirm-email/", {"code": code})
        assert browser.get("/p/initech/onboarding/basic-info").status_code == 200

    def test_known_address_gets_no_second_partner(self, newcomer):
        answer = Client().post("/accounts/signup/", {**self.FORM, "email": "ann@acme.example"})
        assert answer.status_code == 302
        assert Partner.objects.count() == 1

    def test_person_of_the_api_registration_signs_in_after_the_link(self, newcomer):
        token = members.confirmation(User.objects.get())
        browser = Client()
        assert "Acme" in browser.get(f"/accounts/verify/{token}").content.decode()
        assert not User.objects.get().emailaddress_set.get().verified, "a program that follows links must not confirm"
        assert browser.post(f"/accounts/verify/{token}").status_code == 302
        assert browser.get(f"/accounts/verify/{token}").status_code == 422
        form = {"login": "ann@acme.example", "password": "kumquat-sunrise-42"}
        assert browser.post("/accounts/login/", form)["Location"] == "/"
        assert browser.get("/p/acme/settings/").status_code == 200


class TestWho:
    @pytest.mark.parametrize("page", PAGES)
    @pytest.mark.parametrize("role", list(Role))
    def test_every_member_reads(self, signed_in, confirmed, page, role):
        assert signed_in(confirmed, role).get(f"/p/acme/{page}").status_code == 200

    @pytest.mark.parametrize("page", PAGES)
    def test_no_cache_on_the_way_keeps_it(self, signed_in, confirmed, page):
        assert signed_in(confirmed, "owner").get(f"/p/acme/{page}")["Cache-Control"] == "private"

    @pytest.mark.parametrize("page", PAGES)
    def test_stranger_finds_nothing(self, signed_in, confirmed, active, page):
        assert signed_in(active, "owner").get(f"/p/acme/{page}").status_code == 404

    @pytest.mark.parametrize("page", PAGES)
    def test_anybody_is_asked_to_sign_in(self, confirmed, page):
        assert Client().get(f"/p/acme/{page}")["Location"].startswith("/p/acme/login?next=/p/acme/")

    def test_deleted_partner_is_gone(self, signed_in, active):
        client = signed_in(active, "owner")
        partners.delete(partner=active, by=PUBLIC)
        assert client.get("/p/globex/settings/").status_code == 404

    @pytest.mark.parametrize("role", ["developer", "finance", "viewer"])
    def test_role_without_the_right_changes_nothing(self, signed_in, confirmed, role):
        client = signed_in(confirmed, role)
        assert client.post("/p/acme/profile/", {"name": "Changed", "type": "business"}).status_code == 403
        assert client.post("/p/acme/onboarding/activation").status_code == 403
        confirmed.refresh_from_db()
        assert confirmed.name == "Acme"


class TestOnboarding:
    def test_five_pages_lead_to_the_review(self, signed_in, confirmed):
        Tier.objects.update(needs_application=True)
        client = signed_in(confirmed, "owner")
        assert client.get("/p/acme/onboarding/")["Location"].endswith("/basic-info")
        contact = {"name": "Acme", "type": "technology", "contact_name": "Ann", "contact_email": "ann@acme.example"}
        assert client.post("/p/acme/onboarding/basic-info", contact)["Location"].endswith("/business-details")
        wrong = client.post("/p/acme/onboarding/business-details", {"legal_name": "Acme Ltd", "country": "GBR"})
        assert wrong.status_code == 200
        company = {"legal_name": "Acme Ltd", "street": "1 Road", "city": "Leeds", "country": "gb"}
        assert client.post("/p/acme/onboarding/business-details", company)["Location"].endswith("/api-setup")
        assert client.post("/p/acme/onboarding/api-setup", {"use_case": "Orders"})["Location"].endswith("/activation")
        assert "asks for no documents" in client.get("/p/acme/onboarding/documents").content.decode()
        client.post("/p/acme/onboarding/activation")
        assert onboarding.progress(confirmed).status == "in_review"
        assert Partner.objects.get(slug="acme").company.country == "GB"
        assert "Submitted" in client.get("/p/acme/onboarding/activation").content.decode()

    def test_reason_of_the_operators_is_shown(self, signed_in, submitted, by_operator):
        reviews.reject(partner=submitted, reason="Which road?", by=by_operator)
        assert "Which road?" in signed_in(submitted, "owner").get("/p/acme/onboarding/business-details").content.decode()

    def test_submitting_too_early_says_what_is_missing(self, signed_in, confirmed):
        answer = signed_in(confirmed, "owner").post("/p/acme/onboarding/activation", follow=True)
        assert "Missing: Basic information" in answer.content.decode()


class TestTeam:
    def test_role_is_changed_and_the_person_removed(self, signed_in, confirmed):
        signed_in(confirmed, "viewer")
        viewer = Member.objects.get(partner=confirmed, role="viewer")
        client = signed_in(confirmed, "admin")
        client.post(f"/p/acme/team/{viewer.public_id}/role", {"role": "developer"})
        viewer.refresh_from_db()
        assert viewer.role == "developer"
        client.post(f"/p/acme/team/{viewer.public_id}/remove")
        assert not Member.objects.filter(pk=viewer.pk).exists()
        assert list(Event.objects.filter(type__startswith="member.").order_by("-id").values_list("type", flat=True))[:2] == [
            "member.removed",
            "member.role_changed",
        ]

    def test_admin_touches_no_owner_and_makes_none(self, signed_in, confirmed):
        client = signed_in(confirmed, "admin")
        signed_in(confirmed, "viewer")
        owner, viewer = (Member.objects.get(partner=confirmed, role=role) for role in ("owner", "viewer"))
        assert client.post(f"/p/acme/team/{owner.public_id}/remove").status_code == 403
        assert client.post(f"/p/acme/team/{viewer.public_id}/role", {"role": "owner"}).status_code == 200
        viewer.refresh_from_db()
        assert viewer.role == "viewer"


class TestSettings:
    def test_environment_is_remembered_for_the_session(self, signed_in, active):
        client = signed_in(active, "owner")
        assert client.get("/p/globex/settings/").wsgi_request.environment == "live"
        client.post("/p/globex/environment", {"environment": "test"})
        assert client.get("/p/globex/settings/").wsgi_request.environment == "test"

    def test_pending_partner_begins_in_test(self, signed_in, confirmed):
        assert signed_in(confirmed, "owner").get("/p/acme/settings/").wsgi_request.environment == "test"


class TestFurther:
    def test_partner_of_the_same_person(self, signed_in, active):
        client = signed_in(active, "owner")
        client.post("/p/new", {"name": "Globex Two", "type": "business"})
        assert client.get("/p/globex-two/onboarding/basic-info").status_code == 200


def test_mail_of_every_kind_can_be_written(newcomer):
    user = User.objects.get()
    for kind in notices.KINDS:
        facts = {"partner": "Acme & Co", "slug": "acme", "reason": "Unpaid", "name": "Back end", "hint": "pk_live_…x7Kq"}
        facts |= {"version": "2", "date": "2027-01-01", "summary": "Monthly.", "factor": "TOTP"}
        facts |= {"inviter": "Ann", "role": "Viewer", "subject": "About your plan", "text": "Let us talk."}
        facts |= {"tier_name": "Professional", "effective_on": "2026-12-01", "erasable_on": "2026-12-31"}
        words = notices.KINDS[kind]
        texts = " ".join(map(str, (words.subject, words.title, *words.paragraphs, words.action, words.path)))
        others = {name: "something" for _, name, *_ in Formatter().parse(texts) if name}
        mail = notices.message(notices.Notice(kind=kind, user=user, facts=others | facts))
        assert "{" not in mail.subject + mail.body
        assert "&amp;amp;" not in mail.alternatives[0].content

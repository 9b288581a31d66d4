"""Operators look at partners, keys and tokens in the console, and decide there; every change goes through a verb."""

import re

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from apikeys import keys
from apikeys.verdicts import verify
from core import crypto, ids, operators
from core.models import Change, Event, OperatorToken, User
from partners import documents
from partners.models import Invitation, Partner, Tier
from partners.reviews import CHECKLIST
from tests.partners import files

pytestmark = pytest.mark.django_db

PDF = files.pdf()


@pytest.fixture
def console(operator) -> Client:
    client = Client()
    client.force_login(operator)
    return client


def act(console: Client, model: str, name: str, *rows, **form: object) -> str:
    """A bulk action on the rows, as the list's form sends it, confirmed; the page that follows."""
    chosen = {"action": name, "_selected_action": [str(row.pk) for row in rows], "index": "0"}
    asked = console.post(f"/admin/{model}/", chosen)
    if "admin/confirm_chosen.html" not in [template.name for template in asked.templates]:
        return asked.content.decode()
    sure = {**chosen, **form, "_sure": "1", "_form_submitted": "True"}
    return console.post(f"/admin/{model}/", sure, follow=True).content.decode()


def dialog(console: Client, row, name: str, model: str = "partners/partner", **form: str):
    """A dialog's form, sent."""
    return console.post(f"/admin/{model}/{row.pk}/{name}/", {"_form_submitted": "True", **form})


@pytest.mark.parametrize(
    "page",
    ["partners/partner", "partners/review", "partners/document", "partners/member", "partners/tier", "apikeys/key", "core/user"],
)
def test_lists_and_rows_open(console, submitted, page):
    keys.issue(partner=submitted, environment="test", name="t", by=partners_by())
    documents.upload(partner=submitted, kind="tax", filename="t.pdf", content=PDF, by=partners_by())
    listed = console.get(f"/admin/{page}/")
    assert listed.status_code == 200
    row = re.search(rf'href="(/admin/{page}/[0-9a-f-]{{36}}/change/)', listed.content.decode())[1]
    assert console.get(row).status_code == 200
    assert console.get(f"/admin/{page}/?q=acme").status_code in {200, 302}


def partners_by():
    from core.actors import SYSTEM

    return SYSTEM


class TestTeam:
    def test_owner_of_a_partner_that_has_none_is_invited(self, console, active):
        dialog(console, active, "invite-owner", email="Bo@Globex.example")
        invitation = Invitation.objects.get()
        assert (invitation.email, invitation.role) == ("bo@globex.example", "owner")
        assert console.get(f"/admin/partners/invitation/{invitation.pk}/change/").status_code == 200
        assert "bo@globex.example" in console.get("/admin/partners/invitation/").content.decode()
        dialog(console, invitation, "revoke", model="partners/invitation")
        invitation.refresh_from_db()
        assert invitation.status == "revoked"

    def test_partner_with_an_owner_is_offered_none(self, console, confirmed):
        assert dialog(console, confirmed, "invite-owner", email="bo@acme.example").status_code == 403
        assert not Invitation.objects.exists()


class TestPartners:
    def test_found_by_id_and_by_the_teams_address(self, console, submitted, active):
        for asked in (submitted.public_id, "ann@acme"):
            page = console.get("/admin/partners/partner/", {"q": asked}).content.decode()
            assert str(submitted.pk) in page
            assert str(active.pk) not in page

    def test_approved_from_the_list(self, console, submitted, operator):
        assert "1 row changed" in act(console, "partners/partner", "approve_selected", submitted, checklist=list(CHECKLIST))
        submitted.refresh_from_db()
        assert submitted.status == "active"
        assert Event.objects.get(type="partner.activated").actor_id == operator.pk

    def test_approval_that_is_not_due_says_why(self, console, newcomer):
        assert "Missing:" in act(console, "partners/partner", "approve_selected", newcomer, checklist=list(CHECKLIST))
        newcomer.refresh_from_db()
        assert newcomer.status == "pending"

    def test_suspension_asks_for_a_reason(self, console, active):
        dialog(console, active, "suspend")
        active.refresh_from_db()
        assert active.status == "active"
        assert "HX-Redirect" in dialog(console, active, "suspend", reason="Unpaid")
        active.refresh_from_db()
        assert (active.status, active.status_reason) == ("suspended", "Unpaid")
        dialog(console, active, "reactivate")
        active.refresh_from_db()
        assert active.status == "active"

    def test_only_what_the_state_allows_is_offered(self, console, active, submitted):
        def offered(row) -> set[str]:
            page = console.get(f"/admin/partners/partner/{row.pk}/change/").content.decode()
            return set(re.findall(rf"/admin/partners/partner/{row.pk}/([\w-]+)/?\"", page)) - {"history", "change", "delete"}

        always = {"all", "enter", "message", "note", "close", "delete-softly"}
        assert offered(active) == always | {"invite-owner", "suspend"}
        assert offered(submitted) == always | {"approve", "request-changes", "reject"}

    def test_nothing_happens_by_a_link_alone(self, console, active):
        for name in ("suspend", "close", "delete-softly"):
            assert console.get(f"/admin/partners/partner/{active.pk}/{name}/").status_code == 200
        active.refresh_from_db()
        assert active.status == "active"

    def test_closed_deleted_restored(self, console, active):
        dialog(console, active, "delete-softly")
        active.refresh_from_db()
        assert active.deleted_at
        dialog(console, active, "restore")
        active.refresh_from_db()
        assert (active.status, active.deleted_at) == ("active", None)

    def test_profile_and_tier_are_changed_by_verbs(self, console, active):
        form = {"name": "Globex Corp", "type": "business", "tier": str(Tier.objects.get(slug="basic").pk), "website": ""}
        names = [
            f"{name}-{{}}_FORMS"
            for name in ("company", "api_setup", "reviews", "documents", "members", "invitations", "acceptances")
        ]
        inlines = {name.format(field): "0" for name in names for field in ("TOTAL", "INITIAL")}
        console.post(f"/admin/partners/partner/{active.pk}/change/", {**form, **inlines})
        active.refresh_from_db()
        assert (active.name, active.tier.slug, active.listed) == ("Globex Corp", "basic", False)
        assert Event.objects.filter(type="partner.tier_changed").exists()

    def test_new_partner_is_active(self, console):
        console.post("/admin/partners/partner/add/", {"name": "Hooli", "type": "enterprise"})
        assert Partner.objects.get(slug="hooli").status == "active"

    def test_edited_tier_reaches_the_gateways(self, console, active):
        tier = active.tier
        page = console.get(f"/admin/partners/tier/{tier.pk}/change/").content.decode()
        form = dict(re.findall(r'name="([a-z_]+)"[^>]*?value="([^"]*)"', page)) | {"key_rate": "77", "over_quota": "stop"}
        form |= {"servers": "standard", "support": "community", "currency": "USD"}
        form.pop("csrfmiddlewaretoken", None)
        answer = console.post(f"/admin/partners/tier/{tier.pk}/change/", {**form, "longest_grace": "30 00:00:00"})
        assert answer.status_code == 302, answer.content.decode()[:2000]
        tier.refresh_from_db()
        assert tier.key_rate == 77
        before = active.version
        active.refresh_from_db()
        assert active.version > before


class TestDocuments:
    def test_download_is_an_attachment_for_operators_only(self, console, active):
        document = documents.upload(partner=active, kind="tax", filename="../tax.pdf", content=PDF, by=partners_by())
        answer = console.get(f"/admin/partners/document/{document.pk}/content")
        assert answer.getvalue() == documents.read(document)
        assert answer["Content-Disposition"] == 'attachment; filename="tax.pdf"'
        assert answer["Content-Type"] == "application/pdf"
        assert "sandbox" in answer["Content-Security-Policy"]
        assert answer["X-Content-Type-Options"] == "nosniff"

    def test_decision_with_reason(self, console, active):
        document = documents.upload(partner=active, kind="tax", filename="tax.pdf", content=PDF, by=partners_by())
        dialog(console, document, "reject", "partners/document", reason="Not readable")
        document.refresh_from_db()
        assert (document.state, document.reason, document.decided_by.email) == ("rejected", "Not readable", "op@portico.example")
        assert "None of them is in a state for this" in act(console, "partners/document", "accept_selected", document)


class TestKeys:
    def test_revoked_and_switched_off(self, console, active):
        one, two = (keys.issue(partner=active, environment="live", name=name, by=partners_by()) for name in "ab")
        act(console, "apikeys/key", "disable_selected", one.key)
        dialog(console, two.key, "revoke", "apikeys/key", reason="Abuse")
        assert [verify(text=each.text).code for each in (one, two)] == ["key_disabled", "key_revoked"]
        assert Event.objects.get(type="key.revoked").data["reason"] == "Abuse"


class TestTokens:
    FORM = {"name": "Back office", "scopes": ["partners:read", "keys:verify"]}

    def test_text_is_on_the_answer_only(self, console, operator):
        answer = console.post("/admin/core/operatortoken/add/", self.FORM)
        text = re.search(r"po_[0-9A-Za-z]{49}", answer.content.decode())[0]
        assert "no-store" in answer["Cache-Control"]
        token = OperatorToken.objects.get(digest=crypto.digest(text))
        assert (token.user, token.scopes) == (operator, ["partners:read", "keys:verify"])
        for page in ("/admin/core/operatortoken/", f"/admin/core/operatortoken/{token.pk}/change/"):
            assert text not in console.get(page).content.decode()

    def test_unknown_scope_makes_none(self, console):
        console.post("/admin/core/operatortoken/add/", {**self.FORM, "scopes": ["root"]})
        assert not OperatorToken.objects.exists()

    def test_revoked_from_the_list(self, console, operator, by_operator):
        token = operators.issue(user=operator, name="t", scopes=["*"], by=by_operator).token
        act(console, "core/operatortoken", "revoke_selected", token)
        token.refresh_from_db()
        assert token.revoked_at

    def test_tokens_of_a_person_who_is_no_operator_any_more_are_read_anew(self, console, by_operator):
        other = User.objects.create_user("other@portico.example", is_staff=True)
        token = operators.issue(user=other, name="t", scopes=["*"], by=by_operator).token
        console.post(f"/admin/core/user/{other.pk}/change/", {"name": "", "is_active": "on"})
        other.refresh_from_db()
        assert not other.is_staff
        assert Change.objects.filter(subject=token.pk).count() == 2


class TestRoles:
    """An operator with Django's right to view sees the rows; to decide about them takes the right to change them."""

    @pytest.fixture
    def colleague(self, db) -> User:
        return User.objects.create_user("colleague@portico.example", is_staff=True)

    @pytest.fixture
    def as_colleague(self, colleague) -> Client:
        client = Client(raise_request_exception=False)
        client.force_login(colleague)
        return client

    def allow(self, colleague: User, *names: str) -> None:
        colleague.user_permissions.add(*Permission.objects.filter(codename__in=names))

    def test_who_only_looks_decides_nothing(self, as_colleague, colleague, submitted, operator, by_operator):
        self.allow(colleague, "view_review", "view_document", "view_key", "view_operatortoken")
        key = keys.issue(partner=submitted, environment="test", name="t", by=by_operator)
        document = documents.upload(partner=submitted, kind="tax", filename="t.pdf", content=PDF, by=by_operator)
        token = operators.issue(user=operator, name="t", scopes=["*"], by=by_operator).token
        review = submitted.reviews.get()
        act(as_colleague, "partners/review", "approve_selected", review)
        act(as_colleague, "partners/document", "accept_selected", document)
        act(as_colleague, "apikeys/key", "revoke_selected", key.key)
        act(as_colleague, "core/operatortoken", "revoke_selected", token)
        for row, name, model in (
            (review, "approve", "partners/review"),
            (document, "accept", "partners/document"),
            (key.key, "revoke", "apikeys/key"),
        ):
            assert as_colleague.get(f"/admin/{model}/{row.pk}/change/").status_code == 200
            assert dialog(as_colleague, row, name, model, reason="x").status_code == 403
        for row in (submitted, document, token):
            row.refresh_from_db()
        assert (submitted.status, document.state, token.revoked_at) == ("pending", "waiting", None)
        assert verify(text=key.text).code == "valid"

    def test_who_may_change_decides(self, as_colleague, colleague, submitted):
        self.allow(colleague, "view_review", "change_review")
        assert "1 row changed" in act(
            as_colleague, "partners/review", "approve_selected", submitted.reviews.get(), checklist=list(CHECKLIST)
        )

    def test_superuser_is_changed_by_superusers_only(self, as_colleague, colleague, operator):
        self.allow(colleague, "view_user", "change_user")
        assert as_colleague.post(f"/admin/core/user/{operator.pk}/change/", {"name": "Mallory"}).status_code == 403
        operator.refresh_from_db()
        assert operator.is_active
        person = User.objects.create_user("bo@acme.example")
        assert as_colleague.post(f"/admin/core/user/{person.pk}/change/", {"name": "Bo", "is_active": "on"}).status_code == 302


def test_a_row_that_is_not_there_is_404(console, db):
    assert console.post(f"/admin/partners/partner/{ids.new()}/delete-softly/", {"_form_submitted": "on"}).status_code == 404


def test_nobody_but_operators(submitted, signed_in):
    assert signed_in(submitted, "owner").get("/admin/partners/partner/").status_code == 403


class TestTiers:
    """What would break pages and gateways is refused where it is typed in."""

    GOOD = {
        "name": "Gold",
        "slug": "gold",
        "rank": "50",
        "price_minor": "4900",
        "currency": "USD",
        "monthly_quota": "100",
        "over_quota": "stop",
        "key_rate": "10",
        "partner_rate": "20",
        "longest_grace": "1 00:00:00",
        "commission_rate": "0.1",
        "marketplace_fee": "0.1",
        "servers": "standard",
        "support": "email",
    }

    @pytest.mark.parametrize(
        "bad",
        [{"currency": "XYZ"}, {"price_minor": "-1"}, {"monthly_quota": "-1"}, {"key_rate": "0"}, {"partner_rate": "60000001"}],
    )
    def test_only_what_can_hold(self, console, bad):
        assert console.post("/admin/partners/tier/add/", {**self.GOOD, **bad}).status_code == 200
        assert not Tier.objects.filter(slug="gold").exists()
        assert console.post("/admin/partners/tier/add/", self.GOOD).status_code == 302

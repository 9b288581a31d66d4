"""A partner's program sees and changes its own partner, in its own environment, within its scopes."""

import csv
import io

import pytest

from core import relay
from core.models import User
from partners import members, notices, partners
from partners.models import Partner, Tier
from partners.permissions import Role
from tests.callers import Caller
from tests.partners.conftest import PUBLIC

pytestmark = pytest.mark.django_db

ANYBODY = Caller("anonymous")


@pytest.fixture
def acme(confirmed) -> Caller:
    return Caller("key", confirmed.pk, environment="test")


@pytest.fixture
def globex(active) -> Caller:
    return Caller("key", active.pk)


class TestRegister:
    BODY = {"email": "bo@initech.example", "password": "kumquat-sunrise-42", "company_name": "Initech", "type": "business"}

    def test_answer_is_the_same_for_a_known_address(self):
        first = ANYBODY.post("/register", self.BODY, expect=202)
        second = ANYBODY.post("/register", {**self.BODY, "company_name": "Other"}, expect=202)
        assert first == second
        assert list(Partner.objects.values_list("slug", flat=True)) == ["initech"]

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("email", "no"),
            ("password", "short"),
            ("company_name", ""),
            ("type", "bank"),
            ("is_staff", True),
            ("status", "active"),
        ],
    )
    def test_mistakes_are_named(self, field, value):
        problem = ANYBODY.post("/register", {**self.BODY, field: value}, expect=422)
        assert [error["pointer"] for error in problem["errors"]] == [f"/{field}"]

    def test_many_from_one_address_have_to_wait(self, settings):
        for number in range(settings.REGISTRATIONS_A_MINUTE):
            ANYBODY.post("/register", {**self.BODY, "password": "short", "email": f"{number}@initech.example"}, expect=422)
        refused = ANYBODY.send("POST", "/register", self.BODY)
        assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
        assert int(refused.headers["Retry-After"]) > 0

    def test_guest_of_another_partner_gets_a_key_of_their_own(self, mailoutbox, active, by_operator):
        ANYBODY.post("/register", self.BODY, expect=202)
        user = User.objects.get(email=self.BODY["email"])
        assert active.pk < Partner.objects.get(slug="initech").pk, "theirs is the younger one"
        members.add(partner=active, user=user, role=Role.VIEWER, by=by_operator)
        answer = ANYBODY.post("/register/confirm", {"token": members.confirmation(user)})
        assert answer["slug"] == "initech"

    def test_whole_way_to_a_test_key(self, mailoutbox):
        ANYBODY.post("/register", self.BODY, expect=202)
        notices.send_due()
        token = mailoutbox[0].body.split("/accounts/verify/")[1].split()[0]
        answer = ANYBODY.post("/register/confirm", {"token": token})
        assert answer["key"].startswith("pk_test_")
        assert answer["slug"] == "initech"
        ANYBODY.post("/register/confirm", {"token": token}, expect=422)


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00%2B23:59", "9999-12-31T23:59:59-23:59", "2026-01-01T00:00:00%2B20:00"])
def test_instants_beyond_all_calendars_are_no_fault(acme, at):
    for name in ("since", "until"):
        answer = acme.send("GET", f"/partner/activity?{name}={at}")
        assert answer.status_code == (200 if at.startswith("2026") else 422), answer.content


class TestProfile:
    def test_read_and_change(self, acme):
        assert acme.get("/partner")["status"] == "pending"
        assert acme.patch("/partner", {"website": "https://acme.example"})["website"] == "https://acme.example"

    @pytest.mark.parametrize("field", ["status", "slug", "tier", "id", "nonsense"])
    def test_nothing_in_the_body_is_ignored(self, acme, field):
        problem = acme.patch("/partner", {field: "x"}, expect=422)
        assert problem["errors"][0]["pointer"] == f"/{field}"

    def test_scope_is_needed(self, acme):
        weak = Caller("key", acme.partner, scopes=("partner:read",))
        assert weak.patch("/partner", {"website": ""}, expect=403)["scope"] == "partner:write"

    def test_tiers_are_listed_from_the_lowest_rung(self, acme):
        tiers = acme.get("/tiers")["data"]
        assert [tier["slug"] for tier in tiers] == ["developer", "basic", "professional", "enterprise"]
        assert tiers[1]["price"] == {"amount": "29.00", "currency": "USD"}
        assert tiers[3]["price"] is None
        assert [tier["marketplace_fee"] for tier in tiers] == ["0.1500", "0.1500", "0.1000", "0.0500"]


class TestOnboarding:
    def test_whole_way(self, acme, console):
        Tier.objects.update(needs_application=True)
        assert acme.get("/partner/onboarding")["current"] == "basic-info"
        assert "basic" in acme.post("/partner/onboarding/submit", expect=409)["detail"].lower()
        acme.put("/partner/onboarding/basic-info", {"contact_name": "Ann", "contact_email": "ann@acme.example"})
        progress = acme.put("/partner/onboarding/business-details", {"legal_name": "Acme Ltd", "country": "GB"})
        assert progress["steps"][1]["missing"] == ["street", "city"]
        acme.put("/partner/onboarding/business-details", {"street": "1 Road", "city": "Leeds"})
        progress = acme.put("/partner/onboarding/api-setup", {"use_case": "Orders"})
        assert progress["current"] == "activation"
        assert [step["state"] for step in progress["steps"]] == ["done", "done", "done", "not_required", "current"]
        assert acme.post("/partner/onboarding/submit", expect=200)["status"] == "in_review"
        acme.post("/partner/onboarding/submit", expect=409)
        acme.put("/partner/onboarding/api-setup", {"use_case": "Other"}, expect=409)
        public_id = acme.get("/partner")["id"]
        assert console.post(f"/partners/{public_id}/approve", expect=200)["status"] == "active"
        assert acme.get("/partner/onboarding")["status"] == "complete"

    def test_live_at_once_where_the_tier_wants_nobodys_decision(self, acme):
        acme.put("/partner/onboarding/basic-info", {"contact_name": "Ann", "contact_email": "ann@acme.example"})
        acme.put(
            "/partner/onboarding/business-details", {"legal_name": "A", "country": "GB", "street": "1 Road", "city": "Leeds"}
        )
        acme.put("/partner/onboarding/api-setup", {"use_case": "Orders"})
        assert acme.post("/partner/onboarding/submit", expect=200)["status"] == "complete"
        assert acme.get("/partner")["status"] == "active"
        assert acme.get("/partner/verification")["state"] == "unverified"
        assert "Company registration" in acme.post("/partner/onboarding/submit", expect=409)["detail"]

    @pytest.mark.parametrize(
        ("step", "field", "value"),
        [
            ("business-details", "country", "Britain"),
            ("api-setup", "webhook_url", "nonsense"),
            ("api-setup", "expected_monthly_calls", -1),
            ("basic-info", "slug", "x"),
            ("basic-info", "contact_email", "x"),
        ],
    )
    def test_mistakes_are_named(self, acme, step, field, value):
        problem = acme.put(f"/partner/onboarding/{step}", {field: value}, expect=422)
        assert problem["errors"][0]["pointer"] == f"/{field}"


class TestTeamAndLog:
    def test_stranger_sees_only_itself(self, acme, globex):
        assert [member["email"] for member in acme.get("/partner/members")["data"]] == ["ann@acme.example"]
        assert globex.get("/partner/members")["data"] == []
        assert globex.get("/partner")["slug"] == "globex"

    def test_activity_and_audit_are_of_the_callers_environment(self, acme):
        live = Caller("key", acme.partner)
        assert acme.get("/partner/activity")["data"] == []
        types = [line["type"] for line in live.get("/partner/activity")["data"]]
        assert types == ["member.email_confirmed", "member.added", "partner.created"]

    def test_audit_log_says_who_and_what_and_where_in_the_chain(self, globex):
        globex.patch("/partner", {"website": "https://globex.example"})
        relay.seal()
        line = globex.get("/partner/audit-log?type=partner.updated")["data"][0]
        assert line["data"]["changes"] == {"website": ["", "https://globex.example"]}
        assert (line["actor"]["kind"], line["address"]) == ("key", "203.0.113.9")
        assert line["number"] == 3
        assert len(line["hash"]) == 64
        assert globex.get("/partner/audit-log?type=key.*")["data"] == []

    def test_audit_log_as_csv(self, globex):
        globex.patch("/partner", {"description": "=cmd()"})
        response = globex.send("GET", "/partner/audit-log?format=csv&type=partner.*")
        assert response["Content-Type"] == "text/csv; charset=utf-8"
        rows = list(csv.DictReader(io.StringIO(response.getvalue().decode())))
        assert [row["type"] for row in rows] == ["partner.updated", "partner.activated", "partner.created"]

    def test_lists_ask_as_often_for_many_rows_as_for_few(self, globex, django_assert_max_num_queries):
        globex.patch("/partner", {"website": "https://globex.example"})
        partner = Partner.objects.get(slug="globex")
        for place in range(8):
            partners.update(partner=partner, by=PUBLIC, description=str(place))
            members.add(partner=partner, user=User.objects.create(email=f"{place}@globex.example"), role="viewer", by=PUBLIC)
        for path in ("/partner/audit-log", "/partner/activity", "/partner/members", "/tiers"):
            with django_assert_max_num_queries(2):
                assert globex.get(path)["data"]

    def test_unknown_filter_is_refused(self, globex):
        assert globex.get("/partner/audit-log?nonsense=1", expect=422)["errors"][0]["pointer"] == "/nonsense"

"""A partner asks for another tier: up at once, down at the month's end, each decided by operators."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from core import clock
from core.models import Event, User
from core.states import StaleState
from partners import documents, notices, partners, tier_requests, tiers
from partners.models import Member, Tier, TierRequest
from partners.permissions import Role
from partners.tasks import apply_tier_requests
from tests.callers import Caller
from tests.partners.conftest import PUBLIC
from tests.partners.files import pdf

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_clock():
    yield
    clock.reset()


def go_to(instant: datetime) -> None:
    clock.tick(instant - clock.now())


def tier(slug: str) -> Tier:
    return Tier.objects.get(slug=slug)


@pytest.fixture
def basic(active, by_operator):
    """A live partner on a paid tier."""
    partners.change_tier(partner=active, tier=tier("basic"), by=by_operator)
    return active


@pytest.fixture
def program(basic):
    return Caller("key", partner=basic.pk)


class TestUpgrade:
    def test_holds_once_approved(self, basic, by_operator, operator):
        asked = tier_requests.request(partner=basic, tier=tier("professional"), note="We grow", by=PUBLIC)
        before = basic.version
        tier_requests.approve(request=asked, by=by_operator, operator=operator)
        basic.refresh_from_db()
        asked.refresh_from_db()
        assert (basic.tier.slug, asked.status, asked.decided_by) == ("professional", "applied", operator)
        assert basic.version > before, "gateways read the new limits"
        kinds = list(Event.objects.filter(partner_id=basic.pk).order_by("-id").values_list("type", flat=True)[:3])
        assert kinds == ["partner.tier_changed", "partner.tier_request_approved", "partner.tier_requested"]

    def test_wants_what_the_tier_asks_for(self, basic, by_operator):
        asked = tier_requests.request(partner=basic, tier=tier("enterprise"), by=PUBLIC)
        with pytest.raises(tier_requests.StillMissing, match="Signed contract"):
            tier_requests.approve(request=asked, by=by_operator)
        contract = documents.upload(partner=basic, kind="contract", filename="c.pdf", content=pdf(), by=PUBLIC)
        documents.accept(document=contract, by=by_operator)
        tier_requests.approve(request=asked, by=by_operator)
        basic.refresh_from_db()
        assert basic.tier.slug == "enterprise"


class TestDowngrade:
    def test_waits_for_the_end_of_the_month_and_is_applied_once(self, basic, by_operator):
        go_to(datetime(2027, 12, 14, 9, tzinfo=UTC))
        asked = tier_requests.request(partner=basic, tier=tier("developer"), by=PUBLIC)
        tier_requests.approve(request=asked, by=by_operator)
        assert asked.effective_at == datetime(2028, 1, 1, tzinfo=UTC)
        assert apply_tier_requests() == 0
        go_to(datetime(2028, 1, 1, 0, 3, tzinfo=UTC))
        assert [apply_tier_requests(), apply_tier_requests()] == [1, 0]
        basic.refresh_from_db()
        asked.refresh_from_db()
        assert (basic.tier.slug, asked.status) == ("developer", "applied")
        assert Event.objects.filter(type="partner.tier_changed", partner_id=basic.pk).count() == 2

    def test_is_charged_from_the_very_start_of_the_month(self, basic, by_operator):
        go_to(datetime(2027, 12, 14, 9, tzinfo=UTC))
        asked = tier_requests.request(partner=basic, tier=tier("developer"), by=PUBLIC)
        tier_requests.approve(request=asked, by=by_operator)
        go_to(datetime(2028, 1, 1, 0, 3, tzinfo=UTC))
        apply_tier_requests()
        basic.refresh_from_db()
        december, january, february = (datetime(*month, 1, tzinfo=UTC) for month in ((2027, 12), (2028, 1), (2028, 2)))
        assert [each.slug for _since, each in tiers.held(partner=basic, start=december, end=january)] == ["basic"]
        assert [each.slug for _since, each in tiers.held(partner=basic, start=january, end=february)] == ["developer"]

    def test_lapses_if_the_tier_is_another_by_then(self, basic, by_operator):
        asked = tier_requests.request(partner=basic, tier=tier("developer"), by=PUBLIC)
        tier_requests.approve(request=asked, by=by_operator)
        basic.refresh_from_db()
        partners.change_tier(partner=basic, tier=tier("professional"), by=by_operator)
        clock.tick(timedelta(days=32))
        assert apply_tier_requests() == 0
        asked.refresh_from_db()
        basic.refresh_from_db()
        assert (asked.status, basic.tier.slug) == ("withdrawn", "professional")

    def test_undecided_lapses_too_and_makes_room_for_another(self, basic, by_operator):
        asked = tier_requests.request(partner=basic, tier=tier("developer"), by=PUBLIC)
        partners.change_tier(partner=basic, tier=tier("professional"), by=by_operator)
        assert apply_tier_requests() == 0
        asked.refresh_from_db()
        assert (asked.status, asked.reason) == ("withdrawn", "The tier was changed otherwise meanwhile.")
        assert tier_requests.request(partner=basic, tier=tier("developer"), by=PUBLIC).status == "waiting"

    def test_of_a_closed_partner_waits(self, basic, by_operator):
        asked = tier_requests.request(partner=basic, tier=tier("developer"), by=PUBLIC)
        tier_requests.approve(request=asked, by=by_operator)
        partners.close(partner=basic, by=by_operator)
        clock.tick(timedelta(days=32))
        assert apply_tier_requests() == 0

    def test_of_a_partner_that_is_not_live_is_at_once(self, newcomer, by_operator):
        partners.change_tier(partner=newcomer, tier=tier("basic"), by=by_operator)
        asked = tier_requests.request(partner=newcomer, tier=tier("developer"), by=PUBLIC)
        tier_requests.approve(request=asked, by=by_operator)
        newcomer.refresh_from_db()
        assert newcomer.tier.slug == "developer"


class TestStates:
    def test_one_at_a_time(self, basic):
        tier_requests.request(partner=basic, tier=tier("professional"), by=PUBLIC)
        with pytest.raises(tier_requests.OneAtATime):
            tier_requests.request(partner=basic, tier=tier("developer"), by=PUBLIC)

    def test_own_tier_and_suspended_partners(self, basic, by_operator):
        with pytest.raises(tier_requests.SameTier):
            tier_requests.request(partner=basic, tier=tier("basic"), by=PUBLIC)
        partners.suspend(partner=basic, reason="Unpaid", by=by_operator)
        with pytest.raises(tier_requests.NotLive):
            tier_requests.request(partner=basic, tier=tier("professional"), by=PUBLIC)

    def test_declined_is_decided(self, basic, by_operator):
        asked = tier_requests.request(partner=basic, tier=tier("professional"), by=PUBLIC)
        tier_requests.decline(request=asked, reason="Not yet", by=by_operator)
        for verb in (tier_requests.approve, tier_requests.withdraw):
            with pytest.raises(StaleState):
                verb(request=asked, by=by_operator)
        tier_requests.request(partner=basic, tier=tier("professional"), by=PUBLIC)

    def test_withdrawn_until_it_takes_effect(self, basic, by_operator):
        asked = tier_requests.request(partner=basic, tier=tier("developer"), by=PUBLIC)
        tier_requests.approve(request=asked, by=by_operator)
        tier_requests.withdraw(request=asked, by=PUBLIC)
        clock.tick(timedelta(days=32))
        assert apply_tier_requests() == 0
        again = tier_requests.request(partner=basic, tier=tier("professional"), by=PUBLIC)
        tier_requests.approve(request=again, by=by_operator)
        with pytest.raises(StaleState):
            tier_requests.withdraw(request=again, by=PUBLIC)

    def test_mails_have_the_reason_and_the_day(self, basic, by_operator):
        user = User.objects.create_user("owner@globex.example")
        Member.objects.create(partner=basic, user=user, role=Role.OWNER)
        asked = tier_requests.request(partner=basic, tier=tier("professional"), by=PUBLIC)
        tier_requests.decline(request=asked, reason="Not yet", by=by_operator)
        event = Event.objects.get(type="partner.tier_request_declined")
        notices.read([event], {event.pk: event.data})
        mail = notices.message(user.notices.get())
        assert "Not yet" in mail.body
        assert "Professional" in mail.subject


class TestApi:
    def test_asked_listed_and_taken_back(self, program):
        made = program.post("/partner/tier-requests", {"tier": "professional", "note": "We grow"})
        assert (made["previous"], made["tier"], made["status"]) == ("basic", "professional", "waiting")
        assert program.get("/partner/tier-requests")["data"] == [made]
        assert program.post("/partner/tier-requests", {"tier": "developer"}, expect=409)["code"] == "conflict"
        assert program.post(f"/partner/tier-requests/{made['id']}/withdraw", expect=200)["status"] == "withdrawn"
        assert program.get(f"/partner/tier-requests/{made['id']}")["status"] == "withdrawn"

    def test_unknown_tier_is_named(self, program):
        problem = program.post("/partner/tier-requests", {"tier": "platinum"}, expect=422)
        assert problem["errors"][0]["pointer"] == "/tier"

    def test_reader_asks_for_nothing(self, basic):
        reader = Caller("key", partner=basic.pk, scopes=("partner:read",))
        assert reader.post("/partner/tier-requests", {"tier": "developer"}, expect=403)["scope"] == "partner:write"

    def test_stranger_finds_nothing(self, program, newcomer):
        made = program.post("/partner/tier-requests", {"tier": "professional"})
        stranger = Caller("key", partner=newcomer.pk)
        stranger.get(f"/partner/tier-requests/{made['id']}", expect=404)
        stranger.post(f"/partner/tier-requests/{made['id']}/withdraw", expect=404)
        assert stranger.get("/partner/tier-requests")["data"] == []


class TestPages:
    def test_ladder_in_words(self, signed_in, basic):
        page = signed_in(basic, "viewer").get("/p/globex/plan/").content.decode()
        assert "You are on Basic" in page
        assert "50,000 calls a month" in page
        assert "It still needs, uploaded and accepted: Signed contract." in page
        assert "Ask for Professional" not in page, "a viewer can't"

    def test_asked_and_taken_back(self, signed_in, basic):
        client = signed_in(basic, "admin")
        assert "Ask for Professional" in client.get("/p/globex/plan/").content.decode()
        assert "as soon as we approve it" in client.get("/p/globex/plan/professional").content.decode()
        assert client.post("/p/globex/plan/professional", {"note": "We grow"}).status_code == 302
        asked = TierRequest.objects.get()
        assert asked.note == "We grow"
        assert "You have asked for Professional" in client.get("/p/globex/plan/").content.decode()
        withdraw = f"/p/globex/plan/requests/{asked.public_id}/withdraw"
        assert client.get(withdraw).status_code == 200
        client.post(withdraw)
        asked.refresh_from_db()
        assert asked.status == "withdrawn"

    @pytest.mark.parametrize("role", ["developer", "finance", "viewer"])
    def test_who_may_not_write_asks_for_nothing(self, signed_in, basic, role):
        assert signed_in(basic, role).post("/p/globex/plan/professional").status_code == 403
        assert not TierRequest.objects.exists()

    def test_stranger_finds_nothing(self, signed_in, basic, newcomer):
        asked = tier_requests.request(partner=basic, tier=tier("professional"), by=PUBLIC)
        stranger = signed_in(newcomer, "admin")
        assert stranger.get("/p/globex/plan/").status_code == 404
        assert stranger.post(f"/p/acme/plan/requests/{asked.public_id}/withdraw").status_code == 404


class TestConsole:
    @pytest.fixture
    def console(self, operator) -> Client:
        client = Client()
        client.force_login(operator)
        return client

    def decide(self, console: Client, asked: TierRequest, verb: str, **form: str) -> TierRequest:
        console.post(f"/admin/partners/tierrequest/{asked.pk}/{verb}/", {"_form_submitted": "True", **form})
        asked.refresh_from_db()
        return asked

    def test_queue_shows_what_is_missing(self, console, basic):
        asked = tier_requests.request(partner=basic, tier=tier("enterprise"), note="We grow", by=PUBLIC)
        assert "Globex" in console.get("/admin/partners/tierrequest/?status__exact=waiting").content.decode()
        page = console.get(f"/admin/partners/tierrequest/{asked.pk}/change/").content.decode()
        assert "Signed contract" in page
        assert "We grow" in page
        assert "Tier requests" in console.get("/admin/").content.decode()

    def test_approved_and_declined_with_a_reason(self, console, basic, operator):
        asked = tier_requests.request(partner=basic, tier=tier("professional"), by=PUBLIC)
        assert self.decide(console, asked, "decline").status == "waiting", "it wants a reason"
        declined = self.decide(console, asked, "decline", reason="Not yet")
        assert (declined.status, declined.reason, declined.decided_by) == ("declined", "Not yet", operator)
        again = tier_requests.request(partner=basic, tier=tier("professional"), by=PUBLIC)
        assert self.decide(console, again, "approve").status == "applied"

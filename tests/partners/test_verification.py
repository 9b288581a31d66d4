"""Publishing and payouts want verified documents; changed facts want them anew; every round is kept and told."""

import re

import pytest
from django.core import mail
from django.test import Client

from core import relay
from core.models import Environment, Event
from core.states import StaleState
from marketplace import integrations
from partners import documents, notices, onboarding, partners, reviews, standing, verification
from partners.models import Document, Partner, Review, Tier
from tests.callers import Caller
from tests.partners import files
from tests.partners.conftest import PUBLIC

pytestmark = pytest.mark.django_db


def upload(partner, kind="registration") -> Document:
    return documents.upload(partner=partner, kind=kind, filename="r.pdf", content=files.pdf(), by=PUBLIC)


@pytest.fixture
def live(confirmed):
    """Live without anybody's decision, and unverified."""
    Tier.objects.update(needs_information=False)
    confirmed.tier.refresh_from_db()
    onboarding.submit(partner=confirmed, by=PUBLIC)
    return confirmed


@pytest.fixture
def verified(live, by_operator):
    """Live, with a registration that an operator accepted and facts that it shows."""
    onboarding.save(partner=live, step="business-details", by=PUBLIC, legal_name="Acme Ltd", city="Leeds")
    document = upload(live)
    onboarding.submit(partner=live, by=PUBLIC)
    documents.accept(document=document, by=by_operator)
    reviews.approve(partner=live, by=by_operator)
    return live


class TestPolicy:
    def test_every_combination_says_what_is_missing(self, confirmed):
        wanted = {
            "needs_information": ["Basic information", "Business details", "API setup"],
            "needs_documents": ["Company registration", "Proof of identity"],
            "needs_contract": ["Signed contract"],
        }
        for name, words in wanted.items():
            Tier.objects.update(**dict.fromkeys(wanted, False), document_kinds=["registration", "identity"])
            Tier.objects.update(**{name: True})
            confirmed.tier.refresh_from_db()
            assert [str(each) for each in onboarding.missing(confirmed)] == words

    def test_unconfirmed_address_goes_live_nowhere(self, newcomer):
        Tier.objects.update(needs_information=False)
        newcomer.tier.refresh_from_db()
        with pytest.raises(onboarding.Incomplete):
            onboarding.submit(partner=newcomer, by=PUBLIC)

    @pytest.mark.parametrize("policy", ["needs_application", "needs_documents", "needs_contract"])
    def test_somebody_decides_where_the_tier_says_so(self, confirmed, policy):
        Tier.objects.update(needs_information=False, **{policy: True})
        confirmed.tier.refresh_from_db()
        upload(confirmed)
        upload(confirmed, "contract")
        assert onboarding.submit(partner=confirmed, by=PUBLIC).status == "in_review"
        assert confirmed.status == "pending"

    def test_live_at_once_and_documents_are_reviewed_beside(self, confirmed):
        Tier.objects.update(needs_information=False)
        confirmed.tier.refresh_from_db()
        upload(confirmed)
        assert onboarding.submit(partner=confirmed, by=PUBLIC).status == "complete"
        assert confirmed.status == "active"
        assert standing.of(confirmed).state == "in_review"

    def test_partner_of_an_operator_is_vouched_for(self, active):
        verification.require(active)


class TestWhatNeedsIt:
    def test_publishing(self, live, verified_seller):
        with pytest.raises(verification.NotVerified):
            integrations.publish(integration=verified_seller(live), by=PUBLIC)

    def test_publishing_once_verified(self, verified, verified_seller):
        assert integrations.publish(integration=verified_seller(verified), by=PUBLIC).status == "published"

    @pytest.fixture
    def verified_seller(self):
        """An approved integration of a partner."""

        def approved(partner):
            drafted = integrations.create(
                partner=partner,
                environment=Environment.LIVE,
                by=PUBLIC,
                slug="weather",
                name="Weather",
                summary="Forecasts.",
                upstream_url="https://upstream.example",
            )
            integrations.submit(integration=drafted.integration, by=PUBLIC)
            drafted.integration.refresh_from_db()
            integrations.approve(integration=drafted.integration, by=PUBLIC)
            return drafted.integration

        return approved


class TestRounds:
    def test_three_rounds_are_kept_and_each_decision_is_told(self, live, by_operator, operator):
        first = upload(live)
        onboarding.submit(partner=live, by=PUBLIC)
        with pytest.raises(onboarding.Locked):
            onboarding.submit(partner=live, by=PUBLIC)
        documents.reject(document=first, reason="It is older than three months.", by=by_operator)
        reviews.request_changes(partner=live, reason="A current extract, please.", by=by_operator, operator=operator)
        assert standing.of(live).missing == ["registration"]
        second = upload(live)
        onboarding.submit(partner=live, by=PUBLIC)
        reviews.reject(partner=live, reason="Another company's.", by=by_operator)
        assert standing.of(live).state == "rejected"
        onboarding.submit(partner=live, by=PUBLIC)
        with pytest.raises(reviews.NotReady):
            reviews.approve(partner=live, by=by_operator)
        documents.accept(document=second, by=by_operator)
        reviews.approve(partner=live, by=by_operator, checklist=["company"])
        found = standing.of(live)
        assert found.state == "verified"
        assert [each.decision for each in found.rounds] == ["approved", "rejected", "changes_requested"]
        assert found.rounds[0].checklist == ["company"]
        self._assert_told()

    def _assert_told(self):
        while relay.relay():
            pass
        while notices.send_due():
            pass
        subjects = [message.subject for message in mail.outbox]
        for said in ("please change something", "was not approved", "was approved", "a document was not accepted"):
            [message] = [message for message in mail.outbox if said in message.subject]
            html = message.alternatives[0][0]
            assert "/p/acme/" in message.body, subjects
            assert "/p/acme/" in html
        changes = next(message for message in mail.outbox if "please change" in message.subject)
        assert "A current extract, please." in changes.body

    def test_final_rejection_ends_it(self, live, by_operator):
        upload(live)
        onboarding.submit(partner=live, by=PUBLIC)
        reviews.reject(partner=live, reason="No.", by=by_operator, final=True)
        with pytest.raises(onboarding.Locked):
            onboarding.submit(partner=live, by=PUBLIC)
        assert live.status == "active", "its keys are another matter"

    def test_suspended_partner_is_not_decided_about(self, live, by_operator):
        upload(live)
        onboarding.submit(partner=live, by=PUBLIC)
        partners.suspend(partner=live, reason="Unpaid", by=by_operator)
        with pytest.raises(StaleState):
            reviews.approve(partner=live, by=by_operator)


class TestChangedFacts:
    def test_verified_facts_want_new_documents(self, verified, by_operator):
        onboarding.save(partner=verified, step="business-details", by=PUBLIC, legal_name="Acme Holding Ltd")
        verified.refresh_from_db()
        assert (verified.status, verified.verified_at) == ("active", None)
        found = standing.of(verified)
        assert (found.state, found.missing) == ("outdated", ["registration"])
        event = Event.objects.get(type="partner.verification_expired")
        assert event.subject == verified.public_id
        with pytest.raises(onboarding.Incomplete):
            onboarding.submit(partner=verified, by=PUBLIC)
        document = upload(verified)
        onboarding.submit(partner=verified, by=PUBLIC)
        documents.accept(document=document, by=by_operator)
        reviews.approve(partner=verified, by=by_operator)
        verification.require(Partner.objects.get(pk=verified.pk))

    @pytest.mark.parametrize("change", [{"industry": "Parcels"}, {"registration_number": "123"}, {"legal_name": "Acme Ltd"}])
    def test_anything_else_does_not(self, verified, change):
        onboarding.save(partner=verified, step="business-details", by=PUBLIC, **change)
        verification.require(Partner.objects.get(pk=verified.pk))

    def test_verified_partner_has_nothing_to_submit(self, verified):
        with pytest.raises(onboarding.NothingToSubmit):
            onboarding.submit(partner=verified, by=PUBLIC)


class TestApi:
    def test_through_the_api_alone(self, live, console):
        acme = Caller("key", live.pk)
        assert acme.get("/partner/verification") == {
            "state": "unverified",
            "verified_at": None,
            "reason": "",
            "missing": ["registration"],
            "documents": {},
            "rounds": [],
        }
        upload(live)
        acme.post("/partner/onboarding/submit", expect=200)
        [waiting] = console.get("/documents?status=waiting")["data"]
        assert (waiting["partner_id"], waiting["kind"]) == (live.public_id, "registration")
        console.post(f"/documents/{waiting['id']}/reject", {}, expect=422)
        assert console.post(f"/documents/{waiting['id']}/accept", expect=200)["state"] == "accepted"
        console.post(f"/documents/{waiting['id']}/reject", {"reason": "Late"}, expect=409)
        console.post(f"/partners/{live.public_id}/request-changes", {"reason": "Which road?"}, expect=200)
        assert acme.get("/partner/verification")["reason"] == "Which road?"
        acme.post("/partner/onboarding/submit", expect=200)
        console.post(f"/partners/{live.public_id}/approve", {"checklist": ["company", "documents"]}, expect=200)
        found = acme.get("/partner/verification")
        assert found["state"] == "verified"
        assert [each["decision"] for each in found["rounds"]] == ["approved", "changes_requested"]

    def test_approved_without_having_asked(self, live, console):
        console.post(f"/partners/{live.public_id}/approve", expect=200)
        assert Review.objects.get().decision == "approved"
        assert Caller("key", live.pk).get("/partner/verification")["state"] == "unverified"
        console.post(f"/partners/{live.public_id}/approve", expect=409)


class TestConsole:
    @pytest.fixture
    def browser(self, operator) -> Client:
        client = Client()
        client.force_login(operator)
        return client

    def test_review_shows_all_that_is_decided_about(self, submitted, browser):
        document = upload(submitted)
        review = Review.objects.get()
        page = browser.get(f"/admin/partners/review/{review.pk}/change/").content.decode()
        assert "Acme Ltd" in page
        assert f"/admin/partners/document/{document.pk}/pages/1" in page
        assert "The address is the company" in page

    def test_approval_wants_the_whole_checklist(self, submitted, browser):
        address = f"/admin/partners/review/{Review.objects.get().pk}/approve/"
        refused = browser.post(address, {"_form_submitted": "True", "checklist": ["company"]}).content.decode()
        assert "Tick each once you have checked it" in refused
        browser.post(address, {"_form_submitted": "True", "checklist": list(reviews.CHECKLIST)})
        review = Review.objects.get()
        assert (review.decision, set(review.checklist)) == ("approved", set(reviews.CHECKLIST))

    def test_changes_are_asked_for_with_a_reason(self, submitted, browser):
        address = f"/admin/partners/review/{Review.objects.get().pk}/request-changes/"
        browser.post(address, {"_form_submitted": "True"})
        assert Review.objects.get().decision == "waiting"
        browser.post(address, {"_form_submitted": "True", "reason": "Which road?"})
        assert Review.objects.get().reason == "Which road?"

    def test_policy_is_edited(self, active, browser):
        address = f"/admin/partners/tier/{active.tier_id}/change/"
        page = browser.get(address).content.decode()
        form = dict(re.findall(r'name="([a-z_]+)"[^>]*?value="([^"]*)"', page))
        form |= {"over_quota": "stop", "servers": "standard", "support": "community", "currency": "USD"}
        form |= {"longest_grace": "30 00:00:00", "needs_documents": "on", "document_kinds": ["registration", "identity"]}
        answer = browser.post(address, form)
        assert answer.status_code == 302, answer.content.decode()[:3000]
        active.tier.refresh_from_db()
        assert active.tier.needs_documents
        assert active.tier.document_kinds == ["registration", "identity"]

"""A partner comes in, is approved, suspended, reactivated, closed, deleted and restored; each is an event and a new version."""

import pytest

from core.models import Event
from core.states import StaleState
from partners import onboarding, partners, reviews
from partners.models import Partner, Review

pytestmark = pytest.mark.django_db


def types_of(partner: Partner) -> list[str]:
    return list(Event.objects.filter(partner_id=partner.pk).order_by("id").values_list("type", flat=True))


class TestApproval:
    def test_submitted_partner_goes_live(self, submitted, by_operator, operator):
        before = submitted.version
        reviews.approve(partner=submitted, by=by_operator, operator=operator)
        submitted.refresh_from_db()
        assert submitted.status == "active"
        assert submitted.activated_at is not None
        assert submitted.version > before
        assert types_of(submitted)[-3:] == ["partner.submitted", "partner.verified", "partner.activated"]
        review = Review.objects.get(partner=submitted)
        assert (review.decision, review.decided_by) == ("approved", operator)

    def test_partner_that_gave_nothing_is_not_ready(self, newcomer, by_operator):
        with pytest.raises(reviews.NotReady) as refusal:
            reviews.approve(partner=newcomer, by=by_operator)
        assert "Business details" in refusal.value.said
        assert "confirmed e-mail" in refusal.value.said

    def test_second_approval_is_stale(self, submitted, by_operator):
        reviews.approve(partner=submitted, by=by_operator)
        with pytest.raises(StaleState):
            reviews.approve(partner=submitted, by=by_operator)

    def test_rejected_partner_mends_and_submits_again(self, submitted, by_operator):
        reviews.reject(partner=submitted, reason="Which road?", by=by_operator)
        assert onboarding.progress(submitted).status == "rejected"
        onboarding.save(partner=submitted, step="business-details", by=by_operator, street="2 Road")
        onboarding.submit(partner=submitted, by=by_operator)
        reviews.approve(partner=submitted, by=by_operator)
        assert list(Review.objects.filter(partner=submitted).order_by("id").values_list("decision", flat=True)) == [
            "rejected",
            "approved",
        ]

    def test_final_rejection_can_not_be_mended(self, submitted, by_operator):
        reviews.reject(partner=submitted, reason="No.", by=by_operator, final=True)
        with pytest.raises(onboarding.Locked):
            onboarding.submit(partner=submitted, by=by_operator)


class TestStates:
    def test_suspension_and_back(self, submitted, by_operator):
        reviews.approve(partner=submitted, by=by_operator)
        partners.suspend(partner=submitted, reason="Unpaid", by=by_operator)
        assert (submitted.status, submitted.status_reason) == ("suspended", "Unpaid")
        with pytest.raises(StaleState):
            partners.suspend(partner=submitted, reason="Again", by=by_operator)
        partners.reactivate(partner=submitted, by=by_operator)
        assert (submitted.status, submitted.status_reason) == ("active", "")

    def test_pending_partner_can_not_be_suspended(self, newcomer, by_operator):
        with pytest.raises(StaleState):
            partners.suspend(partner=newcomer, reason="Why not", by=by_operator)

    @pytest.mark.parametrize("state", ["pending", "active", "suspended"])
    def test_deleted_partner_is_restored_to_what_it_was(self, submitted, by_operator, state):
        if state != "pending":
            reviews.approve(partner=submitted, by=by_operator)
        if state == "suspended":
            partners.suspend(partner=submitted, reason="Unpaid", by=by_operator)
        partners.delete(partner=submitted, by=by_operator)
        submitted.refresh_from_db()
        assert submitted.status == "closed"
        assert not Partner.objects.present().filter(pk=submitted.pk).exists()
        partners.restore(partner=submitted, by=by_operator)
        submitted.refresh_from_db()
        assert (submitted.status, submitted.deleted_at) == (state, None)

    def test_every_change_of_state_gives_a_new_version(self, submitted, by_operator):
        versions = [submitted.version]
        reviews.approve(partner=submitted, by=by_operator)
        versions.append(submitted.version)
        partners.suspend(partner=submitted, reason="x", by=by_operator)
        versions.append(submitted.version)
        partners.reactivate(partner=submitted, by=by_operator)
        versions.append(submitted.version)
        partners.close(partner=submitted, by=by_operator)
        versions.append(submitted.version)
        assert versions == sorted(set(versions))


class TestCreate:
    def test_slug_is_made_from_the_name_and_is_unique(self, by_operator):
        first = partners.create(name="Ünïted Söftware", by=by_operator)
        second = partners.create(name="Ünïted Söftware", by=by_operator)
        assert first.slug == "united-software"
        assert second.slug.startswith("united-software-")

    @pytest.mark.parametrize("name", ["株式会社", "!!!", "new"])
    def test_any_name_gets_a_slug(self, by_operator, name):
        assert partners.create(name=name, by=by_operator).slug.startswith(("partner", "new-"))

    def test_operator_makes_an_active_partner_in_one_call(self, by_operator):
        partner = partners.create(name="Globex", by=by_operator, active=True)
        assert partner.status == "active"
        assert partner.tier.slug == "developer"
        assert types_of(partner) == ["partner.created", "partner.activated"]

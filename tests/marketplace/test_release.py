"""Versions: numbers only grow, one waits at most, and none skips the review of what consumers agree to."""

from decimal import Decimal

import pytest

from core.problems import ValidationError
from core.states import StaleState
from marketplace import integrations, releases
from tests.marketplace.makers import MEMBER, OPERATOR, draft, published


class TestReleaseNotes:
    def test_a_published_one_gets_a_version_at_once_on_the_same_terms(self, seller):
        integration = published(seller)
        version = releases.add(integration=integration, number="1.2.0", notes="Snow, too.", by=MEMBER)
        integration.refresh_from_db()
        assert integration.current == version
        assert version.released_at
        assert version.upstream_url == integration.upstream_url

    def test_a_draft_s_version_waits_for_its_review(self, seller):
        integration = draft(seller)
        version = releases.add(integration=integration, number="0.9.0", notes="First.", by=MEMBER)
        assert version.released_at is None
        with pytest.raises(releases.AlreadyProposed):
            releases.add(integration=integration, number="0.9.1", notes="", by=MEMBER)
        integrations.submit(integration=integration, by=MEMBER)
        integrations.approve(integration=integration, by=OPERATOR)
        assert integrations.publish(integration=integration, by=MEMBER).current.number == "0.9.0"

    def test_a_withdrawn_one_comes_back_in_its_reviewed_version(self, seller):
        integration = published(seller)
        integrations.unpublish(integration=integration, by=MEMBER)
        releases.add(integration=integration, number="2.0.0", notes="", by=MEMBER)
        assert integrations.publish(integration=integration, by=MEMBER).current.number == "2.0.0"

    def test_what_nobody_reviewed_is_not_released(self, seller):
        """Not even after a suspension that hit a draft and was lifted: the owner's copy is another than the reviewed version."""
        integration = published(seller, pricing="per_call", price="0.01")
        integrations.unpublish(integration=integration, by=MEMBER)
        changes = {"upstream_url": "http://127.0.0.1:21599/evil", "price": Decimal("9.99")}
        integration = integrations.update(integration=integration, changes=changes, by=MEMBER)
        integrations.suspend(integration=integration, reason="x", by=OPERATOR)
        integrations.reinstate(integration=integration, by=OPERATOR)
        version = releases.add(integration=integration, number="2.0.0", notes="", by=MEMBER)
        assert (version.upstream_url, version.price) == ("http://127.0.0.1:21599/v1", Decimal("0.01"))

    def test_a_suspended_one_gets_none(self, seller):
        integration = published(seller)
        integrations.suspend(integration=integration, reason="x", by=OPERATOR)
        with pytest.raises(StaleState):
            releases.add(integration=integration, number="2.0.0", notes="", by=MEMBER)

    @pytest.mark.parametrize("number", ["1.0.0", "0.9.9", "1.0"])
    def test_numbers_only_grow(self, seller, number):
        with pytest.raises(ValidationError):
            releases.add(integration=published(seller), number=number, notes="", by=MEMBER)

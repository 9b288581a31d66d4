"""From draft to the marketplace and out of it: only along the arrows, only by those whose turn it is, each step told."""

import pytest
from django.core.exceptions import ValidationError as FieldError

from core.models import Event
from core.problems import NotFound, PartnerNotActive, ValidationError
from core.states import StaleState
from marketplace import integrations, releases
from marketplace.models import Integration
from tests.marketplace.makers import MEMBER, OPERATOR, draft, published

Status = Integration.Status


def told(integration: Integration) -> list[str]:
    return list(Event.objects.filter(subject=integration.public_id).order_by("id").values_list("type", flat=True))


class TestTheStraightWay:
    def test_draft_review_publication(self, seller):
        integration = published(seller)
        assert (integration.status, integration.current.number) == (Status.PUBLISHED, "1.0.0")
        assert integration.current.released_at
        assert told(integration) == [
            "integration.created",
            "integration.submitted",
            "integration.approved",
            "integration.published",
        ]

    def test_the_secret_is_readable_for_the_gateway_only_and_encrypted_at_rest(self, seller):
        drafted = integrations.create(
            partner=seller, environment="live", by=MEMBER, slug="a", name="A", summary="A.", upstream_url="https://a.example/"
        )
        assert drafted.signing_secret.startswith("whsec_")
        assert Integration.objects.get(pk=drafted.integration.pk).signing_secret == drafted.signing_secret
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute("SELECT signing_secret FROM marketplace_integration")
            assert drafted.signing_secret.encode() not in bytes(cursor.fetchone()[0])


class TestTurns:
    def test_a_draft_cannot_be_published(self, seller):
        with pytest.raises(StaleState):
            integrations.publish(integration=draft(seller), by=MEMBER)

    def test_a_stale_reader_cannot_approve_what_was_sent_back(self, seller):
        integration = integrations.submit(integration=draft(seller), by=MEMBER)
        stale = Integration.objects.get(pk=integration.pk)
        integrations.request_changes(integration=integration, reason="No documentation.", by=OPERATOR)
        with pytest.raises(StaleState):
            integrations.approve(integration=stale, by=OPERATOR)

    def test_changes_are_asked_for_in_review_only(self, seller):
        integration = published(seller)
        integrations.unpublish(integration=integration, by=MEMBER)
        with pytest.raises(StaleState):
            integrations.request_changes(integration=integration, reason="x", by=OPERATOR)

    def test_its_partner_cannot_lift_a_suspension_by_unpublishing(self, seller):
        integration = published(seller)
        integrations.suspend(integration=integration, reason="Leaks data.", by=OPERATOR)
        with pytest.raises(StaleState):
            integrations.unpublish(integration=integration, by=MEMBER)
        with pytest.raises(StaleState):
            integrations.publish(integration=integration, by=MEMBER)
        integrations.reinstate(integration=integration, by=OPERATOR)
        assert integration.status == Status.UNPUBLISHED

    def test_a_partner_that_is_not_active_cannot_publish_live(self, seller):
        integration = integrations.submit(integration=draft(seller), by=MEMBER)
        integrations.approve(integration=integration, by=OPERATOR)
        seller.status = "suspended"
        seller.save()
        with pytest.raises(PartnerNotActive):
            integrations.publish(integration=integration, by=MEMBER)

    def test_in_the_test_environment_nobody_has_to_wait_for_a_review(self, seller):
        assert published(seller, environment="test").status == Status.PUBLISHED


class TestEditing:
    def test_texts_of_a_published_one_may_change(self, seller):
        integration = integrations.update(integration=published(seller), changes={"summary": "Better."}, by=MEMBER)
        assert (integration.status, integration.summary) == (Status.PUBLISHED, "Better.")

    def test_the_upstream_of_a_published_one_may_not(self, seller):
        with pytest.raises(integrations.NotEditable):
            integrations.update(integration=published(seller), changes={"upstream_url": "https://evil.example/"}, by=MEMBER)

    def test_a_change_of_terms_asks_for_a_new_review_and_reaches_no_consumer_before(self, seller):
        integration = published(seller)
        integrations.unpublish(integration=integration, by=MEMBER)
        changed = integrations.update(integration=integration, changes={"upstream_url": "https://two.example/"}, by=MEMBER)
        assert changed.status == Status.DRAFT
        assert changed.current.upstream_url == "http://127.0.0.1:21599/v1"
        integrations.submit(integration=changed, by=MEMBER, notes="Faster.")
        integrations.approve(integration=changed, by=OPERATOR)
        again = integrations.publish(integration=changed, by=MEMBER)
        assert (again.current.number, again.current.upstream_url) == ("1.1.0", "https://two.example/")

    def test_an_approved_one_that_is_edited_is_a_draft_again(self, seller):
        integration = integrations.submit(integration=draft(seller), by=MEMBER)
        integrations.approve(integration=integration, by=OPERATOR)
        changed = integrations.update(integration=integration, changes={"scopes": ["marketplace:read"]}, by=MEMBER)
        assert changed.status == Status.DRAFT

    def test_nothing_changes_while_it_is_reviewed(self, seller):
        integration = integrations.submit(integration=draft(seller), by=MEMBER)
        with pytest.raises(integrations.NotEditable):
            integrations.update(integration=integration, changes={"summary": "Other."}, by=MEMBER)

    def test_the_address_stays_once_consumers_use_it(self, seller):
        integration = published(seller)
        integrations.unpublish(integration=integration, by=MEMBER)
        with pytest.raises(ValidationError):
            integrations.update(integration=integration, changes={"slug": "other"}, by=MEMBER)

    def test_who_comes_after_a_deletion_finds_nothing(self, seller):
        integration = draft(seller)
        there = Integration.objects.get(pk=integration.pk)
        integrations.delete(integration=integration, by=MEMBER)
        with pytest.raises(NotFound):
            integrations.update(integration=there, changes={"name": "New"}, by=MEMBER)
        with pytest.raises(NotFound):
            releases.add(integration=there, number="2.0.0", notes="New.", by=MEMBER)

    def test_what_was_published_once_is_not_deleted(self, seller):
        with pytest.raises(integrations.InUse):
            integrations.delete(integration=published(seller), by=MEMBER)
        unused = draft(seller, slug="unused")
        integrations.delete(integration=unused, by=MEMBER)
        assert not Integration.objects.filter(slug="unused").exists()


class TestInput:
    @pytest.mark.parametrize(
        "wrong",
        [
            {"slug": "Über"},
            {"currency": "XXQ"},
            {"upstream_url": "ftp://a.example/"},
            {"pricing": "free", "price": 1},
            {"pricing": "per_call", "price": 0},
        ],
    )
    def test_fields_are_checked(self, seller, wrong):
        with pytest.raises(FieldError):
            draft(seller, **wrong)

    @pytest.mark.parametrize(
        "wrong",
        [
            {"scopes": ["no:such"]},
            {"scopes": ["*"]},
            {"upstream_url": "http://127.0.0.1:8000/api/"},
            {"upstream_url": "https://user:secret@a.example/"},
            {"upstream_url": "https://a.example:99999/"},
        ],
    )
    def test_facts_are_checked(self, seller, settings, wrong):
        settings.BASE_URL = "http://127.0.0.1:8000"
        with pytest.raises(ValidationError):
            draft(seller, **wrong)

    def test_upstreams_in_private_networks_are_refused(self, seller, settings):
        settings.ALLOW_LOCAL_TARGETS = False
        for url in ("https://127.0.0.1:9000/", "https://169.254.169.254/", "https://[::1]:9000/", "http://8.8.8.8/"):
            with pytest.raises(ValidationError):
                draft(seller, upstream_url=url)

    def test_an_address_is_taken_once(self, seller, consumer):
        draft(seller)
        with pytest.raises(FieldError):
            draft(consumer)

"""What the gateway learns about a slug, and how it learns that this has changed."""

from core import events, relay, versions
from marketplace import integrations, routes
from marketplace.models import Integration
from tests.marketplace.makers import MEMBER, OPERATOR, draft, published


class TestFind:
    def test_a_published_one(self, seller):
        integration = published(seller, scopes=["marketplace:read"])
        route = routes.find(["weather"])["weather"]
        assert route.id == integration.pk.hex
        assert route.owner == seller.pk.hex
        assert (route.upstream.url, route.scopes, route.live) == ("http://127.0.0.1:21599/v1", ("marketplace:read",), True)
        assert route.signing_secrets == (integration.signing_secret,)
        assert route.version == integration.version > 0

    def test_drafts_and_unknown_slugs_have_none(self, seller):
        draft(seller)
        assert routes.find(["weather", "nothing"]) == {}

    def test_a_withdrawn_and_redrafted_one_serves_its_consumers_by_the_reviewed_version(self, seller):
        integration = published(seller)
        integrations.unpublish(integration=integration, by=MEMBER)
        integrations.update(integration=integration, changes={"upstream_url": "https://two.example/"}, by=MEMBER)
        route = routes.find(["weather"])["weather"]
        assert (route.live, route.upstream.url) == (True, "http://127.0.0.1:21599/v1")


class TestStop:
    def test_a_suspension_stops_it_with_a_new_version(self, seller):
        integration = published(seller)
        before = routes.find(["weather"])["weather"].version
        integrations.suspend(integration=integration, reason="Leaks data.", by=OPERATOR)
        route = routes.find(["weather"])["weather"]
        assert not route.live
        assert route.version > before

    def test_its_partner_s_suspension_stops_it_too(self, seller, redis, django_capture_on_commit_callbacks):
        from django.db import transaction

        from partners.event_types import PARTNER_SUSPENDED, facts

        published(seller)
        before = routes.find(["weather"])["weather"].version
        seller.status = "suspended"
        seller.save()
        with transaction.atomic():
            events.emit(type=PARTNER_SUSPENDED, partner=seller, subject=seller, data=facts(seller))
        with django_capture_on_commit_callbacks(execute=True):
            relay.seal()
        route = routes.find(["weather"])["weather"]
        assert not route.live
        assert route.version > before
        integration = Integration.objects.get(slug="weather")
        assert int(redis.get(versions.KEY.format(integration.pk))) == route.version

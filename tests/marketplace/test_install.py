"""Installing: consent to what is asked for, the right to call at once, and its end."""

from decimal import Decimal

import pytest

from core import versions
from core.models import Change, Event
from core.problems import InsufficientScope, NotFound
from core.states import StaleState
from marketplace import installations, integrations
from tests.marketplace.makers import MEMBER, OPERATOR, published


@pytest.fixture
def weather(seller):
    return published(seller, scopes=["marketplace:read"], pricing="per_call", price=Decimal("0.002500"))


class TestInstall:
    def test_it_may_be_called_from_then_on(self, weather, consumer, redis, django_capture_on_commit_callbacks):
        with django_capture_on_commit_callbacks(execute=True):
            made = installations.install(
                integration=weather, partner=consumer, environment="live", scopes=["marketplace:read"], by=MEMBER
            )
        assert installations.slugs_of([consumer.pk])[consumer.pk, "live"] == {"weather"}
        assert (consumer.pk, "test") not in installations.slugs_of([consumer.pk])
        version = Change.objects.filter(subject=consumer.pk).latest("id").pk
        assert int(redis.get(versions.KEY.format(consumer.pk))) == version == consumer.version
        assert (made.price, made.granted_scopes, made.version.number) == (Decimal("0.0025"), ["marketplace:read"], "1.0.0")

    def test_the_price_agreed_to_stays_when_the_seller_raises_it(self, weather, consumer):
        made = installations.install(integration=weather, partner=consumer, environment="live", by=MEMBER)
        integrations.unpublish(integration=weather, by=MEMBER)
        changed = integrations.update(integration=weather, changes={"price": Decimal("9")}, by=MEMBER)
        integrations.submit(integration=changed, by=MEMBER)
        integrations.approve(integration=changed, by=OPERATOR)
        integrations.publish(integration=changed, by=MEMBER)
        made.refresh_from_db()
        assert made.price == Decimal("0.0025")

    def test_consumer_and_seller_are_told_and_the_seller_not_who(self, weather, consumer, seller):
        installations.install(integration=weather, partner=consumer, environment="live", by=MEMBER)
        own = Event.objects.get(type="installation.created")
        other = Event.objects.get(type="integration.installed")
        assert (own.partner_id, other.partner_id) == (consumer.pk, seller.pk)
        assert MEMBER.label not in (other.actor_label, str(other.data))

    def test_once_only(self, weather, consumer):
        installations.install(integration=weather, partner=consumer, environment="live", by=MEMBER)
        with pytest.raises(installations.AlreadyInstalled):
            installations.install(integration=weather, partner=consumer, environment="live", by=MEMBER)


class TestConsent:
    @pytest.mark.parametrize("agreed", [[], ["marketplace:read", "marketplace:write"]])
    def test_it_must_fit_what_is_asked_for(self, weather, consumer, agreed):
        with pytest.raises(installations.ConsentMissing):
            installations.install(integration=weather, partner=consumer, environment="live", scopes=agreed, by=MEMBER)

    def test_nobody_gives_what_he_has_not(self, weather, consumer):
        with pytest.raises(InsufficientScope):
            installations.install(
                integration=weather, partner=consumer, environment="live", held={"marketplace:write"}, by=MEMBER
            )


class TestSight:
    def test_a_withdrawn_one_can_not_be_installed(self, weather, consumer):
        integrations.unpublish(integration=weather, by=MEMBER)
        with pytest.raises(NotFound):
            installations.install(integration=weather, partner=consumer, environment="live", by=MEMBER)

    def test_a_test_one_is_its_partner_s_alone_and_in_test_alone(self, seller, consumer):
        sandbox = published(seller, slug="sandbox", environment="test")
        for partner, environment in [(consumer, "test"), (consumer, "live"), (seller, "live")]:
            with pytest.raises(NotFound):
                installations.install(integration=sandbox, partner=partner, environment=environment, by=MEMBER)
        installations.install(integration=sandbox, partner=seller, environment="test", by=MEMBER)
        assert installations.slugs_of([seller.pk])[seller.pk, "test"] == {"sandbox"}

    def test_a_live_one_can_be_tried_in_the_test_environment(self, weather, consumer):
        installations.install(integration=weather, partner=consumer, environment="test", by=MEMBER)
        assert installations.slugs_of([consumer.pk])[consumer.pk, "test"] == {"weather"}


class TestUninstall:
    def test_the_right_ends_and_can_be_had_again(self, weather, consumer):
        made = installations.install(integration=weather, partner=consumer, environment="live", by=MEMBER)
        before = consumer.version
        installations.uninstall(installation=made, by=MEMBER)
        consumer.refresh_from_db()
        assert consumer.version > before
        assert (consumer.pk, "live") not in installations.slugs_of([consumer.pk])
        with pytest.raises(StaleState):
            installations.uninstall(installation=made, by=MEMBER)
        installations.install(integration=weather, partner=consumer, environment="live", by=MEMBER)
        assert installations.slugs_of([consumer.pk])[consumer.pk, "live"] == {"weather"}

"""API products: what operators may make, what is refused, and what it becomes for keys and for the log."""

import time
from datetime import timedelta
from ipaddress import ip_network

import pytest
from django.db import connection

from apikeys import keys
from apikeys.oauth import applications
from core import clock, health, relay, scopes
from core.actors import SYSTEM
from core.models import ApiSlug, Event
from core.problems import ValidationError
from core.states import StaleState
from marketplace import integrations
from products.external import products, routes, upstream_health
from products.external.models import Product
from tests.marketplace.makers import draft, make_partner
from tests.marketplace.test_upstream_health import seen
from tests.products.makers import FIELDS, OPERATOR, enabled, made

pytestmark = pytest.mark.django_db


def mistakes(caught) -> dict[str, str]:
    return {error["pointer"].split("/")[1]: error["detail"] for error in caught.value.facts["errors"]}


class TestMake:
    def test_it_begins_switched_off_with_a_secret_shown_once(self):
        product, secret = (result := made()).product, result.signing_secret
        assert (product.status, secret[:6]) == ("disabled", "whsec_")
        route = routes.find(["orders"])["orders"]
        assert (route.live, route.owner, route.signing_secrets) == (False, "", (secret,))
        assert secret not in str(Event.objects.get(type="product.created").data)

    def test_each_mistake_is_named(self):
        with pytest.raises(ValidationError) as caught:
            made(
                scopes="read", headers="Host: x", upstream_url="http://127.0.0.1:22/", test_upstream_url="http://a.example/?key=1"
            )
        assert mistakes(caught).keys() == {"scopes", "headers", "upstream_url", "test_upstream_url"}

    @pytest.mark.parametrize("slug", ["keys", "support", "settings"])
    def test_rights_of_the_platform_s_own_are_nobody_else_s(self, slug):
        with pytest.raises(ValidationError) as caught:
            made(slug=slug, scopes=f"{slug}:read See", operations=f"GET /a {slug}:read")
        assert mistakes(caught).keys() == {"slug"}

    def test_headers_are_encrypted_and_told_by_name_alone(self):
        product = made(headers="X-Api-Key: zanzibar").product
        with connection.cursor() as cursor:
            cursor.execute("SELECT headers FROM external_product")
            assert b"zanzibar" not in bytes(cursor.fetchone()[0])
        products.update(product=product, changes={"headers": "X-Api-Key: madagascar"}, by=OPERATOR)
        assert routes.find(["orders"])["orders"].headers == ((b"x-api-key", b"madagascar"),)
        told = [event.data for event in Event.objects.filter(type__startswith="product.").order_by("id")]
        assert told[1]["changes"] == {"headers": [["X-Api-Key"], ["X-Api-Key"]]}
        assert "zanzibar" not in str(told)
        assert "madagascar" not in str(told)


class TestChange:
    def test_it_is_told_before_and_after_and_has_a_new_version(self):
        product = enabled()
        products.update(product=product, changes={"name": "Purchases", "retries": 1}, by=OPERATOR)
        event = Event.objects.get(type="product.updated")
        assert event.data["changes"] == {"name": ["Orders", "Purchases"]}
        assert event.actor_label == OPERATOR.label
        assert routes.find(["orders"])["orders"].version > product.version

    def test_nothing_changed_is_no_event(self):
        products.update(product=made().product, changes=FIELDS, by=OPERATOR)
        assert not Event.objects.filter(type="product.updated").exists()

    def test_a_scope_that_an_operation_wants_stays(self):
        with pytest.raises(ValidationError) as caught:
            products.update(product=enabled(), changes={"scopes": "orders:read See orders"}, by=OPERATOR)
        assert mistakes(caught) == {"operations": "Line 2: orders:write is not among the scopes."}

    def test_switched_on_twice(self):
        product = enabled()
        with pytest.raises(StaleState):
            products.enable(product=product, by=OPERATOR)

    def test_one_that_was_switched_on_is_not_deleted(self):
        products.delete(product=made().product, by=OPERATOR)
        assert not ApiSlug.objects.exists()
        product = enabled()
        products.disable(product=product, by=OPERATOR)
        with pytest.raises(products.InUse):
            products.delete(product=product, by=OPERATOR)


class TestSecret:
    def test_both_hold_for_a_while(self):
        first = made()
        second = products.rotate_secret(product=first.product, overlap=timedelta(hours=1), by=OPERATOR)
        assert routes.find(["orders"])["orders"].signing_secrets == (second.signing_secret, first.signing_secret)
        Product.objects.update(previous_until=clock.now() - timedelta(seconds=1))
        assert routes.find(["orders"])["orders"].signing_secrets == (second.signing_secret,)

    def test_without_overlap_the_one_before_ends_at_once(self):
        second = products.rotate_secret(product=made().product, overlap=timedelta(0), by=OPERATOR)
        assert routes.find(["orders"])["orders"].signing_secrets == (second.signing_secret,)
        assert Product.objects.get().previous_secret is None

    def test_too_long(self):
        with pytest.raises(ValidationError):
            products.rotate_secret(product=made().product, overlap=timedelta(days=31), by=OPERATOR)


class TestSlug:
    """Integrations and API products share their places; the database sees to it."""

    def test_neither_takes_the_other_s(self):
        partner = make_partner("seller")
        draft(partner)
        with pytest.raises(ValidationError) as caught:
            made(slug="weather", scopes="", operations="GET /a")
        assert mistakes(caught) == {"slug": "This address is taken."}
        made()
        with pytest.raises(ValidationError) as caught:
            draft(partner, slug="orders")
        assert mistakes(caught) == {"slug": "This address is taken."}
        other = draft(partner, slug="other")
        with pytest.raises(ValidationError):
            integrations.update(integration=other, changes={"slug": "orders"}, by=SYSTEM)
        integrations.update(integration=other, changes={"slug": "another"}, by=SYSTEM)
        assert set(ApiSlug.objects.values_list("slug", flat=True)) == {"weather", "orders", "another"}

    def test_a_deleted_integration_frees_it(self):
        integrations.delete(integration=draft(make_partner("seller"), slug="orders"), by=SYSTEM)
        assert made().product.slug == "orders"


class TestScopes:
    def test_keys_can_have_those_of_products_that_were_switched_on(self):
        partner = make_partner("acme")
        product = made().product
        assert "orders:read" not in scopes.known()
        products.enable(product=product, by=OPERATOR)
        assert [(group, [scope.name for scope in found]) for group, found in scopes.grouped(["orders:read"])] == [
            ("Orders", ["orders:read"])
        ]
        products.disable(product=product, by=OPERATOR)
        issued = keys.issue(partner=partner, environment="live", name="CI", scopes=["orders:read"], by=SYSTEM)
        assert issued.key.scopes == ["orders:read"]

    def test_a_removed_one_is_taken_from_those_who_have_it(self, django_capture_on_commit_callbacks):
        product = enabled()
        partner = make_partner("acme")
        key = keys.issue(partner=partner, environment="live", name="CI", scopes=["orders:read", "orders:write"], by=SYSTEM).key
        application = applications.issue(
            partner=partner, environment="live", name="Shop", grant_types=["client_credentials"], scopes=key.scopes, by=SYSTEM
        ).application
        changes = {"scopes": "orders:read See orders", "operations": "GET /orders/{id} orders:read"}
        products.update(product=product, changes=changes, by=OPERATOR)
        with django_capture_on_commit_callbacks(execute=True):
            relay.seal()
        before = key.version
        key.refresh_from_db()
        application.refresh_from_db()
        assert key.scopes == application.scopes == ["orders:read"]
        assert key.version > before
        changed = Event.objects.get(type="key.updated").data["changes"]
        assert changed == {"scopes": [["orders:read", "orders:write"], ["orders:read"]]}


class TestPrivateUpstreams:
    @pytest.fixture(autouse=True)
    def networks(self, settings):
        settings.ALLOW_LOCAL_TARGETS = False
        settings.PRIVATE_UPSTREAMS = (ip_network("10.20.0.0/16"), ip_network("169.254.0.0/16"), ip_network("fd00::/8"))

    @pytest.mark.parametrize("url", ["http://10.20.1.2:8080/", "http://orders.internal:8080/v1", "http://[fd00::7]:8080/"])
    def test_allowed_for_products_alone(self, url):
        assert made(upstream_url=url).product.upstream_url == url
        with pytest.raises(ValidationError) as caught:
            draft(make_partner("seller"), upstream_url=url)
        assert "upstream_url" in mistakes(caught)

    @pytest.mark.parametrize(
        "url",
        [
            "http://10.21.1.2:8080/",
            "http://127.0.0.1:8080/",
            "http://169.254.169.254/",
            "http://[fd00:ec2::254]/",
            "http://10.20.1.2:5432/",
        ],
    )
    def test_refused_elsewhere(self, url):
        with pytest.raises(ValidationError) as caught:
            made(upstream_url=url)
        assert "upstream_url" in mistakes(caught)

    def test_none_without_the_setting(self, settings):
        settings.PRIVATE_UPSTREAMS = ()
        for url in ("http://10.20.1.2:8080/", "http://orders.internal:8080/"):
            with pytest.raises(ValidationError):
                made(upstream_url=url)


class TestHealth:
    def test_an_upstream_that_is_left_alone_is_told_once_and_again_when_it_works(self, redis):
        product, now = enabled(), time.time()
        down = seen(state="open", opened_at=now - 90, last_failure=now, last_error="It did not answer in time.")
        redis.sadd(health.OPEN, product.pk.hex, f"{product.pk.hex}:test")
        redis.hset(health.KEY.format(product.pk.hex), "one", health.packed(down))
        assert [upstream_health.step(), upstream_health.step()] == [1, 0]
        assert Event.objects.get(type="product.upstream_down").data["error"] == "It did not answer in time."
        redis.hset(health.KEY.format(product.pk.hex), "one", health.packed(seen(last_success=now)))
        assert [upstream_health.step(), upstream_health.step()] == [1, 0]
        assert Event.objects.filter(type="product.upstream_restored").count() == 1
        assert not Product.objects.exclude(down_since=None).exists()
        assert not redis.smembers(health.OPEN)

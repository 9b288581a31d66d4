"""APIs of the operator's own under `/apis/<slug>/`: who may call what, where it goes, and that changes hold at once."""

import hashlib
import hmac
import secrets
import threading
from datetime import timedelta
from ipaddress import ip_network

import pytest
from django.db import connections

from core import health
from core.models import ApiSlug
from core.problems import ValidationError
from marketplace import integrations
from products.external import products
from products.external.models import Product
from tests.gateway.upstream import Upstream
from tests.platform import member
from tests.products.makers import OPERATOR


@pytest.fixture
def product(upstream):
    """One that is switched on, with two scopes and a test upstream."""
    slug = f"orders-{secrets.token_hex(4)}"
    found = products.create(
        slug=slug,
        by=OPERATOR,
        name="Orders",
        upstream_url=upstream.url,
        test_upstream_url=f"{upstream.url}/test",
        scopes=f"{slug}:read See orders\n{slug}:write Place orders",
        operations=f"GET /orders/{{id}} {slug}:read\nPOST /orders {slug}:write\n* /open/{{path...}}",
        headers="Authorization: Basic upstream\nX-Inner: true",
    ).product
    products.enable(product=found, by=OPERATOR)
    yield found
    Product.objects.filter(pk=found.pk).delete()  # its scopes are offered to every key


@pytest.fixture
def call(gateway, product):
    """A call below the product's address."""

    def call(path, key=None, *, method="GET", **options):
        return gateway.request(method, f"/apis/{product.slug}{path}", key=key.text if key else None, **options)

    return call


def change(product, **changes):
    products.update(product=product, changes=changes, by=OPERATOR)


class TestCall:
    def test_it_reaches_the_upstream_with_what_this_is_told(self, call, product, acme, upstream):
        reader = acme.key(scopes=[f"{product.slug}:read"])
        forged = {"X-Inner": "forged", "X-HTTP-Method-Override": "DELETE", "X-Original-URL": "/admin", "X-Partner-Id": "forged"}
        assert call("/orders/7?full=1", reader, headers=forged).expect(200).body == upstream.body
        seen = upstream.seen[0]
        assert (seen.method, seen.target) == ("GET", "/base/orders/7?full=1")
        told = {name.lower(): value for name, value in seen.headers}
        assert len(told) == len(seen.headers)
        assert (told["authorization"], told["x-inner"]) == ("Basic upstream", "true")
        assert (told["x-partner-id"], told["x-forwarded-for"]) == (acme.partner.public_id, "127.0.0.1")
        assert told.keys().isdisjoint({"x-api-key", "x-http-method-override", "x-original-url"})

    def test_scopes_go_by_operation(self, call, product, acme, upstream):
        reader = acme.key(scopes=[f"{product.slug}:read"])
        refused = call("/orders", reader, method="POST", body={}).expect_problem(403, "insufficient_scope")
        assert f"{product.slug}:write" in refused["detail"]
        call("/;/orders/7", reader).expect_problem(404, "not_found")
        for path in ("/orders/7/", "/orders/7;x=1"):
            call(path, acme.key(scopes=["requests:read"])).expect_problem(403, "insufficient_scope")
        call("/open/a/b", acme.key(scopes=["requests:read"])).expect(200)
        assert [seen.target for seen in upstream.seen] == ["/base/open/a/b"]

    def test_what_no_operation_fits(self, call, acme, upstream):
        key = acme.key()
        for path in ("", "/orders/7/lines", "/Orders/7", "/orders%20/7"):
            call(path, key).expect_problem(404, "not_found")
        answer = call("/orders/7", key, method="DELETE").expect_problem(405, "method_not_allowed")
        assert answer.headers["allow"] == "GET, HEAD"
        call("/orders/7").expect_problem(401, "missing_credential")
        assert upstream.seen == []

    def test_a_lower_tier_is_refused_until_the_partner_is_moved(self, call, gateway, product, acme):
        from partners import partners
        from partners.models import Tier

        key, professional = acme.key(), Tier.objects.get(slug="professional")
        change(product, least_tier=professional)
        refused = call("/orders/7", key).expect_problem(403, "tier_required")
        assert "Professional" in refused["detail"]
        call("/orders/7", member(gateway, "Umbrella", tier="enterprise").key()).expect(200)
        partners.change_tier(partner=acme.partner, tier=professional, by=OPERATOR)
        call("/orders/7", key).expect(200)

    def test_access_tokens_and_forward_auth_go_by_the_same_scopes(self, gateway, product, acme):
        uri = {"X-Original-Method": "POST", "X-Original-URI": f"/apis/{product.slug}/orders"}
        reader, writer = acme.key(scopes=[f"{product.slug}:read"]), acme.key(scopes=[f"{product.slug}:write"])
        gateway.get("/gateway/authorize", key=reader.text, headers=uri).expect_problem(403, "insufficient_scope")
        gateway.get("/gateway/authorize", key=writer.text, headers=uri).expect(204)
        asked = gateway.get("/gateway/authorize?scope=webhooks:read", key=writer.text, headers=uri)
        asked.expect_problem(403, "insufficient_scope")


class TestTestEnvironment:
    def test_test_calls_go_to_the_test_upstream_and_say_so(self, call, acme, upstream):
        call("/orders/7", acme.key(environment="test")).expect(200)
        seen = upstream.seen[0]
        assert (seen.target, seen.header("X-Portico-Environment")) == ("/base/test/orders/7", "test")

    def test_without_one_they_are_refused(self, call, product, acme, upstream):
        change(product, test_upstream_url="")
        call("/orders/7", acme.key(environment="test")).expect_problem(403, "no_test_environment")
        assert upstream.seen == []


class TestAtOnce:
    """A change holds from the next call on, as the versions in Redis say: each call asks."""

    def test_off_and_on(self, call, product, acme):
        key = acme.key()
        call("/orders/7", key).expect(200)
        products.disable(product=product, by=OPERATOR)
        call("/orders/7", key).expect_problem(404, "not_found")
        call("/orders", key, method="DELETE").expect_problem(404, "not_found")
        products.enable(product=product, by=OPERATOR)
        call("/orders/7", key).expect(200)

    def test_operations_and_scopes(self, call, product, acme):
        reader = acme.key(scopes=[f"{product.slug}:read"])
        call("/orders/7/lines", reader).expect_problem(404, "not_found")
        change(product, operations=f"GET /orders/{{path...}} {product.slug}:read")
        call("/orders/7/lines", reader).expect(200)
        change(product, operations=f"GET /orders/{{path...}} {product.slug}:write")
        call("/orders/7", reader).expect_problem(403, "insufficient_scope")

    def test_the_upstream(self, call, product, acme, upstream):
        key, other = acme.key(), Upstream(body=b"other")
        try:
            call("/orders/7", key).expect(200)
            change(product, upstream_url=other.url, headers="X-Inner: two")
            assert call("/orders/7", key).expect(200).body == b"other"
            assert (other.seen[0].header("X-Inner"), other.seen[0].header("Authorization")) == ("two", None)
            assert len(upstream.seen) == 1
        finally:
            other.stop()

    def test_two_secrets_sign_after_a_rotation(self, call, product, acme, upstream):
        first = product.signing_secret
        second = products.rotate_secret(product=product, overlap=timedelta(hours=1), by=OPERATOR).signing_secret
        call("/orders/7", acme.key()).expect(200)
        seen = upstream.seen[0]
        at, *signatures = seen.header("X-Portico-Signature").split(",")
        names = ("X-Request-Id", "X-Partner-Id", "X-Key-Id")
        told = "\n".join([at[2:], *(seen.header(name) for name in names), seen.method, seen.target]).encode()
        made = [f"v1={hmac.new(each.encode(), told, hashlib.sha256).hexdigest()}" for each in (second, first)]
        assert signatures == made


class TestMetering:
    def test_calls_count_as_the_operator_s_own_by_operation(self, call, product, acme, eventually):
        from usage import ingest
        from usage.models import Call

        call("/orders/7", acme.key()).expect(200)
        call("/orders/8", acme.key()).expect(200)
        calls = Call.objects.for_caller(acme.partner, "live")

        def both_are_there():
            ingest.step()
            return calls.count() == 2

        eventually(both_are_there)
        assert set(calls.values_list("operation", "integration_id", "metered")) == {
            (f"GET /apis/{product.slug}/orders/{{id}}", None, True)
        }

    def test_health_is_told_by_environment(self, call, product, acme, upstream, eventually):
        call("/orders/7", acme.key()).expect(200)
        upstream.status = 503
        call("/orders/7", acme.key(environment="test")).expect(503)
        eventually(lambda: product.health_in("test").failures == 1)
        assert product.health_in("live").failures == 0
        assert product.health_in("live").state == "closed"
        health.client().delete(health.KEY.format(product.pk.hex))


class TestPrivateUpstream:
    def test_it_is_reached_only_in_the_networks_that_are_named(self, call, product, acme, upstream, settings):
        settings.ALLOW_LOCAL_TARGETS = False
        settings.PRIVATE_UPSTREAMS = (ip_network("127.0.0.0/8"),)
        key = acme.key()
        call("/orders/7", key).expect(200)
        settings.PRIVATE_UPSTREAMS = (ip_network("10.0.0.0/8"),)
        Product.objects.filter(pk=product.pk).update(upstream_url=upstream.url.replace("127.0.0.1", "127.0.0.2"))
        products.disable(product=product, by=OPERATOR)
        products.enable(product=product, by=OPERATOR)
        call("/orders/7", key).expect_problem(502, "upstream_unavailable")
        assert len(upstream.seen) == 1

    def test_never_for_integrations(self, gateway, served, consumer, upstream, settings):
        settings.ALLOW_LOCAL_TARGETS = False
        settings.PRIVATE_UPSTREAMS = (ip_network("127.0.0.0/8"),)
        gateway.get(f"{served.path}/x", key=consumer.text).expect_problem(502, "upstream_unavailable")
        assert upstream.seen == []


def test_one_of_two_at_once_gets_a_slug(acme):
    """An integration and a product, in two transactions."""
    slug, ready, outcomes = f"orders-{secrets.token_hex(4)}", threading.Barrier(2), []
    upstream = {"name": "Orders", "upstream_url": "http://127.0.0.1:21599/"}

    def product():
        products.create(slug=slug, operations="GET /a", by=OPERATOR, **upstream)

    def integration():
        integrations.create(partner=acme.partner, environment="live", slug=slug, summary="Orders.", by=OPERATOR, **upstream)

    def run(work):
        try:
            ready.wait(timeout=10)
            work()
            outcomes.append("made")
        except ValidationError as problem:
            outcomes.append(problem.facts["errors"][0]["detail"])
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=[work]) for work in (product, integration)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    assert sorted(outcomes) == ["This address is taken.", "made"]
    assert ApiSlug.objects.filter(slug=slug).count() == 1

"""The marketplace by API, as the gateway lets callers through: browse, publish, review, install; strangers see nothing."""

import pytest

from marketplace.models import Category
from tests.caller import Caller
from tests.marketplace.makers import draft, published

NEW = {"slug": "weather", "name": "Weather", "summary": "Forecasts.", "upstream_url": "http://127.0.0.1:21599/v1"}


@pytest.fixture
def selling(client, seller):
    return Caller(client, partner=seller)


@pytest.fixture
def buying(client, consumer):
    return Caller(client, partner=consumer)


@pytest.fixture
def operator(client, db):
    return Caller(client, kind="operator")


@pytest.fixture
def anyone(client, db):
    return Caller(client, kind="anonymous", scopes=())


class TestTheWholeWay:
    def test_from_draft_to_installed(self, selling, operator, buying, anyone):
        price = {"amount": "0.0025", "currency": "USD"}
        made = selling("POST", "/integrations", NEW | {"price_per_call": price, "scopes": ["requests:read"]}, expect=201)
        assert made["signing_secret"].startswith("whsec_")
        path = f"/integrations/{made['id']}"
        assert "signing_secret" not in selling("GET", path, expect=200)
        assert selling("POST", f"{path}/submit", {"notes": "First."}, expect=200)["status"] == "in_review"
        (waiting,) = operator("GET", "/integrations?state=in_review", expect=200)["data"]
        assert waiting["id"] == made["id"]
        assert operator("POST", f"{path}/approve", expect=200)["status"] == "approved"
        assert selling("POST", f"{path}/publish", expect=200)["status"] == "published"

        (listed,) = anyone("GET", "/marketplace/integrations?q=forecast", expect=200)["data"]
        assert (listed["slug"], listed["price_per_call"], listed["partner"]["slug"]) == ("weather", price, "seller")
        assert anyone("GET", "/marketplace/integrations/weather", expect=200)["scopes"][0]["name"] == "requests:read"
        (version,) = anyone("GET", "/marketplace/integrations/weather/versions", expect=200)["data"]
        assert (version["number"], version["notes"]) == ("1.0.0", "First.")

        problem = buying("POST", "/marketplace/integrations/weather/install", {"scopes": []}, expect=422)
        assert problem["code"] == "consent_missing"
        installed = buying("POST", "/marketplace/integrations/weather/install", {"scopes": ["requests:read"]}, expect=201)
        assert installed["base_url"].endswith("/apis/weather/")
        assert buying("GET", "/installations?status=installed", expect=200)["data"][0]["id"] == installed["id"]
        assert buying("POST", "/marketplace/integrations/weather/install", {}, expect=409)["code"] == "conflict"
        buying("DELETE", f"/installations/{installed['id']}", expect=204)
        assert buying("GET", f"/installations/{installed['id']}", expect=200)["status"] == "uninstalled"
        assert selling("POST", f"{path}/unpublish", expect=200)["status"] == "unpublished"
        assert anyone("GET", "/marketplace/integrations", expect=200)["data"] == []

    def test_an_operator_sends_one_back_with_a_reason(self, selling, operator):
        made = selling("POST", "/integrations", NEW, expect=201)
        selling("POST", f"/integrations/{made['id']}/submit", expect=200)
        operator("POST", f"/integrations/{made['id']}/request-changes", {"reason": "No docs."}, expect=200)
        assert selling("GET", f"/integrations/{made['id']}", expect=200)["status_reason"] == "No docs."

    def test_a_new_version_of_a_published_one(self, selling, seller):
        integration = published(seller)
        body = {"number": "1.1.0", "notes": "Snow, too."}
        assert selling("POST", f"/integrations/{integration.public_id}/versions", body, expect=201)["released_at"]
        rows = selling("GET", f"/integrations/{integration.public_id}/versions", expect=200)["data"]
        assert [row["number"] for row in rows] == ["1.1.0", "1.0.0"]


class TestBrowsing:
    @pytest.fixture(autouse=True)
    def shelf(self, seller, consumer):
        data = Category.objects.create(slug="data", name="Data")
        climate = Category.objects.create(slug="climate", name="Climate", parent=data)
        published(seller, category=climate)
        published(seller, slug="rates", name="Exchange rates", pricing="per_call", price=1)
        published(seller, slug="sandbox", name="Sandbox", environment="test")
        draft(consumer, slug="draft")

    def slugs(self, caller, query=""):
        return [row["slug"] for row in caller("GET", f"/marketplace/integrations{query}", expect=200)["data"]]

    def test_only_what_is_published_and_live(self, anyone, buying):
        assert self.slugs(anyone) == self.slugs(buying) == ["rates", "weather"]

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("?q=exchange", ["rates"]),
            ("?q=forecasts+weather", ["weather"]),
            ("?category=data", ["weather"]),
            ("?category=nothing", []),
            ("?pricing=per_call", ["rates"]),
            ("?ordering=name", ["rates", "weather"]),
            ("?ordering=-name", ["weather", "rates"]),
        ],
    )
    def test_filters_and_order(self, anyone, query, found):
        assert self.slugs(anyone, query) == found

    def test_unknown_filters_are_refused(self, anyone):
        anyone("GET", "/marketplace/integrations?min_stars=4", expect=422)

    def test_categories(self, anyone):
        rows = anyone("GET", "/marketplace/categories", expect=200)["data"]
        assert {row["slug"]: row["within"] for row in rows} == {"data": None, "climate": "data"}

    def test_the_integrations_of_a_suspended_partner_are_not_shown(self, anyone, seller):
        seller.status = "suspended"
        seller.save()
        assert self.slugs(anyone) == []

    def test_a_test_one_is_seen_by_its_own_test_key_alone(self, client, seller, consumer):
        own = Caller(client, partner=seller, environment="test")
        other = Caller(client, partner=consumer, environment="test")
        own("GET", "/marketplace/integrations/sandbox", expect=200)
        other("GET", "/marketplace/integrations/sandbox", expect=404)
        other("POST", "/marketplace/integrations/sandbox/install", expect=404)
        own("POST", "/marketplace/integrations/sandbox/install", expect=201)


class TestTenancy:
    def test_strangers_and_the_other_environment_get_404(self, selling, buying, client, seller, stranger):
        integration = published(seller)
        installed = buying("POST", "/marketplace/integrations/weather/install", expect=201)["id"]
        for caller in (Caller(client, partner=stranger), Caller(client, partner=seller, environment="test")):
            for verb in ("submit", "publish", "unpublish", "versions"):
                body = {"number": "2.0.0"} if verb == "versions" else None
                caller("POST", f"/integrations/{integration.public_id}/{verb}", body, expect=404)
            caller("GET", f"/integrations/{integration.public_id}", expect=404)
            caller("PATCH", f"/integrations/{integration.public_id}", {"name": "Mine"}, expect=404)
            caller("DELETE", f"/integrations/{integration.public_id}", expect=404)
            caller("GET", f"/installations/{installed}", expect=404)
            caller("DELETE", f"/installations/{installed}", expect=404)
            assert caller("GET", "/integrations", expect=200)["data"] == []
            assert caller("GET", "/installations", expect=200)["data"] == []

    def test_scopes_are_needed(self, client, seller, consumer):
        published(seller, scopes=["requests:read"])
        weak = Caller(client, partner=consumer, scopes=("marketplace:read", "integrations:read"))
        for path in ("/integrations", "/marketplace/integrations/weather/install"):
            assert weak("POST", path, {}, expect=403)["code"] == "insufficient_scope"
        keen = Caller(client, partner=consumer, scopes=("marketplace:write",))
        answer = keen("POST", "/marketplace/integrations/weather/install", {}, expect=403)
        assert (answer["code"], answer["scope"]) == ("insufficient_scope", "requests:read")

    def test_partners_do_not_review(self, selling, seller):
        integration = draft(seller)
        selling("POST", f"/integrations/{integration.public_id}/approve", expect=404)


class TestInput:
    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({"slug": "Not good"}, "/slug"),
            ({"upstream_url": "nowhere"}, "/upstream_url"),
            ({"scopes": ["no:such"]}, "/scopes"),
            ({"category": "nothing"}, "/category"),
            ({"status": "published"}, "/status"),
            ({"price_per_call": {"amount": "-1", "currency": "USD"}}, "/price_per_call/amount"),
        ],
    )
    def test_each_field_is_named(self, selling, body, pointer):
        errors = selling("POST", "/integrations", NEW | body, expect=422)["errors"]
        assert pointer in [error["pointer"] for error in errors]

    def test_a_taken_address(self, selling, buying):
        selling("POST", "/integrations", NEW, expect=201)
        assert buying("POST", "/integrations", NEW, expect=422)["errors"][0]["pointer"] == "/slug"

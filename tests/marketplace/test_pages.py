"""The marketplace's pages: browsing for anyone, selling and installing within a member's role, nothing of strangers."""

import re
from decimal import Decimal

import pytest
from django.test import Client

from core.models import User
from marketplace import installations, integrations
from marketplace.models import Installation, Integration
from partners.models import Member
from tests.marketplace.makers import MEMBER, OPERATOR, draft, published

pytestmark = pytest.mark.django_db


def browser(partner, role="owner") -> Client:
    user = User.objects.create_user(f"{role}@{partner.slug}.example")
    Member.objects.create(partner=partner, user=user, role=role)
    client = Client()
    client.force_login(user)
    return client


FORM = {"name": "Weather", "slug": "weather", "summary": "Forecasts.", "upstream_url": "http://127.0.0.1:21599/v1"}


class TestBrowsing:
    def test_the_shelves(self, client, seller):
        assert "shelves are empty" in client.get("/marketplace/").content.decode()
        published(seller, pricing="per_call", price="0.0025")
        draft(seller, slug="hidden", name="Hidden")
        page = client.get("/marketplace/?q=forecast").content.decode()
        assert "Weather" in page
        assert "$0.0025 a call" in page
        assert "Hidden" not in page
        assert "Nothing fits" in client.get("/marketplace/?q=tax").content.decode()

    @pytest.mark.parametrize("query", ["q=%00", "category=%00", "q=a%00b&category=x%00", "pricing=%00", "cursor=%00"])
    def test_a_nul_finds_nothing_and_breaks_nothing(self, client, db, query):
        assert client.get(f"/marketplace/?{query}").status_code == 200

    def test_a_search_of_many_words_is_cut(self, db):
        """Anybody may search: a text of thousands of words must not become thousands of conditions."""
        words = " ".join(str(number) for number in range(5000))
        assert str(Integration.objects.matching(words).query).count("LIKE") < 300

    def test_one_integration(self, client, seller, consumer):
        published(seller, scopes=["requests:read"])
        page = client.get("/marketplace/weather/").content.decode()
        assert "requests:read" in page
        assert "Sign in to install" in page
        assert "/p/consumer/install/weather/" in browser(consumer).get("/marketplace/weather/").content.decode()
        assert client.get("/marketplace/nothing/").status_code == 404


class TestSelling:
    def test_draft_submit_publish(self, seller):
        client = browser(seller)
        assert "Nothing to sell yet" in client.get("/p/seller/integrations/").content.decode()
        page = client.post("/p/seller/integrations/new/", {**FORM, "price": "0.01", "currency": "usd"})
        assert re.search(r"whsec_[A-Za-z0-9+/=]{44}", page.content.decode())
        integration = Integration.objects.get()
        path = f"/p/seller/integrations/{integration.public_id}/"
        assert "whsec_" not in client.get(path).content.decode()
        assert "Handed in" in client.post(f"{path}submit/", {"notes": "First."}, follow=True).content.decode()
        integrations.approve(integration=Integration.objects.get(), by=OPERATOR)
        assert "is published" in client.post(f"{path}publish/", follow=True).content.decode()
        integration.refresh_from_db()
        assert (integration.status, integration.price_text) == ("published", "$0.01")
        client.post(path, {"name": "Weather 2", "summary": "Better."})
        integration.refresh_from_db()
        assert (integration.name, integration.upstream_url) == ("Weather 2", FORM["upstream_url"])
        client.post(f"{path}unpublish/")
        integration.refresh_from_db()
        assert integration.status == "unpublished"

    def test_errors_are_beside_their_fields(self, seller):
        page = browser(seller).post("/p/seller/integrations/new/", {**FORM, "upstream_url": "ftp://x.example"})
        assert page.status_code == 200
        assert not Integration.objects.exists()
        assert 'aria-invalid="true"' in page.content.decode()

    def test_a_step_out_of_turn_is_said(self, seller):
        integration = draft(seller)
        page = browser(seller).post(f"/p/seller/integrations/{integration.public_id}/publish/", follow=True)
        assert "its state does not allow this" in page.content.decode()

    def test_a_draft_is_deleted_after_asking(self, seller):
        path = f"/p/seller/integrations/{draft(seller).public_id}/delete/"
        client = browser(seller)
        assert "Delete “Weather”?" in client.get(path).content.decode()
        client.post(path)
        assert not Integration.objects.exists()


class TestInstalling:
    def test_consent_call_uninstall(self, seller, consumer):
        published(seller, scopes=["requests:read"])
        client = browser(consumer)
        assert "Nothing installed yet" in client.get("/p/consumer/installed/").content.decode()
        page = client.get("/p/consumer/install/weather/").content.decode()
        assert 'name="scopes" value="requests:read"' in page
        client.post("/p/consumer/install/weather/", {"scopes": ["requests:read"]})
        assert not Installation.objects.exists()  # without the yes
        client.post("/p/consumer/install/weather/", {"scopes": ["requests:read"], "agreed": "on"})
        assert installations.slugs_of([consumer.pk])[consumer.pk, "live"] == {"weather"}
        path = f"/p/consumer/installed/{Installation.objects.get().public_id}/"
        assert "/apis/weather/" in client.get(path).content.decode()
        assert "Weather" in client.get("/p/consumer/installed/").content.decode()
        assert "Uninstall “Weather”?" in client.get(f"{path}uninstall/").content.decode()
        client.post(f"{path}uninstall/")
        assert (consumer.pk, "live") not in installations.slugs_of([consumer.pk])

    def test_terms_that_changed_meanwhile_are_not_agreed_to(self, seller, consumer):
        published(seller, scopes=["requests:read", "requests:write"])
        client = browser(consumer)
        page = client.post("/p/consumer/install/weather/", {"scopes": ["requests:read"], "agreed": "on"}, follow=True)
        assert "exactly what this integration asks for" in page.content.decode()
        assert not Installation.objects.exists()


class TestWalls:
    def test_strangers_find_nothing(self, seller, consumer, stranger):
        integration = published(seller)
        installed = installations.install(integration=integration, partner=consumer, environment="live", by=MEMBER)
        client = browser(stranger)
        for path in (
            "/p/seller/integrations/",
            f"/p/seller/integrations/{integration.public_id}/",
            f"/p/stranger/integrations/{integration.public_id}/",
            f"/p/stranger/installed/{installed.public_id}/",
            f"/p/stranger/installed/{installed.public_id}/uninstall/",
        ):
            assert client.get(path).status_code == 404, path
        assert client.post(f"/p/stranger/integrations/{integration.public_id}/unpublish/").status_code == 404

    def test_a_viewer_looks_and_touches_nothing(self, seller, consumer):
        integration = published(seller)
        viewer = browser(seller, "viewer")
        page = viewer.get(f"/p/seller/integrations/{integration.public_id}/")
        assert page.status_code == 200
        assert "Unpublish" not in page.content.decode()
        assert viewer.post(f"/p/seller/integrations/{integration.public_id}/unpublish/").status_code == 403
        assert viewer.get("/p/seller/integrations/new/").status_code == 403
        assert browser(consumer, "viewer").get("/p/consumer/install/weather/").status_code == 403


def test_release_notes_with_a_nul_are_refused(seller):
    integration = draft(seller)
    path = f"/p/{seller.slug}/integrations/{integration.public_id}/submit/"
    answer = browser(seller).post(path, {"notes": "a\0b"})
    assert answer.status_code == 302
    assert Integration.objects.get().status == "draft"


def test_a_price_that_rose_after_it_was_shown_is_not_agreed_to(seller, consumer):
    integration = published(seller, pricing="per_call", price="0.01")
    visitor, path = browser(consumer), f"/p/{consumer.slug}/install/weather/"
    shown = dict(re.findall(r'<input type="hidden" name="(version)" value="([^"]+)"', visitor.get(path).content.decode()))
    integrations.unpublish(integration=integration, by=MEMBER)
    integration = integrations.update(integration=integration, changes={"price": Decimal("9")}, by=MEMBER)
    integrations.submit(integration=integration, by=MEMBER)
    integration.refresh_from_db()
    integrations.approve(integration=integration, by=OPERATOR)
    integrations.publish(integration=integration, by=MEMBER)
    answer = visitor.post(path, {"agreed": "on", **shown}, follow=True).content.decode()
    assert "Version 1.1.0 was released in the meantime" in answer
    assert not Installation.objects.exists()

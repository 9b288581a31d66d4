"""Partners find the operator's API products in their portal: what is offered, and whether they may call it."""

import pytest

from products.external import products
from tests.portal.test_request_pages import signed_in
from tests.products.makers import OPERATOR, enabled, made

pytestmark = pytest.mark.django_db


def test_what_is_switched_on_with_its_operations_and_scopes_and_nothing_of_its_upstream():
    client, partner = signed_in("Acme")
    enabled(description="See **them**.\n\n<script>alert(1)</script>", headers="X-Api-Key: zanzibar")
    made(slug="hidden", name="Hidden", scopes="", operations="GET /a")
    listed = client.get(f"/p/{partner.slug}/apis/").content.decode()
    assert "/apis/orders" in listed
    assert "Ready" in listed
    assert "Hidden" not in listed
    page = client.get(f"/p/{partner.slug}/apis/orders").content.decode()
    for text in ("/orders/{id}", "orders:write", "Place orders", "<strong>them</strong>", "/apis/orders/orders/{id}"):
        assert text in page
    for text in ("<script>alert", "21599", "zanzibar", "X-Api-Key", "whsec_"):
        assert text not in listed + page
    assert client.get(f"/p/{partner.slug}/apis/hidden").status_code == 404


def test_what_stands_against_calling_it():
    from partners.models import Tier

    client, partner = signed_in("Acme")
    product = enabled()
    client.post(f"/p/{partner.slug}/environment", {"environment": "test"})
    assert "no_test_environment" in client.get(f"/p/{partner.slug}/apis/orders").content.decode()
    changes = {"least_tier": Tier.objects.get(slug="enterprise")}
    products.update(product=product, changes=changes, by=OPERATOR)
    assert "From Enterprise" in client.get(f"/p/{partner.slug}/apis/").content.decode()
    assert "tier_required" in client.get(f"/p/{partner.slug}/apis/orders").content.decode()


def test_the_scopes_can_be_given_to_a_new_key():
    client, partner = signed_in("Acme")
    enabled()
    assert "orders:write" in client.get(f"/p/{partner.slug}/keys/new").content.decode()

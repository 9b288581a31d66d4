"""API products in the operators' console: the form is its verbs, mistakes stand at their lines, secrets are shown once."""

import pytest
from django.contrib.auth.models import Group

from core.models import Event, User
from core.roles import Role
from products.external.models import Product
from tests.products.makers import FIELDS, enabled, made

pytestmark = pytest.mark.django_db
ROOT = "/admin/external/product"
TUNING = {"connect_timeout": 5, "head_timeout": 30, "idle_timeout": 30, "stream_idle_timeout": 300, "retries": 1}


@pytest.fixture
def console(client):
    client.force_login(User.objects.create_superuser("op@portico.example"))
    return client


def form(**fields):
    return FIELDS | TUNING | {"slug": "orders", "header_lines": "", "test_upstream_url": "", "description": ""} | fields


def test_made_and_its_secret_shown_once(console):
    answer = console.post(f"{ROOT}/add/", form(header_lines="X-Api-Key: zanzibar"))
    product = Product.objects.get()
    assert product.signing_secret in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    assert Event.objects.get(type="product.created").actor_label == "op@portico.example"
    page = console.get(f"{ROOT}/{product.pk}/change/").content.decode()
    assert "X-Api-Key: ••••••" in page
    assert "zanzibar" not in page
    assert product.signing_secret not in page


def test_mistakes_stand_at_their_lines(console):
    page = console.post(f"{ROOT}/add/", form(operations="GET /a\nFETCH /b", header_lines="Host: x")).content.decode()
    assert "Line 2: FETCH is no method" in page
    assert "Line 1: Host is the gateway’s to say." in page
    assert not Product.objects.exists()


def test_a_taken_slug_is_a_mistake(console):
    from tests.marketplace.makers import draft, make_partner

    draft(make_partner("seller"), slug="orders")
    assert "This address is taken." in console.post(f"{ROOT}/add/", form()).content.decode()


def test_changed_headers_keep_their_values(console):
    product = made(headers="X-A: one\nX-B: two").product
    answer = console.post(f"{ROOT}/{product.pk}/change/", form(header_lines="X-A: ••••••\nX-B: three"))
    assert answer.status_code == 302
    assert Product.objects.get().sent == {"X-A": "one", "X-B": "three"}


def test_on_off_and_another_secret(console):
    product = made().product
    console.post(f"{ROOT}/{product.pk}/enable/", {"_form_submitted": "on"})
    assert Product.objects.get().status == "enabled"
    assert console.post(f"{ROOT}/{product.pk}/delete/", {"post": "yes"}).status_code == 403
    page = console.post(f"{ROOT}/{product.pk}/rotate/", {"overlap": "3600"}).content.decode()
    rotated = Product.objects.get()
    assert rotated.signing_secrets == (rotated.signing_secret, product.signing_secret)
    assert rotated.signing_secret in page
    assert product.signing_secret not in page
    console.post(f"{ROOT}/{product.pk}/disable/", {"_form_submitted": "on"})
    assert Product.objects.get().status == "disabled"


def test_who_may_only_look_sees_no_value_and_changes_nothing(client):
    support = User.objects.create_user("support@portico.example", is_staff=True)
    support.groups.add(Group.objects.get(name=Role.SUPPORT))
    client.force_login(support)
    product = enabled(headers="X-Api-Key: zanzibar")
    page = client.get(f"{ROOT}/{product.pk}/change/").content.decode()
    assert "X-Api-Key: ••••••" in page
    assert "zanzibar" not in page
    assert client.post(f"{ROOT}/{product.pk}/rotate/", {"overlap": "0"}).status_code == 403
    assert client.post(f"{ROOT}/{product.pk}/change/", form(name="Mine")).status_code == 403
    assert Product.objects.get().signing_secret == product.signing_secret

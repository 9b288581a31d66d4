"""A partner's people see its requests in the portal, and nobody else's."""

import secrets

import pytest
from django.test import Client

from core.actors import SYSTEM

pytestmark = pytest.mark.django_db


def signed_in(name: str) -> tuple[Client, object]:
    """A browser with an owner of a new partner."""
    from core.models import User
    from partners import partners, tiers

    tiers.seed()
    person = User.objects.create_user(f"{name}-{secrets.token_hex(3)}@example.com", secrets.token_urlsafe(12))
    partner = partners.create(name=name, owner=person, by=SYSTEM, active=True)
    client = Client()
    client.force_login(person, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client, partner


def submitted(partner, environment: str = "live", **facts):
    from products.requests import requests

    facts = {"type": "CREDIT_CHECK", "payload": {"company": "Initech <b>"}, **facts}
    return requests.submit(partner=partner, environment=environment, by=SYSTEM, **facts)


def test_list_shows_requests_of_this_environment_by_state() -> None:
    client, partner = signed_in("Acme")
    mine, other = submitted(partner), submitted(partner, environment="test")
    page = client.get(f"/p/{partner.slug}/requests/").content.decode()
    assert mine.public_id in page
    assert other.public_id not in page
    assert mine.public_id not in client.get(f"/p/{partner.slug}/requests/?status=FAILED").content.decode()


def test_empty_list_says_what_to_do() -> None:
    client, partner = signed_in("Acme")
    assert "POST /api/requests" in client.get(f"/p/{partner.slug}/requests/").content.decode()


def test_detail_shows_what_was_sent_and_what_came_of_it() -> None:
    from products.requests import requests

    client, partner = signed_in("Acme")
    mine = submitted(partner)
    requests.abandon(request=mine, error={"code": "no_such_company"}, by=SYSTEM)
    page = client.get(f"/p/{partner.slug}/requests/{mine.public_id}").content.decode()
    assert "no_such_company" in page
    assert "Initech &lt;b&gt;" in page


def test_export_shows_a_viewer_no_money() -> None:
    from core.models import User
    from partners.models import Member
    from products.requests import worker

    client, partner = signed_in("Acme")
    mine = submitted(partner, type="DATA_EXPORT")
    worker.work_one()
    page = f"/p/{partner.slug}/requests/{mine.public_id}"
    assert "payouts&quot;: {" in client.get(page).content.decode()
    viewer = User.objects.create_user(f"viewer-{secrets.token_hex(3)}@example.com", secrets.token_urlsafe(12))
    Member.objects.create(partner=partner, user=viewer, role="viewer")
    client.force_login(viewer, backend="allauth.account.auth_backends.AuthenticationBackend")
    shown = client.get(page).content.decode()
    assert "members&quot;: {" in shown
    assert "payouts&quot;: {" not in shown


def test_stranger_finds_nothing() -> None:
    (_owner, partner), (stranger, other) = signed_in("Acme"), signed_in("Globex")
    mine = submitted(partner)
    for slug in (partner.slug, other.slug):
        assert stranger.get(f"/p/{slug}/requests/{mine.public_id}").status_code == 404
    assert stranger.get(f"/p/{partner.slug}/requests/").status_code == 404

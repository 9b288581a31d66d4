"""Keys in the portal, as people use them: made, shown once, kept as a file, found among many, rotated."""

from datetime import timedelta
from pathlib import Path

import pytest

from apikeys import keys
from apikeys.models import Key
from core import clock
from partners.models import Partner
from tests.browser import people
from tests.browser.conftest import EXTREMES, SCREENS, Visit
from usage.models import HourRollup

pytestmark = pytest.mark.django_db(transaction=True)


def many(partner: Partner) -> Key:
    """Two hundred keys in every state; the one that is given back is used, restricted and about to expire."""
    ends = clock.now() + timedelta(days=5)
    given = keys.issue(
        partner=partner,
        environment="live",
        name="Warehouse sync",
        scopes=["requests:read", "requests:write", "webhooks:read"],
        ip_allowlist=["203.0.113.0/24", "2001:db8:7::/48"],
        require_secret=True,
        expires_at=ends,
        by=people.OWNER,
    ).key
    states = [Key.Status.ACTIVE, Key.Status.ACTIVE, Key.Status.ACTIVE, Key.Status.DISABLED, Key.Status.REVOKED, Key.Status.LEAKED]
    Key.objects.bulk_create(
        Key(
            partner=partner,
            environment="live",
            name=f"Worker {number}",
            digest=number.to_bytes(4, "big"),
            hint=f"pk_live_…{number:04}",
            scopes=["requests:read", "webhooks:read"][: 1 + number % 2],
            status=states[number % 6],
        )
        for number in range(200)
    )
    HourRollup.objects.filter(partner_id=partner.pk).update(credential_id=given.pk)
    used = {
        "last_used_at": clock.now(),
        "last_used_address": "203.0.113.9",
        "last_used_agent": "acme-warehouse/2.4 (python 3.12)",
    }
    Key.objects.filter(pk=given.pk).update(first_used_at=clock.now() - timedelta(days=29), **used)
    return given


def test_key_is_made_shown_once_and_kept_as_a_file(visit: Visit) -> None:
    owner, partner = people.established()
    visitor = visit(owner)
    visitor.goto(f"/p/{partner.slug}/keys/new")
    page = visitor.page
    page.fill("[name=name]", "Orders")
    page.click("text=Read only")
    assert page.is_checked("[value='requests:read']")
    assert not page.is_checked("[value='requests:write']")
    page.fill("[name=ip_allowlist]", "203.0.113.7\n\n10.0.0.1/8")
    page.click("text=Add my address")
    assert page.input_value("[name=ip_allowlist]").endswith("\n127.0.0.1")
    page.click("text=Create key")
    assert "Line 2: 10.0.0.1/8 names an address inside a network" in page.inner_text("main")
    page.fill("[name=ip_allowlist]", "203.0.113.7")
    page.click("main button:has-text('Create key')")
    text = page.inner_text("main")
    assert "Your own address is not allowed" in text
    with page.expect_download() as download:
        page.click("text=Download as .env file")
    kept = Path(download.value.path()).read_text()
    assert download.value.suggested_filename == f"{partner.slug}-live.env"
    key = Key.objects.get(name="Orders")
    secret = next(line for line in kept.splitlines() if line.startswith("PORTICO_KEY=")).removeprefix("PORTICO_KEY=")
    assert page.url.endswith(key.public_id)
    page.reload()
    assert secret not in page.content()
    page.go_back()
    assert secret not in page.content()
    assert Key.objects.filter(name="Orders").count() == 1


@pytest.mark.slow
def test_looks(visit: Visit) -> None:
    owner, partner = people.established()
    given = many(partner)
    visitor = visit(owner)
    path = f"/p/{partner.slug}/keys/"
    one = f"{path}{given.public_id}"
    pages = {
        "keys-many": path,
        "key-create": f"{path}new",
        "key-detail": one,
        "key-edit": f"{one}/edit",
        "key-rotate": f"{one}/rotate",
        "limits": f"/p/{partner.slug}/usage/limits/",
    }
    for name, address in pages.items():
        visitor.goto(address)
        visitor.see(name, SCREENS)
    visitor.goto(f"{path}new")
    page = visitor.page
    page.fill("[name=ip_allowlist]", "nonsense\n10.0.0.1/8")
    page.click("main button:has-text('Create key')")
    visitor.see("key-create-mistakes", SCREENS)
    page.fill("[name=name]", "Orders")
    page.fill("[name=ip_allowlist]", "203.0.113.7")
    page.check("[name=require_secret]")
    page.click("main button:has-text('Create key')")
    visitor.see("key-reveal", SCREENS)
    visitor.goto(f"{path}?status=expiring&q=sync")
    assert "Warehouse sync" in visitor.page.inner_text("main")
    assert "Worker" not in visitor.page.inner_text("main")
    visitor.goto(one)
    visitor.page.click("text=Switch off")
    visitor.see("key-disable", EXTREMES)


@pytest.mark.slow
def test_looks_without_keys_and_in_test(visit: Visit) -> None:
    owner, partner = people.newcomer()
    visitor = visit(owner)
    visitor.goto(f"/p/{partner.slug}/keys/")
    visitor.see("keys-none-test", EXTREMES)
    assert "never billed" in visitor.page.inner_text("main")

"""A person's own pages: password, address, second factors, sessions; and what stands in for them when attempts run out."""

import time
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.test import Client

from core.models import User
from partners.models import Member
from tests.browser import people
from tests.browser.conftest import Visit, Visitor, code_in
from tests.browser.test_looks import look

pytestmark = pytest.mark.django_db(transaction=True)


def confirm(visitor: Visitor) -> None:
    """Say once more who it is, where a page asks for that."""
    visitor.page.get_by_role("heading", name="Confirm that it’s you").wait_for()
    visitor.page.fill("[name=password]", people.PASSWORD)
    visitor.page.get_by_role("button", name="Confirm").click()


def sign_in(visitor: Visitor, path: str) -> Any:
    """By the form, so that allauth knows how it was done; then on to a page."""
    page = visitor.page
    visitor.goto(f"/accounts/login/?next={path}")
    page.fill("[name=login]", "ann@example.com")
    page.fill("[name=password]", people.PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_load_state("networkidle")
    return page


def test_forgotten_password(visit: Visit) -> None:
    assert "Reset your password" in look(visit, "/accounts/password/reset/", "account-password-reset")


def test_password_page(visit: Visit) -> None:
    assert "signs you out" in look(visit, "/accounts/password/change/", "account-password", people.person("ann@example.com"))


def test_sessions_are_listed_and_ended(visit: Visit) -> None:
    user = people.person("ann@example.com")
    other = Client(headers={"user-agent": "Mozilla/5.0 (Windows NT 10.0) Gecko/20100101 Firefox/140.0"})
    other.force_login(user)
    other.get("/accounts/sessions/")
    visitor = visit(user)
    assert "Firefox on Windows" in look(visit, "/accounts/sessions/", "account-sessions", user)
    visitor.goto("/accounts/sessions/")
    visitor.page.get_by_role("button", name="Sign out Firefox").click()
    visitor.page.get_by_text("Signed out there.").wait_for()
    assert other.get("/accounts/sessions/").status_code == 302


def test_authenticator_app_with_codes_shown_once(visit: Visit) -> None:
    people.person("ann@example.com")
    visitor = visit()
    page = sign_in(visitor, "/accounts/2fa/totp/activate/")
    confirm(visitor)
    page.get_by_role("heading", name="Add an authenticator app").wait_for()
    visitor.see("account-totp")
    secret = page.locator("form.form code").first.inner_text()
    page.fill("[name=code]", format_hotp_value(hotp_value(secret, int(time.time()) // 30)))
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("heading", name="Keep your recovery codes now").wait_for()
    visitor.see("account-recovery-codes")
    codes = page.locator("pre").inner_text().split()
    assert len(codes) == 10
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert download.value.path().read_text().split() == codes
    visitor.goto("/accounts/2fa/recovery-codes/")
    visitor.see("account-recovery-codes-again")
    assert not any(code in page.content() for code in codes)
    visitor.goto("/accounts/2fa/recovery-codes/generate/")
    visitor.see("account-recovery-codes-generate")
    visitor.goto("/accounts/2fa/totp/deactivate/")
    visitor.see("account-totp-remove")
    assert secret not in str(Authenticator.objects.values_list("data", flat=True))

    page.context.clear_cookies()
    visitor.goto("/accounts/login/")
    page.fill("[name=login]", "ann@example.com")
    page.fill("[name=password]", people.PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_role("heading", name="Second factor").wait_for()
    visitor.see("account-second-factor")
    page.fill("[name=code]", codes[0])
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_role("heading", name="You don’t belong to a partner yet").wait_for()


def test_address_is_changed_by_code_and_the_old_one_told(visit: Visit, mailoutbox: list[Any]) -> None:
    people.established()
    visitor = visit()
    page = sign_in(visitor, "/accounts/email/")
    visitor.see("account-email")
    page.fill("[name=email]", "lovelace@example.com")
    page.get_by_role("button", name="Send a code").click()
    confirm(visitor)
    page.get_by_role("heading", name="Confirm your e-mail address").wait_for()
    assert User.objects.get(email="ann@example.com")
    assert mailoutbox[-1].to == ["lovelace@example.com"]
    code = code_in(mailoutbox[-1])
    visitor.goto("/accounts/email/")
    visitor.see("account-email-waiting")
    page.get_by_role("link", name="Enter the code").click()
    page.fill("[name=code]", code)
    page.get_by_role("button", name="Confirm", exact=True).click()
    page.wait_for_load_state("networkidle")
    user = User.objects.get(email="lovelace@example.com")
    assert [(address.email, address.verified) for address in EmailAddress.objects.filter(user=user)] == [(user.email, True)]
    assert mailoutbox[-1].to == ["ann@example.com"]
    assert "changed from ann@example.com to lovelace@example.com" in mailoutbox[-1].body
    assert mailoutbox[-1].alternatives
    assert Member.objects.get(user=user)


def test_too_many_attempts(visit: Visit) -> None:
    for _attempt in range(20):
        Client().post("/accounts/password/reset/", {"email": "nobody@example.com"})
    visitor = visit()
    visitor.goto("/accounts/password/reset/")
    visitor.page.fill("[name=email]", "ann@example.com")
    visitor.page.get_by_role("button", name="Send a code").click()
    visitor.page.get_by_role("heading", name="Too many attempts").wait_for()
    visitor.see("too-many-attempts")
    visitor.complaints.clear()  # the browser notes the 429 itself


def test_entrance_of_a_partner(visit: Visit) -> None:
    people.established()
    assert "Sign in to Acme Analytics" in look(visit, "/p/acme-analytics/login", "entrance")
    people.person("eve@example.com")
    visitor = visit()
    page = visitor.page
    visitor.goto("/p/acme-analytics/")
    page.fill("[name=login]", "eve@example.com")
    page.fill("[name=password]", people.PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_role("heading", name="Not one of your partners").wait_for()
    visitor.see("entrance-of-others")
    visitor.complaints.clear()  # the browser notes the 404 itself

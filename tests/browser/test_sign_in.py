"""Getting in: by code, by password, by passkey, all under the strict content security policy."""

from typing import Any

import pytest

from core.models import User
from tests.browser import people
from tests.browser.conftest import Visit, code_in

pytestmark = pytest.mark.django_db(transaction=True)


def test_sign_up_by_code(visit: Visit, mailoutbox: list[Any]) -> None:
    visitor = visit()
    page = visitor.page
    visitor.goto("/accounts/signup/")
    page.fill("[name=email]", "new@example.com")
    page.fill("[name=password1]", people.PASSWORD)
    page.fill("[name=company_name]", "Initech")
    page.get_by_role("button", name="Create account").click()
    page.get_by_role("heading", name="Confirm your e-mail address").wait_for()
    visitor.assert_accessible()
    message = mailoutbox[-1]
    assert [kind for _content, kind in message.alternatives] == ["text/html"]
    page.fill("[name=code]", code_in(message))
    page.get_by_role("button", name="Confirm").click()
    page.get_by_role("heading", name="Initech").wait_for()
    page.get_by_text("Basic information").wait_for()
    assert User.objects.get(email="new@example.com").emailaddress_set.get().verified


def test_password_reset_by_code(visit: Visit, mailoutbox: list[Any]) -> None:
    people.person("ann@example.com")
    visitor = visit()
    page = visitor.page
    visitor.goto("/accounts/password/reset/")
    page.fill("[name=email]", "ann@example.com")
    page.locator("main form button").first.click()
    page.get_by_role("heading", name="Reset your password").wait_for()
    page.fill("[name=code]", code_in(mailoutbox[-1]))
    page.get_by_role("button", name="Confirm").click()
    page.fill("[name=password1]", "another-Passw0rd")
    page.fill("[name=password2]", "another-Passw0rd")
    visitor.assert_accessible()
    page.locator("main form button").first.click()
    page.wait_for_load_state("networkidle")
    assert User.objects.get(email="ann@example.com").check_password("another-Passw0rd")


def test_passkey_is_added_and_signs_in(visit: Visit) -> None:
    people.person("ann@example.com")
    visitor = visit(alone=True)
    page = visitor.page
    device = visitor.context.new_cdp_session(page)
    device.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
    }
    device.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    visitor.goto("/accounts/login/?next=/accounts/2fa/webauthn/add/")
    page.fill("[name=login]", "ann@example.com")
    page.fill("[name=password]", people.PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_role("heading", name="Confirm that it’s you").wait_for()
    page.fill("[name=password]", people.PASSWORD)
    page.get_by_role("button", name="Confirm").click()
    page.locator("#mfa_webauthn_add").wait_for()
    visitor.assert_accessible()
    page.check("[name=passwordless]")
    page.locator("#mfa_webauthn_add").click()
    page.get_by_role("heading", name="Recovery Codes").wait_for()
    visitor.assert_accessible()
    visitor.goto("/accounts/logout/")
    page.get_by_role("main").get_by_role("button", name="Sign out").click()
    page.wait_for_load_state("networkidle")
    visitor.goto("/accounts/login/")
    page.locator("#passkey_login").click()
    page.get_by_role("heading", name="You don’t belong to a partner yet").wait_for()

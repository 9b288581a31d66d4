"""Only operators enter the console, through the one sign-in, with a second factor where the settings ask for it."""

import time

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.totp.internal import auth as totp
from django.test import Client

from core.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator() -> User:
    return User.objects.create_superuser("olivia@example.com", "a-long-Passw0rd")


def test_stranger_is_sent_to_the_one_sign_in(client: Client) -> None:
    for path in ("/admin/", "/admin/login/?next=/admin/"):
        answer = client.get(path)
        assert (answer.status_code, answer["Location"]) == (302, "/accounts/login/?next=%2Fadmin%2F")


def test_member_is_refused(client: Client) -> None:
    client.force_login(User.objects.create_user("ann@example.com"))
    assert client.get("/admin/").status_code == 403


def test_operator_without_second_factor_is_told_to_add_one(client: Client, operator: User, settings: object) -> None:
    settings.OPERATOR_MFA_REQUIRED = True
    client.force_login(operator)
    answer = client.get("/admin/", follow=True)
    assert answer.redirect_chain == [("/accounts/2fa/", 302)]
    assert "second factor" in answer.content.decode()


def test_operator_enters_with_the_second_factor(client: Client, operator: User, settings: object) -> None:
    settings.OPERATOR_MFA_REQUIRED = True
    secret = totp.generate_totp_secret()
    client.force_login(operator)  # a session from before there was a second factor
    totp.TOTP.activate(operator, secret)
    answer = client.get("/admin/core/user/?q=ann")
    assert answer["Location"] == "/accounts/2fa/reauthenticate/?next=%2Fadmin%2Fcore%2Fuser%2F%3Fq%3Dann"
    code = totp.format_hotp_value(totp.hotp_value(secret, int(time.time()) // 30))
    answer = client.post(answer["Location"], {"code": code, "next": "/admin/core/user/?q=ann"})
    assert (answer.status_code, answer["Location"]) == (302, "/admin/core/user/?q=ann")
    assert client.get("/admin/").status_code == 200


def test_address_of_an_account_is_changed_with_the_password_only(client: Client, operator: User) -> None:
    client.force_login(operator)
    answer = client.post("/accounts/email/", {"action_add": "", "email": "mallory@example.com"})
    assert answer["Location"].startswith("/accounts/reauthenticate/")
    assert not EmailAddress.objects.filter(email="mallory@example.com").exists()


def test_only_the_console_may_evaluate(client: Client, operator: User) -> None:
    client.force_login(operator)
    assert "unsafe-eval" in client.get("/admin/")["Content-Security-Policy"]
    assert "unsafe" not in client.get("/styleguide")["Content-Security-Policy"]


def test_styleguide_is_for_operators(client: Client) -> None:
    client.force_login(User.objects.create_user("ann@example.com"))
    assert client.get("/styleguide").status_code == 302

"""Only operators enter the console, through the one sign-in, with a second factor where the settings ask for it."""

import pytest
from allauth.mfa.models import Authenticator
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
    settings.OPERATOR_MFA_REQUIRED = True  # type: ignore[attr-defined]
    client.force_login(operator)
    answer = client.get("/admin/", follow=True)
    assert answer.redirect_chain == [("/accounts/2fa/", 302)]
    assert "second factor" in answer.content.decode()


def test_operator_with_second_factor_enters(client: Client, operator: User, settings: object) -> None:
    settings.OPERATOR_MFA_REQUIRED = True  # type: ignore[attr-defined]
    Authenticator.objects.create(user=operator, type=Authenticator.Type.TOTP, data={"secret": "x"})
    client.force_login(operator)
    assert client.get("/admin/").status_code == 200


def test_only_the_console_may_evaluate(client: Client, operator: User) -> None:
    client.force_login(operator)
    assert "unsafe-eval" in client.get("/admin/")["Content-Security-Policy"]
    assert "unsafe" not in client.get("/styleguide")["Content-Security-Policy"]


def test_styleguide_is_for_operators(client: Client) -> None:
    client.force_login(User.objects.create_user("ann@example.com"))
    assert client.get("/styleguide").status_code == 302

"""Whoever registers gets a mail; nobody learns whether an address is known."""

import re
from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from django.core import mail

from core.models import User
from core.problems import ValidationError
from partners import members, notices, partners
from partners.models import Member, Partner
from tests.partners.conftest import PUBLIC

pytestmark = pytest.mark.django_db


def register(email="ann@acme.example", **changes):
    given = {"email": email, "password": "kumquat-sunrise-42", "company_name": "Acme", "type": "business", "by": PUBLIC}
    return partners.register(**{**given, **changes})


def test_person_partner_and_owner_are_made():
    partner = register("Ann@Acme.example ")
    user = User.objects.get(email="ann@acme.example")
    assert user.check_password("kumquat-sunrise-42")
    assert (partner.status, partner.type, partner.slug) == ("pending", "business", "acme")
    assert Member.objects.get(partner=partner).role == "owner"
    assert not EmailAddress.objects.get(user=user).verified


def test_mail_carries_the_link_that_confirms(settings):
    register()
    assert notices.send_due() == 1
    (message,) = mail.outbox
    assert message.to == ["ann@acme.example"]
    token = re.search(rf"{re.escape(settings.BASE_URL)}/accounts/verify/(\S+)", message.body)[1]
    members.confirm(token=token, by=PUBLIC)
    assert EmailAddress.objects.get().verified
    with pytest.raises(members.InvalidConfirmation):
        members.confirm(token=token, by=PUBLIC)


def test_known_address_makes_nothing_and_is_told_by_mail():
    register()
    notices.send_due()
    mail.outbox.clear()
    assert register(company_name="Intruder") is None
    assert register() is None
    assert Partner.objects.count() == 1
    assert not User.objects.get().check_password("another")
    notices.send_due()
    assert [message.subject for message in mail.outbox] == ["You already have an account"]


def test_password_that_can_be_guessed_is_refused():
    with pytest.raises(ValidationError) as refusal:
        register(password="password123")
    assert refusal.value.facts["errors"][0]["pointer"] == "/password"
    assert not User.objects.exists()


def test_token_is_in_no_log(newcomer, client, caplog):
    token = members.confirmation(User.objects.get())
    assert client.get(f"/accounts/verify/{token}?from=mail").status_code == 200
    assert "request_finished" in caplog.text
    assert "/accounts/verify/…" in caplog.text
    assert token not in caplog.text


@pytest.mark.parametrize("token", ["", "x", "WyJ1c3IiLCJhQGIiXQ:1:x"])
def test_forged_token_confirms_nothing(newcomer, token):
    with pytest.raises(members.InvalidConfirmation):
        members.confirm(token=token, by=PUBLIC)


def test_old_token_confirms_nothing(newcomer, monkeypatch):
    token = members.confirmation(User.objects.get())
    monkeypatch.setattr(members, "CONFIRMABLE_FOR", timedelta(seconds=-1))
    with pytest.raises(members.InvalidConfirmation):
        members.confirm(token=token, by=PUBLIC)


def test_token_of_another_address_confirms_nothing(newcomer):
    user = User.objects.get()
    token = members.confirmation(user)
    EmailAddress.objects.filter(user=user).update(email="other@acme.example")
    with pytest.raises(members.InvalidConfirmation):
        members.confirm(token=token, by=PUBLIC)

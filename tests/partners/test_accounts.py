"""Signing up, in and out: who learns what, how often one may try, and what the partner's log keeps of it."""

import re
from datetime import timedelta
from io import StringIO

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from allauth.usersessions.models import UserSession
from cryptography.fernet import Fernet
from django.contrib.sessions.models import Session
from django.core import mail
from django.core.management import call_command
from django.db import connection
from django.test import Client

from core import clock
from core.models import Event, User
from partners import notices, sessions
from partners.models import Member, Notice, Partner

pytestmark = pytest.mark.django_db

PASSWORD = "kumquat-sunrise-42"  # the one of `newcomer`
SIGNUP = {"email": "Bo@Initech.example", "password1": PASSWORD, "company_name": "Initech", "type": "business"}


def code_in(message):
    return re.search(r"^\s*([A-Z0-9-]{6,9})\s*$", message.body, re.M)[1]


def sign_in(email="ann@acme.example", password=PASSWORD, client=None, address="203.0.113.7"):
    client = client or Client(REMOTE_ADDR=address)
    return client, client.post("/accounts/login/", {"login": email, "password": password})


def types_of(partner):
    return list(Event.objects.filter(partner_id=partner.pk).order_by("id").values_list("type", flat=True))


class TestConfirmation:
    def test_code_of_the_portal_is_told_like_the_link_of_the_api(self, mailoutbox):
        browser = Client(REMOTE_ADDR="203.0.113.7")
        browser.post("/accounts/signup/", SIGNUP)
        partner = Partner.objects.get(slug="initech")
        assert "member.email_confirmed" not in types_of(partner)
        browser.post("/accounts/confirm-email/", {"code": code_in(mailoutbox[0])})
        event = Event.objects.get(type="member.email_confirmed")
        member = Member.objects.get(partner=partner)
        assert (event.partner_id, event.subject, event.actor_kind) == (partner.pk, member.public_id, "member")
        assert (event.actor_id, event.address) == (member.pk, "203.0.113.7")
        assert event.data == {"id": member.public_id, "role": "owner"}

    def test_confirmed_newcomer_makes_a_test_key_at_once(self, mailoutbox):
        browser = Client()
        browser.post("/accounts/signup/", SIGNUP)
        browser.post("/accounts/confirm-email/", {"code": code_in(mailoutbox[0])})
        answer = browser.post("/p/initech/keys/new", {"name": "First", "scopes": ["partner:read"], "lifetime": "never"})
        assert "pk_test_" in answer.content.decode()

    def test_code_of_a_new_password_confirms_the_address_too(self, newcomer, mailoutbox):
        browser = Client()
        browser.post("/accounts/password/reset/", {"email": "ann@acme.example"})
        browser.post("/accounts/password/reset/confirm/", {"code": code_in(mailoutbox[-1])})
        assert EmailAddress.objects.get().verified
        assert types_of(newcomer).count("member.email_confirmed") == 1

    def test_three_wrong_codes_end_it(self, mailoutbox):
        browser = Client()
        browser.post("/accounts/signup/", SIGNUP)
        for _guess in range(3):
            browser.post("/accounts/confirm-email/", {"code": "WRONG-1"})
        browser.post("/accounts/confirm-email/", {"code": code_in(mailoutbox[0])})
        assert not EmailAddress.objects.get().verified

    def test_code_belongs_to_the_browser_that_asked(self, mailoutbox):
        Client().post("/accounts/signup/", SIGNUP)
        Client().post("/accounts/confirm-email/", {"code": code_in(mailoutbox[0])})
        assert not EmailAddress.objects.get().verified


class TestMail:
    """Codes are mailed by the worker: whoever signs up or in waits for no mail server."""

    def test_code_is_kept_encrypted_and_not_at_all_once_it_was_sent(self):
        Client().post("/accounts/signup/", SIGNUP)
        assert mail.outbox == []
        with connection.cursor() as cursor:
            cursor.execute("SELECT letter, facts::text FROM partners_notice WHERE letter IS NOT NULL")
            ((letter, facts),) = cursor.fetchall()
        assert notices.send_due() == 1
        assert code_in(mail.outbox[0]).encode() not in bytes(letter) + facts.encode()
        assert mail.outbox[0].to == ["bo@initech.example"]
        assert mail.outbox[0].alternatives
        assert not Notice.objects.exists()

    def test_mail_server_that_is_away_hinders_nobody(self, settings):
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
        assert Client().post("/accounts/signup/", SIGNUP).status_code == 302
        for _attempt in range(notices.LETTER_ATTEMPTS + 1):
            assert Notice.objects.count() == 1
            notices.send_due()
            clock.tick(timedelta(hours=1))
        clock.reset()
        assert not Notice.objects.exists(), "its code is long over"


class TestNothingIsGivenAway:
    def test_sign_up_answers_the_same_for_a_known_address(self, confirmed, mailoutbox):
        pages = []
        for email in ("ann@acme.example", "new@acme.example"):
            browser = Client()
            answer = browser.post("/accounts/signup/", {**SIGNUP, "email": email})
            page = browser.get(answer["Location"]).content.decode()
            pages.append((answer.status_code, answer["Location"], _without_secrets(page, email)))
        assert pages[0] == pages[1]
        assert mailoutbox[-2].subject == "You already have an account"

    def test_reset_answers_the_same_for_an_unknown_address(self, confirmed, mailoutbox):
        pages = []
        for email in ("ann@acme.example", "nobody@acme.example"):
            browser = Client()
            answer = browser.post("/accounts/password/reset/", {"email": email})
            page = browser.get(answer["Location"]).content.decode()
            pages.append((answer.status_code, answer["Location"], _without_secrets(page, email)))
        assert pages[0] == pages[1]
        assert [to for message in mailoutbox[-2:] for to in message.to] == ["ann@acme.example", "nobody@acme.example"]

    def test_sign_in_answers_the_same_for_an_unknown_address(self, confirmed):
        pages = []
        for email in ("ann@acme.example", "nobody@acme.example"):
            _client, answer = sign_in(email, "wrong-password-1")
            pages.append((answer.status_code, _without_secrets(answer.content.decode(), email)))
        assert pages[0] == pages[1]


class TestAttempts:
    def test_five_wrong_passwords_lock_the_account_for_every_address(self, confirmed):
        for number in range(5):
            sign_in(password="wrong-password-1", address=f"203.0.113.{number}")
        _client, answer = sign_in(address="198.51.100.1")
        assert "Too many failed login attempts" in answer.content.decode()

    def test_one_address_may_not_try_many_accounts(self, confirmed):
        for number in range(10):
            sign_in(f"somebody{number}@acme.example", "wrong-password-1", address="203.0.113.7")
        assert "Too many failed" in sign_in(address="203.0.113.7")[1].content.decode()
        assert sign_in(address="198.51.100.1")[1].status_code == 302

    def test_address_is_the_one_that_the_trusted_proxy_forwards(self, settings, confirmed):
        settings.TRUSTED_PROXIES = ["10.0.0.0/8"]
        for number in range(30):
            client = Client(REMOTE_ADDR="10.0.0.1", headers={"x-forwarded-for": "198.51.100.9, 203.0.113.7"})
            answer = client.post("/accounts/signup/", {"email": f"x{number}"})
        assert answer.status_code == 429
        other = Client(REMOTE_ADDR="10.0.0.1", headers={"x-forwarded-for": "203.0.113.8"})
        assert other.post("/accounts/signup/", {"email": "x"}).status_code == 200

    @pytest.mark.parametrize(("path", "most"), [("signup/", 20), ("password/reset/", 20), ("login/", 30)])
    def test_page_says_so_and_when_to_come_back(self, path, most):
        for attempt in range(most + 1):
            answer = Client().post(f"/accounts/{path}", {"email": f"{attempt}@acme.example"})
        assert answer.status_code == 429
        assert answer["Retry-After"] == "60"
        assert "Too many attempts" in answer.content.decode()


class TestSessions:
    def test_one_is_ended_by_its_owner_only(self, confirmed, active, signed_in):
        here, _answer = sign_in()
        there, _answer = sign_in()
        stranger = signed_in(active, "owner")
        assert "203.0.113.7" in here.get("/accounts/sessions/").content.decode()
        other = UserSession.objects.get(session_key=there.session.session_key)
        assert stranger.post(f"/accounts/sessions/{other.pk}/end").status_code == 404
        assert there.get("/p/acme/").status_code == 200
        assert there.post(f"/accounts/sessions/{other.pk}/end").status_code == 404, "the current one ends by signing out"
        assert here.post(f"/accounts/sessions/{other.pk}/end").status_code == 302
        assert there.get("/p/acme/").status_code == 302
        assert here.get("/p/acme/").status_code == 200

    def test_all_others_are_ended_at_once(self, confirmed):
        here, others = sign_in()[0], [sign_in()[0] for _each in range(2)]
        here.post("/accounts/sessions/")
        assert [other.get("/p/acme/").status_code for other in others] == [302, 302]
        assert here.get("/p/acme/").status_code == 200

    def test_new_password_ends_all_others(self, confirmed):
        here, there = sign_in()[0], sign_in()[0]
        form = {"oldpassword": PASSWORD, "password1": "violet-harbour-77", "password2": "violet-harbour-77"}
        here.post("/accounts/password/change/", form)
        assert there.get("/p/acme/").status_code == 302
        assert here.get("/p/acme/").status_code == 200

    def test_last_use_is_written_at_most_every_few_minutes(self, confirmed):
        client, _answer = sign_in()
        client.get("/accounts/password/change/")
        first = UserSession.objects.get().last_seen_at
        client.get("/accounts/password/change/")
        assert UserSession.objects.get().last_seen_at == first

    def test_what_is_over_is_forgotten(self, confirmed):
        here, there = sign_in()[0], sign_in()[0]
        Session.objects.filter(session_key=there.session.session_key).update(expire_date=clock.now())
        sessions.forget_ended()
        assert [row.session_key for row in UserSession.objects.all()] == [here.session.session_key]
        assert Session.objects.filter(session_key=here.session.session_key).exists()
        assert not Session.objects.filter(session_key=there.session.session_key).exists()


class TestLog:
    @pytest.mark.django_db(transaction=True)
    def test_sign_in_and_changes_stand_in_the_partners_log(self, confirmed, mailoutbox):
        client, _answer = sign_in()
        form = {"oldpassword": PASSWORD, "password1": "violet-harbour-77", "password2": "violet-harbour-77"}
        client.post("/accounts/password/change/", form)
        assert types_of(confirmed)[-2:] == ["member.signed_in", "member.security_changed"]
        assert Event.objects.get(type="member.security_changed").data["change"] == "password_changed"
        message = mailoutbox[-1]
        assert (message.subject, message.to) == ("Your password was changed", ["ann@acme.example"])
        assert "203.0.113.7" in message.body
        assert "203.0.113.7" in message.alternatives[0].content

    def test_sensitive_changes_ask_again_who_it_is(self, confirmed):
        client, _answer = sign_in()
        for path in ("2fa/totp/activate/", "2fa/webauthn/add/"):
            assert "/reauthenticate/" in client.get(f"/accounts/{path}")["Location"]
        answer = client.post("/accounts/email/", {"email": "new@acme.example", "action_add": ""})
        assert "/reauthenticate/" in answer["Location"]
        assert User.objects.get().email == "ann@acme.example"


class TestConsole:
    """Operators help who is locked out; they see no secret, and what they do stands under their name."""

    @pytest.fixture
    def console(self, operator):
        client = Client()
        client.force_login(operator)
        return client

    def deed(self, console, page, row, name):
        assert name in console.get(f"/admin/{page}/{row.pk}/change/").content.decode()
        return console.post(f"/admin/{page}/{row.pk}/{name}/", {"_form_submitted": "True"})

    def test_address_is_confirmed(self, console, newcomer, operator):
        self.deed(console, "account/emailaddress", EmailAddress.objects.get(user__email="ann@acme.example"), "confirm")
        assert EmailAddress.objects.get(user__email="ann@acme.example").verified
        event = Event.objects.get(type="member.email_confirmed")
        assert (event.actor_kind, event.actor_id, event.partner_id) == ("operator", operator.pk, newcomer.pk)

    def test_lost_factor_is_taken_away_with_its_recovery_codes(self, console, confirmed):
        user = User.objects.get(email="ann@acme.example")
        app = TOTP.activate(user, "JBSWY3DPEHPK3PXP").instance
        RecoveryCodes.activate(user)
        page = console.get(f"/admin/mfa/authenticator/{app.pk}/change/").content.decode()
        assert app.data["secret"] not in page
        self.deed(console, "mfa/authenticator", app, "take-away")
        assert not Authenticator.objects.exists()
        assert Event.objects.get(type="member.security_changed").data["change"] == "totp_removed"
        assert Notice.objects.get(kind="factor_taken_away").user == user

    def test_session_is_ended(self, console, confirmed):
        there, _answer = sign_in()
        row = UserSession.objects.get(user__email="ann@acme.example")
        assert row.session_key not in console.get(f"/admin/usersessions/usersession/{row.pk}/change/").content.decode()
        self.deed(console, "usersessions/usersession", row, "end")
        assert there.get("/p/acme/").status_code == 302

    def test_nothing_of_it_can_be_typed_in(self, console, confirmed):
        for page in ("account/emailaddress", "mfa/authenticator", "usersessions/usersession"):
            assert console.get(f"/admin/{page}/", {"q": "ann"}).status_code == 200
            assert console.get(f"/admin/{page}/add/").status_code == 403


def test_second_factors_are_encrypted_and_survive_a_new_key(newcomer, settings):
    user = User.objects.get()
    TOTP.activate(user, "JBSWY3DPEHPK3PXP")
    stored = Authenticator.objects.get().data["secret"]
    assert "JBSWY3DPEHPK3PXP" not in stored
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode(), *settings.ENCRYPTION_KEYS]
    call_command("rotate_encryption", stdout=StringIO())
    assert Authenticator.objects.get().data["secret"] != stored
    settings.ENCRYPTION_KEYS = settings.ENCRYPTION_KEYS[:1]
    from allauth.mfa.utils import decrypt

    assert decrypt(Authenticator.objects.get().data["secret"]) == "JBSWY3DPEHPK3PXP"


def _without_secrets(page, email):
    """A page without what differs anyway: the address that was typed in, and tokens."""
    page = re.sub(r'(name="csrfmiddlewaretoken" value|nonce)="[^"]+"', "", page)
    return page.replace(email, "")

"""Secrets stay where they belong: the watch over all tests works, and operators' pages show none."""

import re
from base64 import b64encode

import pytest
import structlog
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.conf import settings
from django.contrib import admin
from django.core import mail
from django.db import connection, transaction
from django.test import Client

from apikeys import keys
from core import events, operators, relay
from core.actors import SYSTEM
from core.event_types import OPERATOR_TOKEN_ISSUED
from core.models import User
from partners import invitations, members, notices, partners
from partners.models import Notice
from partners.permissions import Role
from tests import leaks
from tests.partners import files
from tests.products.makers import made
from webhooks import endpoints

pytestmark = pytest.mark.django_db


@pytest.fixture
def globex(db):
    return partners.create(name="Globex", by=SYSTEM, active=True, owner=User.objects.create_user("ann@globex.example"))


@pytest.fixture
def key(globex):
    return keys.issue(partner=globex, environment="live", name="Back end", by=SYSTEM)


class TestWatch:
    def test_event(self, globex, key):
        with transaction.atomic():
            events.emit(type=OPERATOR_TOKEN_ISSUED, partner=globex, data={"deep": [{"note": f"it is {key.text}!"}]})
        assert [found.split()[:2] for found in leaks.take()] == [["an", "event"]]

    def test_log(self, key):
        structlog.get_logger("tests").warning("something", note=key.text)
        assert [found.split()[:2] for found in leaks.take()] == [["the", "log"]]

    def test_webhook_keys(self):
        for kind in ("hmac", "ed25519"):
            made = endpoints._new_key(kind)
            structlog.get_logger("tests").warning("signed", key=made)
            assert leaks.take()
            leaks.SECRETS.discard(made)
            structlog.get_logger("tests").warning("signed", key=made)
            assert leaks.take(), "another process may have made it"

    def test_header_that_a_server_outside_is_sent(self, globex):
        made(headers="X-Api-Key: zanzibar-21599")
        structlog.get_logger("tests").warning("sent", note="with zanzibar-21599")
        assert leaks.take()

    def test_mail(self, key):
        mail.send_mail("Hello", f"Your key: {key.text}", None, ["ann@globex.example"])
        found = leaks.take()
        mail.outbox.clear()
        assert [each.split()[:2] for each in found] == [["a", "mail"]]

    def test_second_factors(self, globex):
        ann = User.objects.get()
        seed = generate_totp_secret()
        TOTP.activate(ann, seed)
        codes = RecoveryCodes.activate(ann).generate_codes()
        for secret in (seed, codes[0]):
            structlog.get_logger("tests").warning("second factor", given=secret)
            assert leaks.take(), "it is none in a log"
            mail.send_mail("Hello", f"Yours: {secret}", None, ["ann@globex.example"])
            assert leaks.take(), "nor in a mail"
            mail.outbox.clear()

    def test_code_and_session(self, mailoutbox):
        browser = Client()
        person = {"email": "bo@initech.example", "password1": "plum-twilight-17", "company_name": "Initech", "type": "business"}
        browser.post("/accounts/signup/", person)
        code = re.search(r"^\s*([A-Z0-9-]{6,9})\s*$", mailoutbox[-1].body, re.M)[1]
        assert leaks.take() == []
        for secret in (code, browser.cookies[settings.SESSION_COOKIE_NAME].value):
            structlog.get_logger("tests").warning("asked", path=f"/confirm?code={secret}")
            assert leaks.take()

    def test_link_that_confirms_an_address(self, globex):
        structlog.get_logger("tests").warning("asked", path=f"/accounts/verify/{members.confirmation(User.objects.get())}")
        assert leaks.take()

    def test_document(self):
        for shown in (
            str(files.pdf()[:40]),
            str(files.png()[:40]),
            b64encode(files.pdf()).decode(),
            b64encode(files.png()).decode(),
        ):
            structlog.get_logger("tests").warning("uploaded", body=str(shown[:60]))
            assert leaks.take()

    def test_password(self):
        User.objects.create_user("bo@globex.example", "plum-twilight-17")
        structlog.get_logger("tests").warning("signed up with plum-twilight-17")
        assert leaks.take()


class TestOtherProcesses:
    """What they made isn't known here; it has the spelling of a credential all the same."""

    def test_file(self, key, tmp_path):
        (tmp_path / "worker.log").write_text(f'{{"event": "sent", "key": "{key.text}"}}')
        leaks.SECRETS.discard(key.text)
        assert leaks.look_at_files(tmp_path) > 0
        assert [found.split()[:3] for found in leaks.take()] == [["the", "file", "worker.log"]]

    def test_example_of_the_documentation(self, tmp_path):
        (tmp_path / "web.log").write_text(f"pk_live_{'0' * 49}")
        leaks.look_at_files(tmp_path)
        assert leaks.take() == []

    def test_table(self, globex, key):
        Notice.objects.create(kind="x", cause="x", user=User.objects.get(), facts={"key": key.text})
        leaks.SECRETS.discard(key.text)
        with connection.cursor() as cursor:
            assert leaks.look_at_database(cursor) > 0
        assert [found.split()[:3] for found in leaks.take()] == [["the", "table", "partners_notice"]]


def test_link_of_a_mail_is_for_its_reader_alone(globex):
    token = invitations.token(invitations.invite(partner=globex, email="bo@globex.example", role=Role.VIEWER, by=SYSTEM))
    while notices.send_due():
        pass
    assert token in mail.outbox[0].body
    assert leaks.take() == []
    structlog.get_logger("tests").warning("invited", link=f"/invitations/{token}")
    assert leaks.take()


def test_operators_pages_show_no_secret(globex, key):
    operator = User.objects.create_superuser("op@portico.example", "quince-harbour-88")
    issued = operators.issue(user=operator, name="CI", scopes=["*"], by=SYSTEM)
    made = endpoints.create(partner=globex, environment="live", url="https://globex.example/hooks", event_types=["*"], by=SYSTEM)
    relay.seal()
    while notices.send_due():
        pass
    TOTP.activate(operator, generate_totp_secret())
    RecoveryCodes.activate(operator).generate_codes()
    invitation = invitations.invite(partner=globex, email="bo@globex.example", role=Role.VIEWER, by=SYSTEM)
    secrets = {key.text, issued.secret, made.secret, "quince-harbour-88", invitations.token(invitation)}
    assert all(secrets)
    client = Client(raise_request_exception=False)
    client.force_login(operator)
    seen = 0
    for model in admin.site._registry:
        base = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        answer = client.get(base)
        bodies = [(base, answer.content.decode())]
        rows = sorted(set(re.findall(rf'href="({re.escape(base)}[^"/]+/change/)', bodies[0][1])))[:5]
        bodies += [(path, client.get(path).content.decode()) for path in rows]
        for path, body in bodies:
            assert not [secret[:8] for secret in secrets if secret in body], path
            assert not leaks.within(body), path
            seen += 1
    assert seen > len(admin.site._registry), "rows were looked at, not lists alone"

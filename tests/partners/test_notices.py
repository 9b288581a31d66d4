"""Mail follows from events: each person concerned gets each mail once, also when a server or a worker fails in between."""

import smtplib
from datetime import timedelta

import pytest
from django.core import mail
from django.core.mail import EmailMultiAlternatives

from apikeys import keys
from core import clock, relay
from core.models import User
from partners import notices, partners
from partners.models import Member, Notice

pytestmark = pytest.mark.django_db


@pytest.fixture
def tick():
    yield lambda **by: clock.tick(timedelta(**by))
    clock.reset()


@pytest.fixture
def team(active):
    """One person in each role."""
    for role in ("owner", "developer", "finance", "viewer"):
        Member.objects.create(partner=active, user=User.objects.create(email=f"{role}@globex.example"), role=role)
    relay.seal()
    Notice.objects.all().delete()
    return active


def flush():
    relay.seal()
    while notices.send_due():
        pass


def addressed() -> list[str]:
    return sorted(message.to[0] for message in mail.outbox)


def test_suspension_is_told_with_its_reason_to_those_whose_role_it_concerns(team, by_operator):
    partners.suspend(partner=team, reason="Unpaid invoices", by=by_operator)
    flush()
    assert addressed() == ["developer@globex.example", "owner@globex.example"]
    for message in mail.outbox:
        assert "Unpaid invoices" in message.body
        assert "Unpaid invoices" in message.alternatives[0].content


def test_dates_are_written_as_people_write_them(team, by_operator):
    partners.close(partner=team, reason="Moved on", by=by_operator)
    flush()
    until = partners.erasable_at(team)
    assert until is not None
    for message in mail.outbox:
        assert f"Until {until.day} {until:%b %Y} it can be restored" in " ".join(message.body.split())


def test_name_of_several_lines_is_one_in_the_subject(team, by_operator):
    partners.update(partner=team, by=by_operator, name="Globex\r\nBcc: everybody@example.com")
    partners.suspend(partner=team, reason="Unpaid invoices", by=by_operator)
    flush()
    assert {message.subject for message in mail.outbox} == {"Globex Bcc: everybody@example.com is suspended"}
    assert {address for message in mail.outbox for address in message.recipients()} == set(addressed())


def test_notice_that_no_mail_can_be_made_of_holds_up_nobody(team, by_operator):
    person = User.objects.get(email="owner@globex.example")
    notices.tell(kind="of_another_version", user=person, cause="x")
    partners.suspend(partner=team, reason="Unpaid invoices", by=by_operator)
    flush()
    assert addressed() == ["developer@globex.example", "owner@globex.example"]
    unsendable = Notice.objects.get(kind="of_another_version")
    assert unsendable.failed_at
    assert "of_another_version" in unsendable.error


def test_leaked_key_is_told_without_the_key(team, by_operator):
    issued = keys.issue(partner=team, environment="live", name="Back end", by=by_operator)
    keys.report_leak(text=issued.text, by=by_operator)
    flush()
    (first, *_rest) = mail.outbox
    assert "Back end" in first.body
    assert issued.text not in first.body + first.alternatives[0].content
    assert "/p/globex/keys/" in first.body


def test_mails_leave_in_the_order_in_which_they_became_due(newcomer):
    Notice.objects.all().delete()
    for subject in ("later", "sooner"):
        notices.post(EmailMultiAlternatives(subject=subject, body="Hello", to=["ann@acme.example"]))
    latest = Notice.objects.latest("due_at")
    Notice.objects.filter(pk=latest.pk).update(due_at=latest.due_at - timedelta(minutes=1))
    notices.send_due()
    assert [message.subject for message in mail.outbox] == ["sooner", "later"]


def test_event_that_is_read_twice_is_one_mail(team, by_operator):
    from core.models import Event, Payload

    partners.suspend(partner=team, reason="x", by=by_operator)
    events = list(Event.objects.filter(type="partner.suspended"))
    payloads = {row.pk: row.data for row in Payload.objects.all()}
    notices.read(events, payloads)
    notices.read(events, payloads)
    flush()
    assert len(mail.outbox) == 2


class TestServerThatFails:
    @pytest.fixture
    def one(self, newcomer) -> Notice:
        return Notice.objects.get()

    @pytest.fixture
    def broken(self, monkeypatch):
        def fail(message, *args, **kwargs):
            raise smtplib.SMTPServerDisconnected("gone")

        monkeypatch.setattr("django.core.mail.EmailMultiAlternatives.send", fail)
        return monkeypatch.undo

    def test_mail_is_tried_again_later(self, one, broken, tick):
        notices.send_due()
        one.refresh_from_db()
        assert (one.attempts, one.sent_at, one.error) == (1, None, "gone")
        assert notices.send_due() == 0, "not at once"
        broken()
        tick(seconds=11)
        assert notices.send_due() == 1
        one.refresh_from_db()
        assert one.sent_at is not None
        assert addressed() == ["ann@acme.example"]
        assert notices.send_due() == 0

    def test_it_is_given_up_in_the_end(self, one, broken, tick):
        for _attempt in range(len(notices.PAUSES) + 1):
            assert notices.send_due() == 1
            tick(days=1)
        one.refresh_from_db()
        assert one.failed_at is not None
        assert notices.send_due() == 0


def test_mail_of_a_worker_that_died_is_taken_by_the_next_after_the_lease(newcomer, tick):
    assert len(notices._take()) == 1
    assert notices.send_due() == 0
    tick(minutes=3)
    assert notices.send_due() == 1
    (message,) = mail.outbox
    assert message.extra_headers["Message-ID"].startswith(f"<{Notice.objects.get().pk}@")

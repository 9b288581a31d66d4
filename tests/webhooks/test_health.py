"""What the team of an endpoint that fails is told."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings

from core import clock
from core.models import Event
from local.sink import Sink
from partners.models import Partner
from tests.webhooks.steps import NOWHERE, deliver, make_endpoint, publish, seal_all, statuses, tick, told
from tests.webhooks.test_webhook_pages import sign_in
from webhooks import fan_out
from webhooks.models import Delivery, Endpoint, Health

pytestmark = pytest.mark.django_db


def fail_until(reached: Callable[[], Any]) -> None:
    """A probe every ten hours."""
    for _ in range(20):
        tick(timedelta(hours=10))
        deliver()
        if reached():
            return
    raise AssertionError("it never came to that")


class TestNotices:
    """Beginning to fail, working again, soon off, off: each is told once."""

    def test_blip_is_not_told(self, broken: Endpoint, sink: Sink) -> None:
        Endpoint.objects.update(url=sink.url)
        tick()
        deliver()
        assert (told("endpoint_failing"), told("endpoint_recovered")) == (0, 0)

    def test_third_attempt_of_a_single_event_is_told(self, acme: Partner, dead: Endpoint) -> None:
        publish(acme)
        for wait in (timedelta(0), timedelta(seconds=7), timedelta(minutes=7)):
            assert told("endpoint_failing") == 0
            clock.tick(wait)
            deliver()
        assert told("endpoint_failing") == 1

    def test_failing_then_recovered(self, broken: Endpoint, sink: Sink) -> None:
        fail_until(lambda: told("endpoint_failing"))
        for _ in range(5):
            tick(timedelta(hours=1))
            deliver()
        assert told("endpoint_failing") == 1
        failing = Event.objects.get(type="webhook.endpoint_failing")
        assert failing.subject == broken.public_id
        assert failing.data is not None
        assert "nothing listens" in failing.data["reason"]
        Endpoint.objects.update(url=sink.url)
        tick(timedelta(hours=1))
        deliver()
        deliver()
        assert told("endpoint_recovered") == 1

    def test_announced_a_day_ahead_then_disabled(self, broken: Endpoint) -> None:
        since = Health.objects.get().failing_since
        assert since is not None
        fail_until(lambda: told("disable_announced"))
        assert timedelta(days=4) <= clock.now() - since < timedelta(days=4, hours=11)
        announced_at = clock.now()
        fail_until(lambda: told("disabled"))
        assert timedelta(days=1) <= clock.now() - announced_at < timedelta(days=1, hours=11)
        broken.refresh_from_db()
        assert broken.status == "disabled"
        assert "5 days" in broken.status_reason
        assert set(statuses()) == {"held"}, "nothing is dropped"
        assert (told("endpoint_failing"), told("disable_announced"), told("disabled")) == (1, 1, 1)

    def test_rare_failures_are_announced_a_day_before_too(self, acme: Partner, dead: Endpoint) -> None:
        """The second event comes when the five days are over already: the day is still given."""
        publish(acme)
        deliver()
        Delivery.objects.update(status="failed")
        clock.tick(timedelta(days=6))
        publish(acme)
        deliver()
        assert (told("disable_announced"), told("disabled")) == (1, 0)
        clock.tick(timedelta(hours=23))
        deliver()
        assert told("disabled") == 0
        clock.tick(timedelta(hours=2))
        publish(acme)
        deliver()
        assert told("disabled") == 1

    def test_link_of_a_mail_leads_into_the_environment_of_its_endpoint(self, acme: Partner, mailoutbox: Any) -> None:
        member = sign_in(acme)
        make_endpoint(acme, NOWHERE, environment="test")
        publish(acme, environment="test")
        fail_until(lambda: told("endpoint_failing"))
        seal_all()
        [link] = set(re.findall(r"http\S+/webhooks/\S+", mailoutbox[0].body))
        path = link.removeprefix(settings.BASE_URL)
        assert member.get(path.partition("?")[0]).status_code == 404
        assert NOWHERE in member.get(path, follow=True).content.decode()

    def test_mail_to_those_who_may_change_it(self, acme: Partner, broken: Endpoint, mailoutbox: Any) -> None:
        from core.models import User
        from partners.models import Member, Notice

        for role in ("owner", "developer", "viewer"):
            user = User.objects.create_user(f"{role}@acme.example", "a long enough password")
            Member.objects.create(partner=acme, user=user, role=role)
        fail_until(lambda: told("disabled"))
        seal_all()
        assert {mail.to[0] for mail in mailoutbox} == {"owner@acme.example", "developer@acme.example"}
        subjects = [mail.subject for mail in mailoutbox if mail.to == ["owner@acme.example"]]
        assert sorted(subjects) == [
            "Acme: your webhook endpoint fails",
            "Acme: your webhook endpoint was switched off",
            "Acme: your webhook endpoint will be switched off",
        ]
        assert all(NOWHERE in mail.body for mail in mailoutbox)
        assert Notice.objects.filter(kind="webhook_failing", in_portal=True).count() == 2

    def test_no_event_about_a_webhook_feeds_itself(self, acme: Partner, broken: Endpoint) -> None:
        """Not even when two dead endpoints ask to be told of each other."""
        Endpoint.objects.update(event_types=["webhook.endpoint_failing", "webhook.delivery_failed", "webhook.disabled"])
        other = make_endpoint(acme, NOWHERE, "webhook.endpoint_failing", "webhook.delivery_failed", "webhook.disabled")
        fail_until(lambda: told("disabled") == 2)
        assert told("endpoint_failing") == 2
        assert Delivery.objects.filter(endpoint=broken, event_type="webhook.endpoint_failing").count() == 1
        assert Delivery.objects.filter(endpoint=other, event_type="webhook.endpoint_failing").count() == 1
        assert told("delivery_failed") == 0
        assert not fan_out.goes_out(Event.objects.filter(type="webhook.test").first() or Event(type="webhook.test"))

"""Test events: any type, with data of one's own, to one endpoint, recognisable as tests."""

import html
import json

import pytest
from django.test import Client

from core.models import Event
from local.sink import Sink
from partners.models import Partner
from tests.webhooks.steps import deliver, make_endpoint, publish
from tests.webhooks.test_webhook_pages import sign_in
from webhooks import deliveries
from webhooks.models import Delivery, Endpoint

pytestmark = pytest.mark.django_db


@pytest.fixture
def member(acme: Partner) -> Client:
    return sign_in(acme)


@pytest.fixture
def path(endpoint: Endpoint) -> str:
    return f"/p/acme/webhooks/{endpoint.public_id}/test/"


def shown(page: object) -> str:
    return html.unescape(page.content.decode())  # type: ignore[attr-defined]


def test_edited_payload_is_sent_signed_and_marked(member: Client, path: str, sink: Sink) -> None:
    begin = shown(member.get(f"{path}?event_type=course.completed"))
    assert '"course_id": "c_77"' in begin
    data = {"course_id": "mine", "user_id": "ü", "completed_at": "2026-01-31T12:00:00Z"}
    sent = member.post(path, {"event_type": "course.completed", "data": json.dumps(data)})
    deliver()
    arrived = sink.wait_for("course.completed")
    assert arrived["verified"]
    assert (arrived["body"]["data"], arrived["body"]["test"]) == (data, True)
    page = shown(member.get(sent.headers["Location"]))
    assert "Your server answered 204" in page
    assert "webhook-signature" in page
    again = member.get(f"{path}?delivery={Delivery.objects.get().public_id}")
    assert '"course_id": "mine"' in shown(again)


def test_only_tests_are_marked(acme: Partner, endpoint: Endpoint, sink: Sink) -> None:
    publish(acme)
    deliver()
    assert "test" not in sink.wait_for("course.completed")["body"]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ('{"course_id": "c",\n "user_id" "u"}', "Line 2, column 12: Expecting ':' delimiter"),
        ("[1]", "is a JSON object"),
        ('{"course_id": NaN}', "NaN is no number in JSON"),
        ('{"course_id": "c", "user_id": 7, "completed_at": "2026-01-31T12:00:00Z"}', "user_id: 7 is not of type 'string'"),
        ('{"course_id": "c"}', "'user_id' is a required property"),
        (
            '{"course_id": "c", "user_id": "u", "completed_at": "2026-01-31T12:00:00Z", "x": "\\u0000"}',
            "NUL",
        ),
    ],
)
def test_mistakes_are_said_and_nothing_typed_is_lost(member: Client, path: str, data: str, said: str) -> None:
    page = member.post(path, {"event_type": "course.completed", "data": data})
    assert page.status_code == 422
    assert said in shown(page)
    assert data in shown(page)
    assert 'value="course.completed" selected' in shown(page)
    assert not Delivery.objects.exists()


def test_another_type_brings_its_example_unless_something_was_typed(member: Client, path: str) -> None:
    first = member.post(path, {"event_type": "mentor.matched", "data": "", "show": "type"})
    assert first.status_code == 200
    assert '"mentor_id": "m_5"' in shown(first)
    untouched = {"event_type": "user.created", "data": json.dumps({"mentor_id": "m_5", "user_id": "u_1024"}), "show": "type"}
    assert "Ada Lovelace" in shown(member.post(path, untouched))
    typed = {"event_type": "user.created", "data": '{"mine": ', "show": "type"}
    assert '{"mine": ' in shown(member.post(path, typed))
    asked = shown(member.post(path, typed | {"show": "example"}))
    assert "Ada Lovelace" in asked
    assert '{"mine": ' not in asked
    assert not Delivery.objects.exists()


def test_every_type_can_be_chosen_and_its_own_come_first(member: Client, acme: Partner, sink: Sink) -> None:
    endpoint = make_endpoint(acme, sink, "mentor.*")
    page = shown(member.get(f"/p/acme/webhooks/{endpoint.public_id}/test/"))
    assert page.index('value="webhook.test"') < page.index('value="mentor.matched"') < page.index('value="course.completed"')


def test_only_tests_can_be_edited_and_sent_anew(member: Client, acme: Partner, endpoint: Endpoint, path: str) -> None:
    """What real events say is shown without secrets; a form that is filled with it would show them."""
    publish(acme, course_id="told", user_id="u", completed_at="2026-01-31T12:00:00Z")
    deliver()
    assert "told" not in shown(member.get(f"{path}?delivery={Delivery.objects.get().public_id}"))


def test_a_test_that_fails_feeds_nobody(member: Client, acme: Partner, dead: Endpoint, sink: Sink) -> None:
    make_endpoint(acme, sink, "webhook.delivery_failed")
    member.post(f"/p/acme/webhooks/{dead.public_id}/test/", {"event_type": "course.completed", "data": ""})
    deliveries.tell_of_failures([Delivery.objects.get().pk])
    assert not Event.objects.filter(type="webhook.delivery_failed").exists()

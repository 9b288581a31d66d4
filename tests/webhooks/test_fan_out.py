"""Who is told of an event, and that nobody is told of himself."""

import pytest

from core.actors import SYSTEM
from core.models import Event, User
from local.sink import Sink
from partners.models import Member, Notice, Partner
from tests.webhooks.steps import deliver, make_endpoint, publish, seal_all
from webhooks import endpoints, fan_out, patterns
from webhooks.models import Delivery, Endpoint

pytestmark = pytest.mark.django_db

URL = "http://127.0.0.1:21399/"


@pytest.mark.parametrize(
    ("pattern", "name", "told"),
    [
        ("*", "course.completed", True),
        ("course.*", "course.completed", True),
        ("course.*", "courses.completed", False),
        ("course.*", "course", False),
        ("course.completed", "course.completed", True),
        ("course.completed", "course.completed_late", False),
        ("usage.*", "usage.alert.raised", True),
        ("*", "webhook.disabled", False),
        ("webhook.*", "webhook.disabled", False),
        ("webhook.disabled", "webhook.disabled", True),
    ],
)
def test_matching(pattern: str, name: str, told: bool) -> None:
    assert patterns.matches(pattern, name) is told


@pytest.mark.parametrize(
    "pattern", ["", "**", "*.completed", "course.*.x", "course*", "Course.*", "course.", ".", "course..x", "a" * 81]
)
def test_what_is_no_pattern(pattern: str) -> None:
    assert not patterns.well_formed(pattern)


def told_of(type: str) -> list[Endpoint]:
    return [delivery.endpoint for delivery in Delivery.objects.filter(event_type=type).order_by("id")]


def test_only_the_partner_in_its_environment_is_told(acme: Partner, globex: Partner) -> None:
    mine = make_endpoint(acme, URL, "course.*")
    make_endpoint(acme, URL, "user.*")
    make_endpoint(acme, URL, environment="test")
    make_endpoint(globex, URL)
    publish(acme)
    seal_all()
    assert told_of("course.completed") == [mine]


def test_what_concerns_everybody_goes_to_every_partner(acme: Partner, globex: Partner) -> None:
    told = {make_endpoint(acme, URL).pk, make_endpoint(globex, URL).pk}
    make_endpoint(globex, URL, environment="test")
    publish(None)
    seal_all()
    assert {endpoint.pk for endpoint in told_of("course.completed")} == told
    assert set(Delivery.objects.values_list("partner_id", flat=True)) == {acme.pk, globex.pk}


def test_platform_facts_without_partner_go_to_nobody(acme: Partner) -> None:
    make_endpoint(acme, URL)
    publish(None, "webhook.created")
    publish(None, "operator.token_issued")
    publish(acme, "operator.token_issued")
    seal_all()
    assert not Delivery.objects.exists()


def test_endpoint_is_never_told_of_itself(acme: Partner) -> None:
    one = make_endpoint(acme, URL, "webhook.disabled", "*")
    other = make_endpoint(acme, URL, "webhook.disabled")
    endpoints.disable(endpoint=one, reason="gone")
    seal_all()
    assert told_of("webhook.disabled") == [other]


@pytest.mark.parametrize("type", ["partner.suspended", "webhook.disabled"])
def test_a_test_is_no_fact(acme: Partner, sink: Sink, type: str) -> None:
    """It arrives as what it tries, at the one endpoint; the log, the mails and the other endpoints know of no such event."""
    user = User.objects.create_user("owner@acme.example", "correct horse")
    Member.objects.create(partner=acme, user=user, role="owner")
    tried, other = make_endpoint(acme, sink), make_endpoint(acme, URL, type)
    delivery = endpoints.send_test(endpoint=tried, by=SYSTEM, event_type=type)
    deliver()
    assert sink.wait_for(type)["verified"]
    assert delivery.event_type == type
    assert not Event.objects.filter(type=type).exists()
    assert Event.objects.get(pk=delivery.event_id).type == "webhook.test"
    assert not Notice.objects.exists()
    assert not Delivery.objects.filter(endpoint=other).exists()


def test_failing_about_failures_ends(acme: Partner, sink: Sink) -> None:
    """Two endpoints that watch each other and both fail don't feed each other for ever."""
    from webhooks import deliveries

    one = make_endpoint(acme, URL, "course.*", "webhook.delivery_failed")
    other = make_endpoint(acme, URL, "webhook.delivery_failed")
    publish(acme)
    seal_all()
    first = Delivery.objects.get()
    deliveries.tell_of_failures([first.pk])
    seal_all()
    assert told_of("webhook.delivery_failed") == [other]
    second = Delivery.objects.get(endpoint=other)
    deliveries.tell_of_failures([second.pk])
    seal_all()
    assert Delivery.objects.count() == 2
    assert one.pk


def test_showing_an_event_twice_changes_nothing(acme: Partner) -> None:
    make_endpoint(acme, URL)
    event = publish(acme)
    seal_all()
    event.refresh_from_db()
    fan_out.fan_out([event], {})
    assert Delivery.objects.count() == 1


def test_fan_out_takes_few_queries(acme: Partner, django_assert_max_num_queries: object) -> None:
    for _ in range(5):
        make_endpoint(acme, URL)
    events = [publish(acme) for _ in range(50)]
    with django_assert_max_num_queries(2):
        fan_out.fan_out(events, {})
    assert Delivery.objects.count() == 250


def test_removed_endpoint_is_not_told(acme: Partner) -> None:
    endpoint = make_endpoint(acme, URL)
    endpoints.remove(endpoint=endpoint, by=SYSTEM)
    publish(acme)
    seal_all()
    assert not Delivery.objects.exists()

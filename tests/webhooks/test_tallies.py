"""Attempts counted by the hour, and what is drawn and said of them."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.db.models import Max, Sum

from core import clock
from core.actors import SYSTEM
from partners.models import Partner
from tests.webhooks.steps import deliver, make_endpoint, publish
from webhooks import deliveries, inspectors, tallies
from webhooks.handover import HandingClient
from webhooks.models import Attempt, Endpoint, Inspector, Tally

pytestmark = pytest.mark.django_db(transaction=True)


def some(partner: Partner, inspector: Inspector, *, failing: int = 0, taken: int = 0) -> None:
    """Attempts of each kind, and then an hour passes."""
    for status, count in ((500, failing), (200, taken)):
        inspectors.answer_with(inspector=inspector, status=status)
        for _number in range(count):
            publish(partner)
        deliver(client=HandingClient)
    clock.tick(timedelta(hours=1))


@pytest.fixture
def inspector(acme: Partner) -> Inspector:
    return inspectors.open_new(partner=acme, environment="live", by=SYSTEM)


@pytest.fixture
def endpoint(acme: Partner, inspector: Inspector) -> Endpoint:
    return make_endpoint(acme, inspector.address)


def test_they_are_what_the_attempts_are(acme: Partner, endpoint: Endpoint, inspector: Inspector) -> None:
    other = make_endpoint(acme, inspector.address)
    for _hour in range(3):
        some(acme, inspector, failing=1, taken=2)
    for one in (endpoint, other):
        made = Attempt.objects.filter(delivery__endpoint=one)
        sums = Tally.objects.filter(endpoint=one).aggregate(
            made=Sum("attempts"), failed=Sum("failed"), took=Sum("duration_ms"), slowest=Max("slowest_ms")
        )
        failures = made.filter(succeeded=False).count()
        assert failures >= 3
        assert (sums["made"], sums["failed"]) == (made.count(), failures)
        durations = list(made.values_list("duration_ms", flat=True))
        assert (sums["took"], sums["slowest"]) == (sum(durations), max(durations))
        stats = deliveries.stats(one)
        assert (stats["attempts"], stats["failed_attempts"]) == (made.count(), failures)


def test_the_chart_covers_seven_days_and_no_more(acme: Partner, endpoint: Endpoint, inspector: Inspector) -> None:
    assert tallies.chart(endpoint) is None
    some(acme, inspector, failing=1, taken=2)
    drawn = tallies.chart(endpoint)
    assert drawn is not None
    assert [sum(series.values) for series in drawn.series] == [3, 1]  # type: ignore[arg-type]  # none is a gap
    assert len(drawn.at) == 28
    clock.tick(timedelta(days=7, hours=1))
    assert tallies.chart(endpoint) is None


def test_they_go_with_the_attempts(acme: Partner, endpoint: Endpoint, inspector: Inspector) -> None:
    some(acme, inspector, taken=1)
    assert tallies.forget_old() == 0
    clock.tick(settings.WEBHOOK_ATTEMPTS_KEPT + timedelta(hours=1))
    assert tallies.forget_old() == 1

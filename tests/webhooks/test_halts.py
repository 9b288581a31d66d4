"""An operator's pause of all of a partner's webhooks meets a partner who acts at the same moment."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction

from core.actors import SYSTEM
from partners.models import Partner
from tests.webhooks.steps import make_endpoint
from webhooks import endpoints, halts
from webhooks.models import Endpoint

pytestmark = pytest.mark.django_db(transaction=True)


def while_halting(partner: Partner, deed: Callable[[], Any]) -> list[Any]:
    """What comes of a deed that begins before the pause is committed: its result, or what it raised."""
    came: list[Any] = []

    def run() -> None:
        try:
            came.append(deed())
        except endpoints.PausedByOperator as error:
            came.append(error)
        finally:
            connection.close()

    other = threading.Thread(target=run)
    with transaction.atomic():
        halts.halt(partner=partner, reason="You asked us to stop.", by=SYSTEM)
        other.start()
        other.join(0.5)
        assert came == [], "it waits for what the operator does"
    other.join(20)
    return came


def test_a_new_endpoint_is_paused(acme: Partner) -> None:
    [made] = while_halting(acme, lambda: make_endpoint(acme, "https://example.com/hooks"))
    assert made.status == Endpoint.Status.PAUSED
    assert halts.resume(partner=acme, by=SYSTEM) == 1
    assert Endpoint.objects.get(pk=made.pk).status == Endpoint.Status.ACTIVE


def test_a_paused_endpoint_is_not_enabled(acme: Partner) -> None:
    endpoint = make_endpoint(acme, "https://example.com/hooks")
    endpoints.pause(endpoint=endpoint, by=SYSTEM)
    [refusal] = while_halting(acme, lambda: endpoints.enable(endpoint=endpoint, by=SYSTEM))
    assert isinstance(refusal, endpoints.PausedByOperator)
    assert Endpoint.objects.get(pk=endpoint.pk).status == Endpoint.Status.PAUSED

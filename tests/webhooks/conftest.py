"""Two partners, and a receiver with an endpoint at it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from local.sink import Sink

if TYPE_CHECKING:
    from partners.models import Partner
    from webhooks.models import Endpoint


@pytest.fixture(autouse=True)
def _true_time() -> Iterator[None]:
    yield
    from core import clock

    clock.reset()


@pytest.fixture
def acme(db: None) -> "Partner":
    from tests.webhooks.steps import make_partner

    return make_partner("acme")


@pytest.fixture
def globex(db: None) -> "Partner":
    from tests.webhooks.steps import make_partner

    return make_partner("globex")


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as running:
        yield running


@pytest.fixture
def endpoint(acme: "Partner", sink: Sink) -> "Endpoint":
    """An endpoint of acme's for everything, at the sink, which knows its secret."""
    from tests.webhooks.steps import make_endpoint

    return make_endpoint(acme, sink)


@pytest.fixture
def dead(acme: "Partner") -> "Endpoint":
    """An endpoint at which nothing listens."""
    from tests.webhooks.steps import NOWHERE, make_endpoint

    return make_endpoint(acme, NOWHERE)


@pytest.fixture
def broken(acme: "Partner", dead: "Endpoint") -> "Endpoint":
    """The same with an open circuit: twelve events are held, ten of them attempted."""
    from tests.webhooks.steps import deliver, publish
    from webhooks import circuits

    for _ in range(12):
        publish(acme)
    assert len(deliver(most=circuits.FAILURES)) == circuits.FAILURES
    return dead

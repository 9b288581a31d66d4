"""Fixtures of the gateway's own tests."""

import re
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from core.actors import SYSTEM
from tests.gateway.processes import GatewayProcess
from tests.gateway.upstream import Upstream


@pytest.fixture
def metrics(gateway) -> Callable[..., float]:
    """The present value of one of the gateway's counters."""

    def read(name: str, **labels: str) -> float:
        labels = {"process": gateway.running.door.metering.epoch[-8:], **labels}
        wanted = ",".join(f'{label}="{value}"' for label, value in sorted(labels.items()))
        text = gateway.get("/gateway/metrics").expect(200).body.decode()
        found = re.search(rf"^{re.escape(name)}{{{re.escape(wanted)}}} (\S+)$", text, re.MULTILINE)
        return float(found[1]) if found else 0.0

    return read


@pytest.fixture
def eventually() -> Callable[[Callable[[], object]], object]:
    """Waits until something holds, at most five seconds; returns what it is."""

    def wait(holds: Callable[[], object], seconds: float = 5.0) -> object:
        deadline = time.monotonic() + seconds
        while not (found := holds()):
            assert time.monotonic() < deadline, "it did not come true in time"
            time.sleep(0.01)
        return found

    return wait


@pytest.fixture(scope="package")
def doors(platform) -> Iterator[list[GatewayProcess]]:
    """Four gateways, each on its own port, that share nothing but Redis and PostgreSQL."""
    with ExitStack() as stack:
        yield [stack.enter_context(GatewayProcess()) for _ in range(4)]


@pytest.fixture
def upstream():
    """A real upstream, which answers as it is told."""
    running = Upstream()
    yield running
    running.stop()


@dataclass
class Served:
    """A published integration: its row, its secret, and its path on the gateway."""

    integration: Any
    secret: str

    @property
    def path(self) -> str:
        return f"/apis/{self.integration.slug}"


def publish(owner: Any, upstream: Upstream) -> Served:
    """An integration of a partner that serves the upstream, published and asking for one scope."""
    from marketplace import integrations

    slug = f"weather-{secrets.token_hex(4)}"
    drafted = integrations.create(
        partner=owner,
        environment="live",
        by=SYSTEM,
        slug=slug,
        name="Weather",
        summary="Weather by place.",
        upstream_url=upstream.url,
        scopes=["requests:read"],
    )
    integrations.submit(integration=drafted.integration, by=SYSTEM)
    drafted.integration.refresh_from_db()
    integrations.approve(integration=drafted.integration, by=SYSTEM)
    integrations.publish(integration=drafted.integration, by=SYSTEM)
    drafted.integration.refresh_from_db()
    return Served(drafted.integration, drafted.signing_secret)


@pytest.fixture
def served(globex, upstream) -> Served:
    """An integration of globex that serves the upstream."""
    return publish(globex.partner, upstream)


@pytest.fixture
def consumer(acme, served):
    """The key of a partner that has installed it."""
    from marketplace import installations

    installations.install(integration=served.integration, partner=acme.partner, environment="live", by=SYSTEM)
    return acme.key(scopes=["requests:read"])

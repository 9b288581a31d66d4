"""Fixtures of the gateway's own tests."""

import re
import time
from collections.abc import Callable

import pytest


@pytest.fixture
def metrics(gateway) -> Callable[..., float]:
    """The present value of one of the gateway's counters."""

    def read(name: str, **labels: str) -> float:
        wanted = ",".join(f'{label}="{value}"' for label, value in labels.items())
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

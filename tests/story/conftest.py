"""A whole platform in a home of its own, as `make run` brings it up."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.local.conftest import _no_outside_engines, make_home  # noqa: F401  (fixtures)
from tests.local.platform_run import PlatformRun


@pytest.fixture
def running(make_home: Callable[[], Path]) -> Iterator[PlatformRun]:  # noqa: F811  (a fixture asks for one by its name)
    """The platform, up and answering."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    run = PlatformRun(make_home(), port)
    try:
        yield run.up()
    finally:
        run.end()

"""Relay, worker and database connection ended at twelve named points: no event is lost, and what comes twice has one id.

`PORTICO_TRIALS=20 python -m pytest -m slow tests/webhooks/test_killed.py` makes as many runs of each and prints the figures.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial

import pytest
import redis as redis_client
from django.db import connection

from local.processes import Process
from local.sink import Sink
from local.valkey import program
from partners.models import Partner
from tests.webhooks.steps import make_endpoint, publish
from tests.webhooks.test_courier import database
from webhooks.claims import LEASE
from webhooks.models import Delivery

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

TRIALS = int(os.environ.get("PORTICO_TRIALS", "2"))
EVENTS = 20
POINTS = [
    ("relay.taken", "kill"),
    ("relay.linked", "kill"),
    ("relay.shown", "kill"),
    ("relay.committed", "kill"),
    ("claim.taken", "kill"),
    ("post.begun", "kill"),
    ("post.answered", "kill"),
    ("write.committed", "kill"),
    ("relay.shown", "database"),
    ("claim.taken", "database"),
    ("write.attempts", "database"),
    ("write.moved", "database"),
]


class Workers:
    """Starts workers quickly, each a fork of one process that has loaded everything."""

    def __init__(self, **env: str) -> None:
        wanted = {**os.environ, "DATABASE_URL": database(), **env}
        argv = [sys.executable, "-m", "tests.webhooks.doomed"]
        self.source = subprocess.Popen(argv, env=wanted, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._said() == "ready"

    def start(self, point: str = "-", fault: str = "none", *, ahead: int = 0) -> int:
        assert self.source.stdin is not None
        self.source.stdin.write(f"{point} {fault} {ahead}\n")
        self.source.stdin.flush()
        return int(self._said())

    def wait_for_loss(self) -> None:
        """Until a worker has lost its database."""
        assert self._said() == "lost"

    def close(self) -> None:
        self.source.kill()
        self.source.wait()

    def _said(self) -> str:
        assert self.source.stdout is not None
        return self.source.stdout.readline().strip()


def ended(worker: int) -> bool:
    try:
        os.kill(worker, 0)
    except ProcessLookupError:
        return True
    return False


def end(worker: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(worker, signal.SIGKILL)
    wait_for(partial(ended, worker))


def delivered(count: int) -> bool:
    return Delivery.objects.filter(status="succeeded").count() == count


def wait_for(holds: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def workers(django_db_setup: None) -> Iterator[Workers]:
    source = Workers()
    yield source
    source.close()


@pytest.mark.parametrize(("point", "fault"), POINTS)
def test_nothing_is_lost(acme: Partner, sink: Sink, workers: Workers, say: Callable[[str], None], point: str, fault: str) -> None:
    make_endpoint(acme, sink, "course.*")
    sent: set[str] = set()
    began = time.monotonic()
    for _ in range(TRIALS):
        sent |= {publish(acme).public_id for _ in range(EVENTS)}
        worker = workers.start(point, fault)
        try:
            if fault == "kill":
                wait_for(partial(ended, worker))
                worker = workers.start(ahead=int(LEASE.total_seconds()) + 1)
            else:
                workers.wait_for_loss()
            wait_for(partial(delivered, len(sent)))
        finally:
            end(worker)
    arrived = Counter(delivery["id"] for delivery in sink.deliveries)
    again = sum(arrived.values()) - len(arrived)
    say(
        f"{point}, {fault}: {TRIALS} runs, {len(sent)} events, {len(sent - set(arrived))} lost, "
        f"{again} came again under the same id ({time.monotonic() - began:.0f} s)"
    )
    assert set(arrived) == sent, "nothing is lost, and what came again has the id of the first"
    assert all(delivery["verified"] for delivery in sink.deliveries)
    assert Delivery.objects.count() == len(sent), "each event is one delivery"


@pytest.fixture
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Process, str]]:
    """A Valkey of its own."""
    folder = tmp_path_factory.mktemp("valkey")
    settings = {"port": "0", "unixsocket": f"{folder}/sock", "dir": str(folder), "save": ""}
    argv = [str(program()), *(word for name, value in settings.items() for word in (f"--{name}", value))]
    server = Process(name="valkey", argv=argv, log=folder / "log", env=dict(os.environ), cwd=folder)
    server.start()
    with redis_client.Redis.from_url(f"unix://{folder}/sock") as client:
        wait_for(lambda: _answers(client))
    yield server, f"unix://{folder}/sock?db=0"
    server.kill_group()


def _answers(client: "redis_client.Redis") -> bool:
    try:
        return bool(client.ping())
    except redis_client.ConnectionError:
        return False


def test_deliveries_go_on_while_redis_is_stopped(
    acme: Partner, sink: Sink, valkey: tuple[Process, str], say: Callable[[str], None]
) -> None:
    server, url = valkey
    make_endpoint(acme, sink, "course.*")
    workers = Workers(REDIS_URL=url)
    try:
        worker = workers.start()
        publish(acme)
        wait_for(lambda: len(sink.deliveries) == 1)
        server.kill_group()
        stopped, emitted = time.monotonic(), {}
        while time.monotonic() < stopped + 30:
            emitted[publish(acme).public_id] = time.time()
            time.sleep(0.5)
        wait_for(lambda: len(sink.deliveries) == len(emitted) + 1, seconds=10)
        end(worker)
    finally:
        workers.close()
        connection.close()
    waits = sorted(row["at"] - emitted[row["id"]] for row in sink.deliveries if row["id"] in emitted)
    say(f"Redis stopped for 30 s: {len(waits)} of {len(emitted)} events arrived; the slowest after {waits[-1]:.2f} s")
    assert len(waits) == len(emitted)
    assert waits[-1] < 10

"""The courier as a whole: one dead endpoint holds up nobody, and a killed worker loses nothing."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from urllib.parse import urlsplit

import psycopg
import pytest
from cryptography.fernet import Fernet
from django.db import connection, transaction

from core import clock
from core.actors import SYSTEM
from core.outbound import Client, Lookup
from local.sink import Sink
from partners.models import Partner
from tests.webhooks.steps import deliver, make_endpoint, make_partner, publish, seal_all
from webhooks import endpoints
from webhooks.courier import PER_ENDPOINT, Courier
from webhooks.models import Attempt, Delivery

pytestmark = pytest.mark.django_db(transaction=True)


class Silent:
    """A server that takes connections and never answers, until it is closed."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.taken: list[socket.socket] = []
        self.most = 0
        threading.Thread(target=self._take, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}/"

    def close(self) -> None:
        for taken in self.taken:
            taken.close()
        self.listener.close()

    def wait(self, count: int = 1) -> None:
        deadline = time.monotonic() + 60
        while len(self.taken) < count:
            assert time.monotonic() < deadline, "nobody came"
            time.sleep(0.01)

    def _take(self) -> None:
        while True:
            try:
                self.taken.append(self.listener.accept()[0])
            except OSError:
                return


@pytest.fixture
def silent() -> Iterator[Silent]:
    server = Silent()
    yield server
    server.close()


def run_courier(
    until: Callable[[], bool],
    *,
    before_stop: Callable[[], None] = lambda: None,
    seconds: float = 15,
    in_flight: int = 256,
    lookup: Lookup | None = None,
) -> float:
    """Run the real loop until something is so; returns how long that took."""

    async def run() -> float:
        stop, woken = asyncio.Event(), asyncio.Event()
        async with Client(lookup=lookup) as client:
            working = asyncio.create_task(Courier(client, in_flight=in_flight).work(stop, woken))
            began = time.monotonic()
            while not until() and time.monotonic() < began + seconds:
                await asyncio.sleep(0.02)
            took = time.monotonic() - began
            before_stop()
            stop.set()
            await asyncio.wait_for(working, 20)
        return took

    return asyncio.run(run())


def test_hanging_endpoint_does_not_delay_another(acme: Partner, globex: Partner, sink: Sink, silent: Silent) -> None:
    make_endpoint(acme, silent.url)
    make_endpoint(globex, sink)
    for _ in range(40):
        publish(acme)
        publish(globex)
    seal_all()
    took = run_courier(lambda: len(sink.deliveries) >= 40, before_stop=silent.close)
    assert len({delivery["id"] for delivery in sink.deliveries}) == 40
    assert took < 10, "the silent endpoint's timeout is 15 s; nobody else waits for it"
    assert len(silent.taken) == PER_ENDPOINT
    assert Delivery.objects.filter(partner=globex, status="succeeded").count() == 40
    assert Attempt.objects.filter(succeeded=True).count() == 40


def test_backlog_of_one_endpoint_does_not_hide_another(acme: Partner, globex: Partner, sink: Sink, silent: Silent) -> None:
    make_endpoint(acme, silent.url)
    make_endpoint(globex, sink)
    with transaction.atomic():
        for _ in range(100):  # a claim for 16 looks at 64
            publish(acme)
        publish(globex)
    seal_all()
    took = run_courier(lambda: len(sink.deliveries) == 1, before_stop=silent.close, in_flight=16)
    assert took < 10


def test_results_survive_the_stop(acme: Partner, sink: Sink) -> None:
    make_endpoint(acme, sink)
    for _ in range(20):
        publish(acme)
    seal_all()
    run_courier(lambda: bool(sink.deliveries))
    sent = {delivery["id"] for delivery in sink.deliveries}
    assert len(sent) == len(sink.deliveries), "each was sent once"
    assert Delivery.objects.filter(status="succeeded").count() == len(sent)


def database() -> str:
    """The test database's URL."""
    url = urlsplit(os.environ["DATABASE_URL"])
    return url._replace(path="/" + str(connection.settings_dict["NAME"])).geturl()


def test_lost_database_takes_no_post_back(acme: Partner, silent: Silent) -> None:
    """What is in flight ends and is written down once the database is there again; nobody is sent it twice."""
    make_endpoint(acme, silent.url)
    publish(acme)
    seal_all()
    name, lost_at, found_at = str(connection.settings_dict["NAME"]), 0.0, 0.0
    connection.close()
    server = psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)

    def lost_and_found() -> bool:
        nonlocal lost_at, found_at
        if silent.taken and not lost_at:
            server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
            server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
            lost_at = time.monotonic()
        if lost_at and not found_at and time.monotonic() - lost_at > 1.5:
            server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
            found_at = time.monotonic()
        return bool(found_at)

    try:
        run_courier(lost_and_found, before_stop=silent.close)
    finally:
        server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
        server.close()
    assert len(silent.taken) == 1
    assert Delivery.objects.get().attempt_count == 1


def test_fault_of_our_own_is_an_attempt_like_any_other(acme: Partner) -> None:
    make_endpoint(acme, "http://broken.example/")
    publish(acme)
    seal_all()

    def broken(host: str, port: int) -> list[str]:
        raise RuntimeError("nobody thought of this")

    run_courier(lambda: False, lookup=broken, seconds=1)
    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.attempt_count) == ("pending", 1)
    assert "could not send" in delivery.explanation


def test_event_of_an_endpoint_that_is_being_enabled_goes_out(acme: Partner, sink: Sink) -> None:
    """Held or sent, but never held by an endpoint that is on: nothing would release it."""
    endpoint = make_endpoint(acme, sink)
    endpoints.pause(endpoint=endpoint, by=SYSTEM)
    publish(acme)

    def relay() -> None:
        try:
            seal_all()
        finally:
            connection.close()

    relaying = threading.Thread(target=relay)
    with transaction.atomic():
        endpoints.enable(endpoint=endpoint, by=SYSTEM)
        relaying.start()
        relaying.join(1)  # it may wait for us
    relaying.join()
    deliver()
    assert sink.wait_for("course.completed")["verified"]


WORKER = """
import asyncio, django
django.setup()
from core.streams import STREAMS
asyncio.run(STREAMS["deliveries"].run(asyncio.Event()))
"""


def test_killed_worker_loses_nothing(acme: Partner, silent: Silent) -> None:
    endpoint = make_endpoint(acme, silent.url)
    event = publish(acme)
    seal_all()
    worker = subprocess.Popen([sys.executable, "-c", WORKER], env={**os.environ, "DATABASE_URL": database()})
    try:
        silent.wait()
    finally:
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait()
    assert Delivery.objects.get().status == "pending"
    assert deliver() == [], "the dead worker's lease still runs"
    with Sink(secret=endpoint.secret) as sink:
        type(endpoint).objects.update(url=sink.url)
        clock.tick(timedelta(seconds=61))
        deliver()
        assert sink.wait_for("course.completed")["id"] == event.public_id
    assert Delivery.objects.get().status == "succeeded"


def test_two_workers_never_take_the_same(acme: Partner, sink: Sink) -> None:
    make_endpoint(acme, sink)
    make_endpoint(make_partner("initech"), sink.url)
    for _ in range(60):
        publish(acme)
    seal_all()

    async def run() -> None:
        stop, woken = asyncio.Event(), asyncio.Event()
        async with Client() as client:
            working = [asyncio.create_task(Courier(client).work(stop, woken)) for _ in range(3)]
            began = time.monotonic()
            while len(sink.deliveries) < 60 and time.monotonic() < began + 15:
                await asyncio.sleep(0.02)
            stop.set()
            await asyncio.gather(*working)

    asyncio.run(run())
    assert len(sink.deliveries) == 60
    assert len({delivery["id"] for delivery in sink.deliveries}) == 60


def test_unreadable_secret_holds_up_nobody_else(acme: Partner, globex: Partner, sink: Sink) -> None:
    broken = make_endpoint(acme, "http://127.0.0.1:21399/")
    make_endpoint(globex, sink)
    with connection.cursor() as cursor:
        token = Fernet(Fernet.generate_key()).encrypt(b"whsec_")
        cursor.execute("UPDATE webhooks_endpoint SET secret = %s WHERE id = %s", [token, broken.pk])
    publish(acme)
    publish(globex)
    deliver()
    assert sink.wait_for("course.completed")["body"]["partner_id"] == globex.public_id
    assert Delivery.objects.get(partner=acme).status == "pending"

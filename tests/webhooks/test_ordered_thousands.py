"""Ten thousand events about a hundred subjects to one endpoint that fails at random, by two couriers at once."""

import asyncio
import json
import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.db import transaction

from core import events
from core.actors import SYSTEM
from core.events import TYPES
from core.outbound import Client
from partners.models import Partner
from tests.webhooks.steps import seal_all
from webhooks import endpoints, schedule
from webhooks.courier import Courier
from webhooks.models import Attempt, Delivery

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

EVENTS, SUBJECTS = 10_000, 100
FAILING = 0.1


class Unreliable:
    """A receiver that answers 204, 500 or breaks off by chance, and remembers what it took of each subject, in order."""

    def __init__(self) -> None:
        self.taken: dict[str, list[int]] = defaultdict(list)
        self.refused = 0
        self.broken_off = 0
        self._chance = random.Random(6)
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._ready.wait(10)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _run(self) -> None:
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        self._ready.set()
        self._loop.run_forever()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0])
                body = json.loads(await reader.readexactly(length))
                lot = self._chance.random()
                if lot < FAILING / 2:
                    self.broken_off += 1
                    return
                if lot < FAILING:
                    self.refused += 1
                    writer.write(b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n")
                else:
                    self.taken[body["data"]["course_id"]].append(body["data"]["place"])
                    writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()


@pytest.fixture
def unreliable() -> Iterator[Unreliable]:
    receiver = Unreliable()
    yield receiver
    receiver.close()


def happen(partner: Partner) -> None:
    """Each subject's events are numbered as they happen; the subjects come in any order."""
    order = [place % SUBJECTS for place in range(EVENTS)]
    random.Random(7).shuffle(order)
    places: dict[str, int] = defaultdict(int)
    kind = TYPES["course.completed"]
    for begin in range(0, EVENTS, 500):
        with transaction.atomic():
            for number in order[begin : begin + 500]:
                subject = f"course-{number}"
                places[subject] += 1
                data = {**kind.example, "course_id": subject, "place": places[subject]}
                events.emit(type=kind, partner=partner, subject=subject, data=data)
    seal_all()


async def deliver_all(couriers: int, seconds: float) -> None:
    stop = asyncio.Event()
    async with Client() as client:
        working = [asyncio.create_task(Courier(client).work(stop, asyncio.Event())) for _ in range(couriers)]
        deadline = time.monotonic() + seconds
        while await asyncio.to_thread(_open) and time.monotonic() < deadline:
            await asyncio.sleep(0.2)
        stop.set()
        await asyncio.gather(*working)


def _open() -> bool:
    from django.db import connection

    try:
        return Delivery.objects.filter(status="pending").exists()
    finally:
        connection.close()


def test_each_subject_s_successes_are_in_order(
    acme: Partner, unreliable: Unreliable, monkeypatch: pytest.MonkeyPatch, say: Callable[[str], None]
) -> None:
    waits = (timedelta(0), *[timedelta(milliseconds=50)] * 7)
    monkeypatch.setattr(schedule, "SCHEDULE", waits)  # the schedule is data; in hours nothing else would be seen
    options = {"url": unreliable.url, "event_types": ["course.*"], "fifo": True, "concurrency": 20}
    endpoints.create(partner=acme, environment="live", by=SYSTEM, **options)
    happen(acme)
    began = time.monotonic()
    asyncio.run(deliver_all(2, 120))
    took = time.monotonic() - began
    late = sum(1 for places in unreliable.taken.values() if places != sorted(places))
    arrived = sum(map(len, unreliable.taken.values()))
    failed = unreliable.refused + unreliable.broken_off
    say(
        f"{EVENTS} events about {SUBJECTS} subjects, {failed} attempts failed at random ({unreliable.broken_off} broken off): "
        f"{arrived} arrived, {EVENTS - arrived} lost, {late} subjects out of order; {took:.0f} s, {arrived / took:.0f}/s"
    )
    assert late == 0
    assert {subject: len(set(places)) for subject, places in unreliable.taken.items()} == dict.fromkeys(unreliable.taken, 100)
    assert len(unreliable.taken) == SUBJECTS
    assert Delivery.objects.filter(status="succeeded").count() == EVENTS
    assert Attempt.objects.filter(succeeded=True).count() == arrived
    assert Attempt.objects.filter(status_code=500).count() == unreliable.refused
    # Who breaks off on a kept connection is asked once more within the attempt.
    assert Attempt.objects.filter(status_code=None).count() <= unreliable.broken_off

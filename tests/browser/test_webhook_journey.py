"""Webhooks as a newcomer tries them, without a server: an inspector, a test event, a failure explained, mended, replayed."""

import asyncio
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from core import clock, relay
from partners.models import Partner
from tests.browser import people
from tests.browser.conftest import EXTREMES, Visit
from tests.webhooks.steps import publish
from webhooks import replays
from webhooks.courier import Courier
from webhooks.handover import HandingClient
from webhooks.models import Delivery, InspectedRequest, Inspector, Replay

pytestmark = pytest.mark.django_db(transaction=True)


class Worker:
    """What the worker's processes do for webhooks: relay, deliver, replay; until it is told to stop."""

    def __init__(self) -> None:
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._relay), threading.Thread(target=self._deliver)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(20)

    def _relay(self) -> None:
        while not self._over.wait(0.1):
            relay.relay()
            replays.step()
        connection.close()

    def _deliver(self) -> None:
        async def deliver() -> None:
            stop, woken = asyncio.Event(), asyncio.Event()
            async with HandingClient() as client:
                working = asyncio.create_task(Courier(client).work(stop, woken))
                while not self._over.is_set():
                    await asyncio.sleep(0.1)
                    woken.set()
                stop.set()
                await working

        asyncio.run(deliver())


@pytest.fixture
def worker(transactional_db: None) -> Iterator[Worker]:
    running = Worker()
    yield running
    running.stop()


@pytest.fixture
def here(live_server: Any, settings: Any) -> None:
    """The platform's address, of which inspectors' are."""
    settings.BASE_URL = live_server.url.replace("127.0.0.1", "localhost")


def until(holds: Any, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come to it in time"
        time.sleep(0.05)


def test_webhooks_are_tried_explained_mended_and_replayed(here: None, worker: Worker, visit: Visit) -> None:
    owner, partner = people.established()
    visitor = visit(owner)
    page = visitor.page
    visitor.goto(f"/p/{partner.slug}/webhooks/inspectors/?environment=live")
    visitor.see("inspectors-none", EXTREMES)
    page.get_by_role("button", name="New inspector").first.click()
    page.get_by_text("Nothing has arrived yet").wait_for()
    visitor.see("inspector-empty", EXTREMES)
    inspector = Inspector.objects.get(partner=partner)
    own = page.url
    assert inspector.token not in own

    page.get_by_role("link", name="Make an endpoint with it").click()
    assert page.input_value("[name=url]") == inspector.address
    page.get_by_label("Everything").check()
    page.locator("main form button[type=submit], main form button:not([type])").last.click()
    page.get_by_text("Signing secret").first.wait_for()

    page.goto(own)
    page.locator("#arrived ~ *, main dl a").first.wait_for()
    page.get_by_role("link", name="whk_").first.click()
    page.get_by_role("link", name="Send test").click()
    page.get_by_role("button", name="Send test").click()
    page.get_by_text("Attempt 1").wait_for()
    page.goto(own)
    page.get_by_text("Verified").first.wait_for()
    visitor.see("inspector-full", EXTREMES)
    page.locator("#arrived tbody a").first.click()
    page.get_by_text("your server can take it").wait_for()
    visitor.see("inspected", EXTREMES)

    see_it_fail(visitor, own, partner)

    page.goto(own)
    page.select_option("[name=answer_status]", "200")
    page.get_by_role("button", name="Answer so").click()
    page.get_by_text("From now on it answers 200").wait_for()
    replay_the_failed(visitor, own)
    assert Delivery.objects.filter(partner=partner, status="succeeded").count() == 4
    assert InspectedRequest.objects.filter(inspector=inspector, verdict="verified", answered=200).count() == 4
    page.goto(own)
    page.get_by_role("link", name="whk_").first.click()
    page.get_by_text("Attempts, 7 days").wait_for()
    visitor.see("webhook-with-attempts", EXTREMES)


def see_it_fail(visitor: Any, own: str, partner: Partner) -> None:
    page = visitor.page
    page.goto(own)
    page.select_option("[name=answer_status]", "500")
    page.get_by_role("button", name="Answer so").click()
    page.get_by_text("From now on it answers 500").wait_for()
    for _number in range(3):
        publish(partner)
    failed = Delivery.objects.filter(partner=partner, status_code=500)
    until(lambda: failed.filter(attempt_count=1).count() == 3)
    failed.update(due_at=clock.now() + timedelta(hours=1))  # so that they are still failing when they are counted
    visitor.goto(f"/p/{partner.slug}/webhooks/deliveries/?environment=live")
    page.locator("main tbody a").first.click()
    page.get_by_text("Your server answered 500: the handler failed. Its log says why.").first.wait_for()
    visitor.see("delivery-failing", EXTREMES)


def replay_the_failed(visitor: Any, own: str) -> None:
    page = visitor.page
    page.goto(own)
    page.get_by_role("link", name="whk_").first.click()
    page.get_by_role("link", name="Replay").click()
    page.get_by_role("button", name="Count").click()
    page.get_by_text("3 deliveries fit").wait_for()
    visitor.see("replay-counted", EXTREMES)
    page.get_by_role("button", name="Send 3 deliveries again").click()
    page.get_by_text("100%").first.wait_for()
    page.get_by_text("All were sent.").wait_for()
    visitor.see("replay-done", EXTREMES)
    until(lambda: Replay.objects.get().status == "finished")

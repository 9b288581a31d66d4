"""Gateway, web and worker are killed, each while the story and another partner's calls go on: nothing is lost or doubled."""

import os
import signal
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest

from local.sink import Sink
from local.story import Story
from local.visitor import Program, until
from tests.local.platform_run import PlatformRun

pytestmark = pytest.mark.slow

# Who is killed, with SIGKILL, at the beginning of which step.
VICTIMS = {
    "It goes through the onboarding": "web",
    "It calls the API": "gateway",
    "A worker does the work": "worker",
    "A seller publishes an integration": "web",
    "It calls it through the gateway": "gateway",
    "The month is closed": "worker",
}


@dataclass
class Caller:
    """Hands in one request after the other until it is told to stop; each under a key of its own, as often as it takes."""

    program: Program
    made: dict[str, str] = field(default_factory=dict)
    sent: int = 0
    stop: threading.Event = field(default_factory=threading.Event)
    fault: BaseException | None = None

    def run(self) -> None:
        try:
            while not self.stop.is_set():
                once = f"kill-{len(self.made)}"
                answer = self.program.post("/api/requests", {"type": "ONBOARDING", "payload": once}, once=once).expect(201)
                self.made[once] = answer["requestId"]
                self.sent += answer.attempts
                self.stop.wait(0.05)
        except BaseException as error:
            self.fault = error


def kill(running: PlatformRun, name: str) -> None:
    """As the kernel does when memory is short: no warning, no cleaning up."""
    os.kill(running.demo["pids"][name], signal.SIGKILL)


def everything(program: Program, path: str) -> list[dict[str, Any]]:
    """All pages of a list."""
    rows, cursor = [], ""
    while cursor is not None:
        page = program.get(f"{path}{'&' if '?' in path else '?'}limit=200&cursor={cursor}").expect(200)
        rows, cursor = rows + page["data"], page["next_cursor"]
    return rows


def test_story_ends_well_and_nothing_is_lost_or_doubled(running: PlatformRun) -> None:
    demo = running.demo
    killed: list[str] = []

    def before(title: str) -> None:
        if title in VICTIMS:
            kill(running, VICTIMS[title])
            killed.append(VICTIMS[title])

    with Sink() as sink:
        consumer = Program(demo["base_url"], key=demo["consumer"]["api_key"])
        hook = {"url": f"{sink.url}/hooks", "event_types": ["request.completed"]}
        sink.secret = consumer.post("/api/partner/v1/webhooks", hook).expect(201)["secret"]
        caller = Caller(consumer)
        thread = threading.Thread(target=caller.run)
        thread.start()
        try:
            facts = Story(running.home, before=before).tell()
        finally:
            caller.stop.set()
            thread.join(120)
        assert caller.fault is None, caller.fault
        assert set(killed) == {"gateway", "web", "worker"}

        assert_each_request_was_made_once_and_done(consumer, caller)
        assert_each_completion_was_told(sink, caller)
        assert_every_call_is_counted_or_known_to_be_unknown(consumer, caller)
    assert len(everything(Program(demo["base_url"], key=facts.key), "/api/requests")) == 1
    for name in ("gateway", "web", "worker"):
        assert f"{name} " in running.said, f"the supervisor said nothing of {name}"


def assert_each_request_was_made_once_and_done(consumer: Program, caller: Caller) -> None:
    def all_done() -> list[dict[str, Any]] | None:
        rows = everything(consumer, "/api/requests?type=ONBOARDING")
        return rows if all(row["status"] == "COMPLETED" for row in rows) else None

    rows = until(all_done, seconds=90, what="The end of all requests")
    assert Counter(row["payload"] for row in rows) == Counter(caller.made.keys())
    assert {row["payload"]: row["requestId"] for row in rows} == caller.made


def assert_each_completion_was_told(sink: Sink, caller: Caller) -> None:
    """At least once, as promised; each of them as one event, however often it was sent."""
    wanted = set(caller.made.values())

    def told() -> dict[str, set[str]] | None:
        found: dict[str, set[str]] = {}
        for delivery in list(sink.deliveries):
            assert delivery["verified"], delivery
            found.setdefault(delivery["body"]["data"]["request_id"], set()).add(delivery["id"])
        return found if found.keys() >= wanted else None

    found = until(told, seconds=90, what="The delivery of all events")
    assert found.keys() == wanted
    assert all(len(events) == 1 for events in found.values())


def assert_every_call_is_counted_or_known_to_be_unknown(consumer: Program, caller: Caller) -> None:
    """Calls that a killed gateway had let through and not yet reported are known by number only."""
    posts = len(caller.made)
    deadline = time.monotonic() + 90
    while True:
        rows = consumer.get("/api/partner/v1/usage/endpoints").expect(200)["data"]
        counted = sum(row["requests"] for row in rows if row["operation"] == "POST /api/partner/v1/requests")
        unknown = consumer.get("/api/partner/v1/usage/summary").expect(200)["unknown"]
        if counted + unknown >= posts or time.monotonic() > deadline:
            break
        time.sleep(0.5)
    assert posts <= counted + unknown
    assert counted <= caller.sent

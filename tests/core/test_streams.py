"""Loops are woken, stop when told, and start again after a failure."""

import asyncio
import time

import pytest
from django.db import OperationalError

from core import streams, wake


def run(stream: streams.Stream, during) -> None:
    async def both() -> None:
        stop = asyncio.Event()
        running = asyncio.create_task(streams.keep_running(stream, stop))
        await during()
        stop.set()
        await asyncio.wait_for(running, 5)

    asyncio.run(both())


async def until(condition, seconds: float = 5) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


def test_goes_on_while_there_is_work_and_wakes_for_more(redis) -> None:
    left, steps = 5, []

    def step() -> int:
        nonlocal left
        steps.append(left)
        left -= 1 if left else 0
        return left

    async def during() -> None:
        nonlocal left
        await until(lambda: left == 0)
        count = len(steps)
        await until(lambda: dict(redis.pubsub_numsub(wake.CHANNEL.format("test-loop"))).get(b"wake:test-loop", 0) == 1)
        left = 1
        wake.now("test-loop")
        await until(lambda: len(steps) > count)

    run(streams.repeating("test-loop", step, idle=60), during)


def test_a_failure_long_after_the_last_is_a_first_one_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "FIRST_BACKOFF", 0.01)
    monkeypatch.setattr(streams, "RECOVERED", 0.3)
    begun, ended = [], []

    async def fail(stop: asyncio.Event) -> None:
        begun.append(time.monotonic())
        if len(begun) == 7:
            await asyncio.sleep(0.4)  # it had recovered
        ended.append(time.monotonic())
        raise OperationalError("gone")

    async def during() -> None:
        await until(lambda: len(begun) == 8)

    run(streams.Stream("failing", fail), during)
    assert begun[6] - ended[5] > 0.3
    assert begun[7] - ended[6] < 0.1


def test_failure_of_an_engine_is_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    tries = []

    def step() -> int:
        tries.append(1)
        if len(tries) < 2:
            raise OperationalError("gone")
        return 0

    async def during() -> None:
        await until(lambda: len(tries) >= 2)

    run(streams.repeating("failing", step, idle=0.05), during)

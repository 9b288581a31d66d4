"""Keys that are asked for at the same time are looked up together."""

import asyncio
from contextlib import contextmanager

import pytest
from django.db import OperationalError

from gateway.lookups import MOST_TOGETHER, Lookups
from gateway.threads import PostgresAway, Threads


@contextmanager
def threads():
    made = Threads()
    try:
        yield made
    finally:
        made.stop()


def look(find, *keys):
    """What each key gets, asked for in one turn of a loop."""

    async def ask(running):
        lookups = Lookups(running, find)
        return await asyncio.gather(*(lookups.find(key) for key in keys), return_exceptions=True)

    with threads() as running:
        return asyncio.run(ask(running))


def test_what_is_asked_for_together_is_one_look_of_a_bounded_size():
    looks = []

    def find(keys):
        looks.append(sorted(keys))
        return {key: -key for key in keys if key % 2}

    found = look(find, *range(MOST_TOGETHER + 50), 7)
    assert found == [-key if key % 2 else None for key in [*range(MOST_TOGETHER + 50), 7]]
    assert [len(each) for each in looks] == [MOST_TOGETHER, 50]


def test_a_look_that_has_begun_answers_nobody_who_asks_later():
    answers = iter(["before", "after"])

    async def ask(running):
        lookups = Lookups(running, lambda keys: dict.fromkeys(keys, next(answers)))
        first = asyncio.ensure_future(lookups.find("a"))
        await asyncio.sleep(0)
        while lookups._waiting:  # it has begun when nobody waits for it to begin
            await asyncio.sleep(0)
        return await asyncio.gather(first, lookups.find("a"))

    with threads() as running:
        assert asyncio.run(ask(running)) == ["before", "after"]


def test_one_that_cant_be_read_spoils_none_of_the_others():
    def find(keys):
        if "bad" in keys:
            raise ValueError("bad")
        return dict.fromkeys(keys, "found")

    first, bad, last = look(find, "a", "bad", "b")
    assert (first, last) == ("found", "found")
    assert isinstance(bad, ValueError)


def test_without_postgres_all_are_told():
    def find(keys):
        raise OperationalError("gone")

    assert all(isinstance(told, PostgresAway) for told in look(find, "a", "b"))


def test_who_stops_waiting_leaves_the_others_their_answer():
    async def ask(running):
        lookups = Lookups(running, lambda keys: dict.fromkeys(keys, "found"))
        waits, leaves = (asyncio.ensure_future(lookups.find("a")) for _ in range(2))
        await asyncio.sleep(0)
        leaves.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaves
        return await waits

    with threads() as running:
        assert asyncio.run(ask(running)) == "found"

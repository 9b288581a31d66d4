"""Questions to the limits: those of one turn of the loop are asked together, as one script.

What a caller asks is the same every time, so its words are packed once (`Question`), and a turn's question is their joining.
"""

import asyncio
import hashlib
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import hiredis
import structlog

from core import clock, gcra
from gateway.pipelining import Redis, RedisAway, Word, array, bulk

log = structlog.get_logger(__name__)

SOURCE = (Path(__file__).parent / "take.lua").read_text()
NO_QUOTA = -2
MOST_TOGETHER = 20
"""Calls in one script: Redis begins with these while the gateway is still reading the next."""

_BY_HASH = bulk("EVALSHA", hashlib.sha1(SOURCE.encode(), usedforsecurity=False).hexdigest())
_IN_FULL = bulk("EVAL", SOURCE)

Answer = list[Any]


class Question:
    """What `take.lua` is asked of one call: packed keys and arguments, and how many they are.

    One about a call that takes a place is asked as its `of` says.
    """

    __slots__ = ("argument_count", "arguments", "key_count", "keys")

    def __init__(
        self,
        *,
        versions: Sequence[tuple[str, int]] = (),
        rates: Sequence[tuple[str, int]] = (),
        quota: tuple[str, int] | None = None,
        places: tuple[str, int] | None = None,
        used: tuple[str, int] | None = None,
        member: str = "",
    ) -> None:
        """`versions` and `rates` are keys with the version expected and the calls a minute; `quota` is the key of the
        months' counts with the calls a month (-1: counted only), `places` that of calls under way with how many there may
        be; `used` are a month and what its missing count starts from, `member` who is metered ("": nobody)."""
        names = [*(key for key, _ in versions), *(key for key, _ in rates)]
        limit = NO_QUOTA
        if quota is not None:
            names.append(quota[0])
            limit = quota[1]
        month, start = used or ("0", 0)
        numbers = [limit, start, int(month.replace("-", ""))]
        for _, each in rates:
            numbers += [gcra.interval(each), gcra.span(each)]
        if places is not None:
            names.append(places[0])
            numbers.append(places[1])
        fixed = struct.pack(f">BBB{len(numbers)}d", len(versions), len(rates), places is not None, *numbers)
        words: list[Word] = [fixed, member, *(known for _, known in versions)]
        self.keys = bulk(*names)
        self.arguments = bulk(*words)
        self.key_count = len(names)
        self.argument_count = len(words)

    def of(self, place: bytes) -> "Question":
        """The same of the call that would take the place with this id."""
        made = Question.__new__(Question)
        made.keys, made.key_count = self.keys, self.key_count
        made.arguments = self.arguments + bulk(place)
        made.argument_count = self.argument_count + 1
        return made


Waiting = tuple[Question, asyncio.Future[Answer | None]]


class Questions:
    """Asks what the calls of one turn of the loop ask. `epoch_key` is the hash of what this process has admitted."""

    def __init__(self, redis: Redis, epoch_key: str) -> None:
        self._redis = redis
        self._epoch_key = bulk(epoch_key)
        self._loop = asyncio.get_running_loop()
        self._waiting: list[Waiting] = []

    def ask(self, question: Question) -> asyncio.Future[Answer | None]:
        """The answer to one question; None while Redis is away."""
        future: asyncio.Future[Answer | None] = self._loop.create_future()
        if not self._waiting:
            self._loop.call_soon(self._send)
        self._waiting.append((question, future))
        if len(self._waiting) >= MOST_TOGETHER:
            self._send()
        return future

    def _send(self) -> None:
        together, self._waiting = self._waiting, []
        if not together:  # sent before the turn was over
            return
        questions = [question for question, _ in together]
        key_count = 1 + sum([question.key_count for question in questions])
        count = 4 + key_count + sum([question.argument_count for question in questions])
        keys = [self._epoch_key, *[question.keys for question in questions]]
        arguments = [bulk(_offset()), *[question.arguments for question in questions]]
        self._run(together, array(count), b"".join((bulk(key_count), *keys, *arguments)))

    def _run(self, together: list[Waiting], head: bytes, words: bytes, *, known: bool = True) -> None:
        """Send the script by its hash, or in full to a server that doesn't know it."""
        try:
            asked = self._redis.send_packed(head + (_BY_HASH if known else _IN_FULL) + words)
        except RedisAway:
            _settle(together, None)
            return

        def answered(asked: asyncio.Future[list[Answer]]) -> None:
            error = asked.exception()
            if known and isinstance(error, hiredis.ReplyError) and str(error).startswith("NOSCRIPT"):
                self._run(together, head, words, known=False)
                return
            if isinstance(error, hiredis.HiredisError):
                log.error("limits_script_failed", error=str(error))
            _settle(together, asked.result() if error is None else None)

        asked.add_done_callback(answered)


def _settle(together: list[Waiting], answers: list[Answer] | None) -> None:
    for index, (_, future) in enumerate(together):
        if not future.done():  # the client may have gone
            future.set_result(answers[index] if answers is not None else None)


def _offset() -> int:
    return int(clock.offset().total_seconds() * 1_000_000)

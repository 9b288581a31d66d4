"""Wake-up calls between processes. Rows are the truth; a message only shortens the wait for the next look at them."""

import contextlib
from functools import cache

import redis
from django.conf import settings
from django.db import transaction

CHANNEL = "wake:{}"


@cache
def _client() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1)


def now(name: str) -> None:
    """Wake the loops that wait for `name`. Redis being away is no error: they look on their own soon after."""
    with contextlib.suppress(redis.RedisError):
        _client().publish(CHANNEL.format(name), b"")


def on_commit(name: str) -> None:
    """Wake them once the running transaction has committed, once however often it is asked for."""
    connection = transaction.get_connection()
    waiting = {getattr(entry[1], "wakes", None) for entry in connection.run_on_commit}
    if name in waiting:
        return

    def call() -> None:
        now(name)

    call.wakes = name  # type: ignore[attr-defined]  # how it is recognised above
    transaction.on_commit(call)

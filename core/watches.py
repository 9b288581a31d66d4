"""Looks after upstreams: notes on a row when its upstream is left alone for a while, and when it works again."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

import redis
from django.db import transaction

from core import clock, health
from core.health import Health
from core.states import StaleState, swap

PATIENCE = timedelta(minutes=1)
"""A circuit that is open for so long is worth telling."""
IDLE = 10.0
"""Seconds between two looks."""


def opened() -> set[UUID]:
    """Whose circuit a gateway has opened; of none while Redis is away."""
    try:
        names = health.client().smembers(health.OPEN)
    except redis.RedisError:
        return set()
    return {UUID((name.decode() if isinstance(name, bytes) else name).partition(":")[0]) for name in names}


def look(row: Any, *, on_down: Callable[[Health], None], on_restored: Callable[[], None]) -> bool:
    """Set or clear `down_since` of a row and tell; returns whether something has changed."""
    now, found, down = clock.now(), health.of(row.pk), row.down_since
    with suppress(StaleState):
        if down is None and found.open_since is not None and found.open_since <= now - PATIENCE:
            with transaction.atomic():
                swap(row, where={"down_since": None}, down_since=found.open_since)
                on_down(found)
            return True
        if down is not None and found.open_since is None and found.last_success_at is not None and found.last_success_at > down:
            with transaction.atomic():
                swap(row, where={"down_since": down}, down_since=None)
                on_restored()
            return True
    if found.open_since is None:
        with suppress(redis.RedisError):
            health.client().srem(health.OPEN, row.pk.hex, f"{row.pk.hex}:test")
    return False

"""What pages remember for a while and can do without."""

import time
from collections.abc import Callable
from typing import Any, TypeVar

import redis
import structlog
from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.redis import RedisCache

log = structlog.get_logger(__name__)

T = TypeVar("T")

# Seconds for which a Redis that didn't answer is left alone, so that pages don't wait for it one after the other.
REST = 5.0


class LossyCache(RedisCache):
    """Finds and keeps nothing while Redis is away. Not for what is counted to refuse somebody: that has to know."""

    _asleep_until = 0.0

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        return self._unless_away(lambda: super(LossyCache, self).get(key, default, version), default)

    def add(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        return self._unless_away(lambda: super(LossyCache, self).add(key, value, timeout, version), False)

    def set(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> None:
        self._unless_away(lambda: super(LossyCache, self).set(key, value, timeout, version), None)

    @classmethod
    def _unless_away(cls, ask: Callable[[], T], otherwise: T) -> T:
        if time.monotonic() < cls._asleep_until:
            return otherwise
        try:
            return ask()
        except redis.RedisError as error:
            cls._asleep_until = time.monotonic() + REST
            log.warning("cache_away", reason=str(error))
            return otherwise

"""Versions of what gateways cache: keys, tokens, partners.

A verb that changes what a gateway must know calls `bump` in its transaction. The version is the id of a row in the change
log, so it comes from PostgreSQL, only grows, and survives the loss of Redis. After the commit it is *set* in Redis,
never counted; a gateway that finds another version than its snapshot's, or none, reloads. If the process dies between
commit and set, or Redis is away, the gateways' own reading of the change log, every second, does it.
"""

import contextlib
from functools import cache
from typing import Any
from uuid import UUID

import redis
from django.conf import settings
from django.db import models, transaction

from core.models import Change

KEY = "v:{}"

# Sets the version unless a later one is there; several commits may arrive in any order.
SET_IF_LATER = """
local v = redis.call('GET', KEYS[1])
if not v or tonumber(v) < tonumber(ARGV[1]) then redis.call('SET', KEYS[1], ARGV[1]) end
"""


@cache
def _client() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1)


def bump(instance: models.Model) -> int:
    """Give the row a new version in the running transaction, and tell the gateways once it has committed.

    Locks the row, so that versions commit in their order.
    """
    kind: Any = type(instance)
    kind._base_manager.select_for_update().filter(pk=instance.pk).values_list("pk").first()
    change = Change.objects.create(subject=instance.pk)
    kind._base_manager.filter(pk=instance.pk).update(version=change.pk)
    instance.version = change.pk  # type: ignore[attr-defined]  # by convention of what gateways cache
    transaction.on_commit(lambda: publish(instance.pk, change.pk))
    return change.pk


def publish(subject: UUID, version: int) -> None:
    """Set the version for the gateways. Redis being away is no error: they read the change log."""
    with contextlib.suppress(redis.RedisError):
        _client().eval(SET_IF_LATER, 1, KEY.format(subject), version)

"""Stored files that no row names: left by a process that died between the two, or by a transaction that failed."""

from collections.abc import Callable
from datetime import timedelta

from django.core.files.storage import default_storage

from core import clock

# How long a file may lie there before a row names it: far longer than any upload takes.
UNCLAIMED = timedelta(days=1)


def sweep(folder: str, *, named: Callable[[list[str]], set[str]]) -> int:
    """Delete what lies in the folders below `folder` and isn't among those that `named` gives back. Returns how many."""
    before, gone = clock.now() - UNCLAIMED, 0
    below = default_storage.listdir(folder)[0] if default_storage.exists(folder) else []
    for each in below:
        names = [f"{folder}/{each}/{name}" for name in default_storage.listdir(f"{folder}/{each}")[1]]
        known = named(names) if names else set()
        for name in names:
            if name not in known and default_storage.get_modified_time(name) < before:
                default_storage.delete(name)
                gone += 1
    return gone

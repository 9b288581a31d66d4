"""Functions that are registered by every process and called by few."""

from collections.abc import Callable
from typing import Any

from django.utils.module_loading import import_string


def later(path: str) -> Callable[..., Any]:
    """The function of this dotted path, imported when it is first called: who never calls it needn't load what it needs."""

    def call(*args: Any, **facts: Any) -> Any:
        return import_string(path)(*args, **facts)

    return call

"""The one door of an installation: an ASGI application that decides, carries and meters every call.

It takes `/api/…`, `/apis/…`, `/.well-known/…`, `POST /admin/partners` and `/gateway/…`, and passes everything else through to
Django's pages. Django's own code never runs in this loop: its settings and URL table are read once at the start, and
queries run in a few threads.
"""

import gc
import os
from collections.abc import Coroutine
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import django

gc.disable()  # nothing of what is loaded now is garbage
django.setup()

from gateway.calls import Receive, Send  # noqa: E402  (Django is set up first)
from gateway.door import Door  # noqa: E402  (Django is set up first)

gc.enable()

_doors: list[Door] = []
"""The one door of this process, from the start of the server's lifespan to its end."""


def application(scope: dict[str, Any], receive: Receive, send: Send) -> Coroutine[Any, Any, None]:
    """ASGI 3.0."""
    if scope["type"] == "http":
        return _doors[-1].serve(scope, receive, send)
    return _live(receive, send) if scope["type"] == "lifespan" else _close(receive, send)


async def _close(receive: Receive, send: Send) -> None:
    """A websocket: none is served."""
    await receive()
    await send({"type": "websocket.close", "code": 1000})


async def _live(receive: Receive, send: Send) -> None:
    await receive()
    door = Door()
    await door.open()
    gc.collect()
    gc.freeze()  # what stands now stays: the collector needn't look at it again
    gc.set_threshold(10_000)  # a call leaves no cycles behind: looking for them after each few dozen only costs
    _doors.append(door)
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await door.close()
    _doors.remove(door)
    await send({"type": "lifespan.shutdown.complete"})

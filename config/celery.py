"""The worker: Celery for tasks and the schedule, and in its main process the loops of `core.streams`."""

import asyncio
import os
import threading
from typing import Any

import uvloop
from celery import Celery, bootsteps

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("portico")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


class Streams(bootsteps.StartStopStep):
    """Runs the loops on an asyncio loop of their own from the worker's start to its end, whatever happens to the broker."""

    requires = {"celery.worker.components:Pool"}

    def __init__(self, worker: Any, **options: Any) -> None:
        self.thread: threading.Thread | None = None
        self.loop: asyncio.AbstractEventLoop | None = None
        self.finished: asyncio.Event | None = None

    def start(self, worker: Any) -> None:
        self.thread = threading.Thread(target=lambda: uvloop.run(self._run()), name="streams")
        self.thread.start()

    def stop(self, worker: Any) -> None:
        if self.loop and self.finished and self.thread and self.thread.is_alive():
            self.loop.call_soon_threadsafe(self.finished.set)
            self.thread.join(timeout=30)

    terminate = stop

    async def _run(self) -> None:
        from django.conf import settings

        from core import mail
        from core.streams import STREAMS, keep_running

        threading.Thread(target=mail.report_at_start, name="mail", daemon=True).start()

        self.loop, self.finished = asyncio.get_running_loop(), asyncio.Event()
        chosen = [stream for name, stream in STREAMS.items() if "*" in settings.STREAMS or name in settings.STREAMS]
        await asyncio.gather(self.finished.wait(), *(keep_running(stream, self.finished) for stream in chosen))


app.steps["worker"].add(Streams)

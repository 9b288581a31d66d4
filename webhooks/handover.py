"""The courier's client: what goes to an inspector of ours is handed over in process, all else goes by the guarded client."""

import asyncio
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from django.db import close_old_connections
from django.utils.translation import gettext as _

from core.outbound import LARGEST_ANSWER, TIMEOUT, Answer, Client
from webhooks import inspectors
from webhooks.inspectors import Reply

# Of their own, so that a slow database holds up no lookups.
_THREADS = ThreadPoolExecutor(2, thread_name_prefix="handover")


class HandingClient(Client):
    """The guarded client, except for addresses that are inspectors'."""

    async def fetch(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        timeout: float = TIMEOUT,
        most: int = LARGEST_ANSWER,
    ) -> Answer:
        token = inspectors.token_of(url)
        if token is None:
            return await super().fetch(method, url, headers=headers, body=body, timeout=timeout, most=most)
        began = time.perf_counter()
        take = partial(_received, token, method, dict(headers or {}), body or b"")
        reply = await asyncio.get_running_loop().run_in_executor(_THREADS, take)
        reply = reply or Reply(404, _("There is no inspector at this address any more."))
        told = [("content-type", "text/plain; charset=utf-8")]
        return Answer(reply.status, told, reply.text.encode()[:most], False, time.perf_counter() - began)


def _received(token: str, method: str, headers: dict[str, str], body: bytes) -> Reply | None:
    close_old_connections()
    return inspectors.receive(token, method=method, headers=headers, body=body)

"""The courier: the loop that delivers. Many posts in flight, few for each endpoint, results written in bulk.

An endpoint that hangs holds `PER_ENDPOINT` places, or as many as it asks for; everybody else's deliveries go on beside it. What
this process took and could not finish is due again when its lease ends, so killing it loses nothing.
"""

import asyncio
import resource
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar
from uuid import UUID

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError, close_old_connections
from django.utils.translation import gettext as _

from core import clock, faults, ids
from core.outbound import LARGEST_ANSWER, Answer, Client, Refused, Unreachable
from core.redaction import MASK
from core.streams import either, wakes
from webhooks import own_headers, signing
from webhooks.claims import Claimed, Outcome, claim, write
from webhooks.explanations import explain, explain_failure
from webhooks.fan_out import WAKES
from webhooks.handover import HandingClient
from webhooks.models import Delivery
from webhooks.schedule import read_retry_after

log = structlog.get_logger(__name__)

# Room enough that two hundred endpoints may hang with all their places before anybody waits for them.
IN_FLIGHT = 1_000
PER_ENDPOINT = 5
CLAIM = 250
TIMEOUT = 15.0
IDLE = 0.5
# How long finished attempts gather before they are written together, and how long a lost database is waited for.
GATHER = 0.02
PAUSE = 0.5
# How often a process that is being stopped tries to write before it leaves its deliveries to the end of their lease.
PATIENCE = 5
# How much of an answer is kept to be read, of the 64 KiB that are taken.
KEPT_BODY = 4_000

Result = TypeVar("Result")


class Courier:
    """Delivers until told to stop; then finishes what is in flight."""

    def __init__(self, client: Client, *, in_flight: int = IN_FLIGHT, per_endpoint: int = PER_ENDPOINT) -> None:
        self._client = client
        self._most = in_flight
        self._cap = per_endpoint
        self._flying: Counter[UUID] = Counter()
        self._posts: set[asyncio.Task[None]] = set()
        self._outcomes: list[Outcome] = []
        self._landed = asyncio.Event()
        self._freed = asyncio.Event()
        self._closing = False
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="courier")

    async def work(self, stop: asyncio.Event, woken: asyncio.Event) -> None:
        """Claim, post and write until `stop` is set and everything taken is written down."""
        writer = asyncio.create_task(self._write_outcomes())
        try:
            while not stop.is_set() and not writer.done():
                woken.clear()
                self._freed.clear()
                if not await self._start_posts():
                    await either(stop, woken, self._freed, timeout=IDLE)
            if self._posts:
                await asyncio.wait(self._posts)
            self._closing = True
            self._landed.set()
            await writer
        finally:
            writer.cancel()
            for post in self._posts:
                post.cancel()
            self._threads.shutdown(wait=False)

    async def _start_posts(self) -> bool:
        room = self._most - self._flying.total()
        if room <= 0:
            return False
        try:
            claimed = await self._in_thread(partial(claim, min(room, CLAIM), cap=self._cap, in_flight=dict(self._flying)))
        except (OperationalError, InterfaceError) as error:
            log.warning("claim_waits", error=str(error))  # and what is in flight goes on
            return False
        for delivery in claimed:
            self._flying[delivery.endpoint_id] += 1
            post = asyncio.create_task(self._post(delivery))
            self._posts.add(post)
            post.add_done_callback(self._posts.discard)
        return bool(claimed)

    async def _post(self, delivery: Claimed) -> None:
        try:
            outcome = await attempt(self._client, delivery)
        except Exception:  # whatever it is, it must not keep the endpoint's place for ever
            log.exception("attempt_broken", delivery_id=ids.encode(Delivery.id_prefix, delivery.id))
            outcome = Outcome(delivery, succeeded=False, explanation=_("The platform could not send it; its log says why."))
        self._outcomes.append(outcome)
        self._landed.set()

    async def _write_outcomes(self) -> None:
        patience = PATIENCE
        while not self._closing or self._outcomes:
            await self._landed.wait()
            await asyncio.sleep(GATHER)
            self._landed.clear()
            batch, self._outcomes = self._outcomes, []
            if not batch:
                continue
            try:
                await self._in_thread(partial(write, batch))
            except (OperationalError, InterfaceError) as error:
                patience -= self._closing
                if not patience:
                    raise
                log.warning("results_wait", error=str(error), count=len(batch))
                self._outcomes = batch + self._outcomes
                self._landed.set()
                await asyncio.sleep(PAUSE)
                continue
            faults.point("write.committed")
            self._flying -= Counter(outcome.claimed.endpoint_id for outcome in batch)
            self._freed.set()

    async def _in_thread(self, work: Callable[[], Result]) -> Result:
        def fresh() -> Result:
            close_old_connections()
            return work()

        return await asyncio.get_running_loop().run_in_executor(self._threads, fresh)


async def attempt(client: Client, delivery: Claimed) -> Outcome:
    """Post one delivery, and say what came of it."""
    if delivery.body is None:
        return Outcome(delivery, succeeded=False, explanation=_("The event's data has outlived its retention."), final=True)
    signed = signed_headers(message_id=delivery.message_id, secrets=delivery.secrets, body=delivery.body)
    headers = {**delivery.headers, **signed}
    kept = {**dict.fromkeys(delivery.headers, MASK), **signed}
    faults.point("post.begun")
    began = time.perf_counter()
    try:
        answer = await client.fetch(
            "POST", delivery.url, headers=headers, body=delivery.body, timeout=TIMEOUT, most=LARGEST_ANSWER
        )
    except (Refused, Unreachable) as failure:
        seconds = time.perf_counter() - began
        return Outcome(delivery, succeeded=False, explanation=explain_failure(failure), seconds=seconds, request_headers=kept)
    faults.point("post.answered")
    return _judged(delivery, kept, answer)


def signed_headers(*, message_id: str, secrets: tuple[str, ...], body: bytes) -> dict[str, str]:
    """The headers of one attempt: a new timestamp each time, the same id always, a signature for each secret in force."""
    timestamp = int(clock.now().timestamp())
    signatures = [signing.sign(secret, message_id=message_id, timestamp=timestamp, body=body) for secret in secrets]
    return {
        "content-type": "application/json",
        "user-agent": f"Portico-Webhooks/{settings.VERSION}",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signatures),
    }


def _judged(delivery: Claimed, headers: dict[str, str], answer: Answer) -> Outcome:
    own = delivery.headers
    received = {name.lower()[:100]: own_headers.masked(_readable(value), own)[:1_000] for name, value in answer.headers}
    waits = answer.status in {429, 503}
    return Outcome(
        delivery,
        succeeded=200 <= answer.status < 300,
        explanation=explain(answer.status, received),
        status_code=answer.status,
        seconds=answer.seconds,
        request_headers=headers,
        response_headers=received,
        response_body=_shown(answer.body, received.get("content-encoding", ""), own),
        retry_after=read_retry_after(received.get("retry-after"), now=clock.now()) if waits else None,
        final=answer.status == 410,
    )


def _shown(body: bytes, encoding: str, own: Mapping[str, str]) -> str:
    if encoding and encoding != "identity":
        return _("({count} bytes, compressed with {encoding})").format(count=len(body), encoding=encoding[:40])
    return own_headers.masked(_readable(body.decode("utf-8", "replace")), own)[:KEPT_BODY]


def _readable(text: str) -> str:
    """What PostgreSQL's text can hold."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()


def _allow_sockets() -> None:
    """Each post in flight is an open file; the usual soft limit is too low for all of them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * IN_FLIGHT + 500
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


async def run(stop: asyncio.Event) -> None:
    """The loop `deliveries`."""
    _allow_sockets()
    async with HandingClient() as client, wakes(WAKES) as woken:
        await Courier(client).work(stop, woken)

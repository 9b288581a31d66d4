"""The loops that work requests: some that handle, and one that watches leases and due times."""

import asyncio
import os
import socket
from datetime import timedelta
from uuid import UUID

import structlog
from django.db import DatabaseError

from core import streams
from core.actors import SYSTEM
from core.states import StaleState
from products.requests import requests
from products.requests.handlers import HANDLERS, Handler, NotYet, Refused, Work
from products.requests.models import Request

log = structlog.get_logger(__name__)

CONCURRENCY = 3


def work_one() -> int:
    """Claim one due request that has a handler, run it, and write how it ended; returns 0 when none was due."""
    leases = {handler.type: handler.lease for handler in HANDLERS.values()}
    request = requests.claim_next(leases=leases, worker=f"{socket.gethostname()}:{os.getpid()}")
    if request is None:
        return 0
    try:
        _run(request, HANDLERS[request.type])
    except StaleState:
        log.warning("request_lost", request=request.public_id, reason="the lease ran out before the handler was done")
    return 1


def watch() -> int:
    """Free what dead workers held, and announce what is overdue; returns how many requests that concerned."""
    return requests.release_abandoned() + requests.announce_breaches()


def _run(request: Request, handler: Handler) -> None:
    lease: UUID = request.lease  # type: ignore[assignment]  # claimed ones have a lease

    def report(progress: int) -> None:
        requests.report(request=request, progress=progress, by=SYSTEM, lease=lease, extend=handler.lease)

    work = Work(request.pk, request.partner_id, request.environment, request.payload, report)
    try:
        result = handler.run(work)
    except Refused as reason:
        requests.fail(request=request, error=str(reason), by=SYSTEM, lease=lease)
    except NotYet as reason:
        requests.fail(request=request, error=str(reason), by=SYSTEM, lease=lease, retry=True)
    except (StaleState, DatabaseError):
        raise  # lost, or the lease will run out and it is tried again
    except Exception as error:  # a handler is somebody's plug-in: its mistake must not stop the other requests
        log.exception("request_handler_broke", request=request.public_id, type=request.type)
        requests.fail(request=request, error=f"Internal error ({type(error).__name__}).", by=SYSTEM, lease=lease, retry=True)
    else:
        requests.complete(request=request, result=result, by=SYSTEM, lease=lease)


async def _work(stop: asyncio.Event) -> None:
    hands = [asyncio.ensure_future(streams.repeating("requests", work_one, idle=1.0).run(stop)) for _ in range(CONCURRENCY)]
    try:
        await asyncio.gather(*hands)
    finally:
        for hand in hands:
            hand.cancel()


PROCESSING = streams.Stream("requests", _work)
WATCHING = streams.repeating("request-watch", watch, idle=timedelta(seconds=2).total_seconds())

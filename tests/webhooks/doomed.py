"""Workers that end, or lose their database, where a test wants it. Started once, it forks a worker for each line it reads.

    <point> <kill|database|none> <seconds that its clock is ahead>

It answers each line with the worker's process id, and says when one has lost its database. A worker runs the loops that bring
an event to its receivers.
"""

import asyncio
import os
import signal
import sys
from datetime import timedelta

import django
import psycopg

CHAIN = ("relay", "deliveries", "webhook-circuits")


def main() -> None:
    """Read lines until there are no more."""
    django.setup()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # a worker that has ended is gone at once
    print("ready", flush=True)
    for line in sys.stdin:
        point, fault, ahead = line.split()
        worker = os.fork()
        if not worker:
            _work(point, fault, int(ahead))
        print(worker, flush=True)


def _work(point: str, fault: str, ahead: int) -> None:
    from core import clock, faults
    from core.streams import STREAMS, keep_running

    os.setsid()
    clock.tick(timedelta(seconds=ahead))
    if fault != "none":
        faults.arm(point, {"kill": _die, "database": _lose_database}[fault])

    async def run() -> None:
        never = asyncio.Event()
        await asyncio.gather(*(keep_running(STREAMS[name], never) for name in CHAIN))

    asyncio.run(run())


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _lose_database() -> None:
    """End the server's side of this thread's connection."""
    from django.db import connection

    ended = connection.connection.info.backend_pid
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [ended])
    print("lost", flush=True)


if __name__ == "__main__":
    main()

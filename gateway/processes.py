"""Several processes that serve one port: forked from one that has loaded everything, and replaced when they end."""

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable

import structlog

log = structlog.get_logger(__name__)

SOON = 2.0
PAUSE = 0.5
"""Seconds before one is replaced that didn't live for SOON."""
_HEARD = {signal.SIGTERM, signal.SIGINT, signal.SIGCHLD}


def run(count: int, work: Callable[[int], None]) -> None:
    """Run `work` in so many processes until SIGTERM or SIGINT. It gets a descriptor that ends when this process has ended."""
    ended, held = os.pipe()
    signal.pthread_sigmask(signal.SIG_BLOCK, _HEARD)
    started: dict[int, float] = {}
    for _ in range(count):
        started[_fork(work, ended, held)] = time.monotonic()
    is_stopping = False
    while started:
        if signal.sigwait(_HEARD) != signal.SIGCHLD:
            is_stopping = True
            for pid in started:
                os.kill(pid, signal.SIGTERM)
        for pid, code in _ended(started):
            lived = time.monotonic() - started.pop(pid)
            if not is_stopping:
                log.warning("gateway_process_ended", pid=pid, code=code)
                time.sleep(PAUSE if lived < SOON else 0)
                started[_fork(work, ended, held)] = time.monotonic()


def _ended(started: dict[int, float]) -> list[tuple[int, int]]:
    """Those that have ended, with their exit codes (a signal's number, negative)."""
    found = []
    for pid in started:
        waited, status = os.waitpid(pid, os.WNOHANG)
        if waited:
            found.append((pid, os.waitstatus_to_exitcode(status)))
    return found


def _fork(work: Callable[[int], None], ended: int, held: int) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        os.close(held)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _HEARD)
        work(ended)
        code = 0
    except BaseException:  # nothing of the parent's stack may run in this process
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)

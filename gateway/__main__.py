"""The gateway: `python -m gateway --host 127.0.0.1 --port 8000`.

Django's own code never runs in its loops: settings and the API's URL table are read once at the start, and queries run in a
few threads. `--processes` share the port; they keep nothing that the others would need (see docs/gateway.md).
"""

import argparse
import asyncio
import errno
import gc
import os
import resource
import signal
import socket
import sys
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import django
import structlog
import uvloop

gc.disable()  # nothing of what is loaded now is garbage
django.setup()

from django.conf import settings  # noqa: E402  (Django is set up first)

from core.api.operations import operations  # noqa: E402
from gateway import processes  # noqa: E402
from gateway.door import Door  # noqa: E402
from gateway.server import Server  # noqa: E402
from gateway.table import Table  # noqa: E402

gc.enable()
log = structlog.get_logger(__name__)


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m gateway", description="The one door of an installation.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--socket", default=settings.GATEWAY_SOCKET, help="a path to listen on besides the port")
    parser.add_argument("--processes", type=int, default=settings.GATEWAY_PROCESSES)
    options = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        reserved = bound(options.host, options.port)
    except OSError as error:
        sys.exit(f"The gateway can't listen on {options.host}, port {options.port}: {error.strerror}.")
    local = []
    if options.socket:
        try:
            local.append(bound_at(options.socket))
        except OSError as error:
            sys.exit(f"The gateway can't listen on {options.socket}: {error.strerror}.")
    table = Table(operations())
    gc.collect()
    gc.freeze()  # what stands now stays: the collector needn't look at it again

    def work(parent: int | None = None) -> None:
        listening = bound(options.host, options.port) if parent is not None else reserved
        uvloop.run(serve([listening, *local], table, parent))

    if options.processes > 1:
        processes.run(options.processes, work)
    else:
        work()


def bound(host: str, port: int) -> socket.socket:
    """A socket at the address, which doesn't listen yet; other processes of this user may have theirs there. Raises OSError."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    made = socket.socket(family, kind, protocol)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        made.bind(address)
    except OSError:
        made.close()
        raise
    return made


def bound_at(path: str) -> socket.socket:
    """A Unix socket at the path, which all processes share: its user and group may connect. One that a gateway left is
    replaced. Raises OSError, also if somebody listens there."""
    with socket.socket(socket.AF_UNIX) as probe:
        if Path(path).is_socket() and probe.connect_ex(path) == errno.ECONNREFUSED:
            Path(path).unlink()
    made = socket.socket(socket.AF_UNIX)
    mask = os.umask(0o117)
    try:
        made.bind(path)
    except OSError:
        made.close()
        raise
    finally:
        os.umask(mask)
    return made


async def serve(listening: list[socket.socket], table: Table, parent: int | None = None) -> None:
    """Open the door, serve, and end what was begun: at a signal, or when the descriptor `parent` ends."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if parent is not None:
        loop.add_reader(parent, stop.set)
    door = Door(table)
    await door.open()
    server = Server(door.serve, door.crowd)
    gc.freeze()
    gc.set_threshold(10_000)  # a call leaves no cycles behind: looking for them after each few dozen only costs
    await server.open(*listening)
    await stop.wait()
    if parent is not None:
        loop.remove_reader(parent)
    await server.close()
    await door.close()


if __name__ == "__main__":
    main()

"""One process of the gateway: `python -m gateway --host 127.0.0.1 --port 8000`.

Django's own code never runs in its loop: settings and the API's URL table are read once at the start, and queries run in a
few threads. Several processes may serve one port (`--reuse-port`), or stand behind a proxy.
"""

import argparse
import asyncio
import gc
import os
import resource
import signal
import socket
import sys

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import django
import structlog
import uvloop

gc.disable()  # nothing of what is loaded now is garbage
django.setup()

from gateway.door import Door  # noqa: E402  (its models want Django set up)
from gateway.server import Server  # noqa: E402

gc.enable()
log = structlog.get_logger(__name__)


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m gateway", description="One process of the gateway.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--reuse-port", action="store_true", help="share the port with other processes of this gateway")
    options = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        listening = bound(options.host, options.port, reuse=options.reuse_port)
    except OSError as error:
        sys.exit(f"The gateway can't listen on {options.host}, port {options.port}: {error.strerror}.")
    uvloop.run(serve(listening))


def bound(host: str, port: int, *, reuse: bool = False) -> socket.socket:
    """A socket at the address, which doesn't listen yet. Raises OSError."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    made = socket.socket(family, kind, protocol)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if reuse:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        made.bind(address)
    except OSError:
        made.close()
        raise
    return made


async def serve(listening: socket.socket) -> None:
    """Open the door, serve, and end what was begun."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    door = Door()
    await door.open()
    server = Server(door.serve)
    gc.collect()
    gc.freeze()  # what stands now stays: the collector needn't look at it again
    gc.set_threshold(10_000)  # a call leaves no cycles behind: looking for them after each few dozen only costs
    await server.open(listening)
    await stop.wait()
    await server.close()
    await door.close()


if __name__ == "__main__":
    main()

"""The receiving servers of `benchmarks/webhooks.py`, in one process: `receivers.py FILE PORT COUNT`.

The endpoint of each number has a loopback address of its own, so that senders meet as many servers as there are endpoints.
One in ten answers 500, one in twenty never answers, the rest answer 200 to everything. `GET /` says how many have arrived at
those, with the time; when it is ended the file gets a line for each arrival: the time, the endpoint's number, the message's id.
"""

import asyncio
import contextlib
import functools
import gc
import resource
import signal
import sys
import time
from pathlib import Path

import uvloop

ANSWERS = {
    "healthy": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "failing": b"HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\noops",
}


def host(number: int) -> str:
    """The address of an endpoint's server."""
    return f"127.1.{number // 250}.{1 + number % 250}"


def kind(number: int) -> str:
    """What an endpoint's server is: of twenty two are `failing` and one is `hanging`; the others are `healthy`."""
    return {0: "failing", 10: "failing", 1: "hanging"}.get(number % 20, "healthy")


class Receiver(asyncio.Protocol):
    """One connection: takes request after request, each with a Content-Length."""

    def __init__(self, number: int, arrivals: list[tuple[float, int, bytes]]) -> None:
        self.number, self.arrivals = number, arrivals
        self.answer = ANSWERS.get(kind(number))
        self.buffer = b""

    def connection_made(self, transport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, found, rest = self.buffer.partition(b"\r\n\r\n")
        if not found:
            return
        if head.startswith(b"GET"):
            said = f"{len(self.arrivals)} {time.time()}".encode()
            self.transport.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(said), said))
            self.transport.close()
            return
        names = head.lower()
        if len(rest) < int(_value(names, b"content-length")):
            return
        self.buffer = b""
        if self.answer:
            self.transport.write(self.answer)
        if kind(self.number) == "healthy":
            at = names.index(b"webhook-id")
            self.arrivals.append((time.time(), self.number, _value(head[at:], b"")))


def _value(head: bytes, name: bytes) -> bytes:
    return head[head.index(name) :].partition(b":")[2].partition(b"\r\n")[0].strip()


async def main(file: Path, port: int, count: int) -> None:
    arrivals: list[tuple[float, int, bytes]] = []
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    for number in range(count):
        await loop.create_server(functools.partial(Receiver, number, arrivals), host(number), port, backlog=64)
    print("ready", flush=True)
    await ended.wait()
    with file.open("w") as out:
        out.writelines(f"{at!r} {number} {message.decode()}\n" for at, number, message in arrivals)


if __name__ == "__main__":
    with contextlib.suppress(ValueError):
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    gc.disable()
    uvloop.run(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))

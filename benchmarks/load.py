"""A load generator for machines without wrk: `load.py URL SECONDS CONNECTIONS FILE HEADER PREFIX`, and the same RESULT line."""

import asyncio
import json
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import uvloop


class Client(asyncio.Protocol):
    """One connection: the next request once the last is answered. Answers must have no body or a length."""

    def __init__(self, requests: list[bytes], turn: int, until: float, latencies: list[float]) -> None:
        self.requests, self.turn, self.until, self.latencies = requests, turn, until, latencies
        self.refused = 0
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport) -> None:
        self.transport = transport
        self.buffer = b""
        self.next()

    def next(self) -> None:
        if time.perf_counter() > self.until:
            self.transport.close()
            return
        self.turn = (self.turn + 1) % len(self.requests)
        self.began = time.perf_counter()
        self.transport.write(self.requests[self.turn])

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, found, body = self.buffer.partition(b"\r\n\r\n")
        if not found:
            return
        at = head.lower().find(b"content-length:")
        length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(body) >= length:
            self.buffer = b""
            self.latencies.append(time.perf_counter() - self.began)
            self.refused += not head.startswith(b"HTTP/1.1 2")
            self.next()

    def connection_lost(self, error) -> None:
        self.done.set_result(None)


async def main() -> None:
    url, seconds, connections, file, header, prefix = (*sys.argv[1:], "")[:6]
    parts = urlsplit(url)
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    requests = [
        f"GET {target} HTTP/1.1\r\nHost: {parts.netloc}\r\n{header}: {prefix}{key}\r\n"
        "X-Original-URI: /orders/7\r\nX-Original-Method: GET\r\n\r\n".encode()
        for key in Path(file).read_text().split()
    ]
    latencies: list[float] = []
    began = time.perf_counter()
    clients = []
    for number in range(int(connections)):
        turn = number * len(requests) // int(connections)
        _, client = await asyncio.get_running_loop().create_connection(
            lambda turn=turn: Client(requests, turn, began + float(seconds), latencies), parts.hostname, parts.port
        )
        clients.append(client)
    await asyncio.gather(*(client.done for client in clients))
    latencies.sort()
    result = {
        "requests": len(latencies),
        "seconds": time.perf_counter() - began,
        "p50_ms": round(latencies[len(latencies) // 2] * 1e3, 3),
        "p99_ms": round(latencies[len(latencies) * 99 // 100] * 1e3, 3),
        "refused": sum(client.refused for client in clients),
        "broken": 0,
    }
    print("RESULT", json.dumps(result))


if __name__ == "__main__":
    uvloop.run(main())

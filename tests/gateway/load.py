"""Load: clients on kept connections that call in turn at several gateways and remember every answer."""

import asyncio
import itertools
import json
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Answer:
    """What came of one call, between two instants of `time.time`; status 0: the connection broke."""

    key: str
    port: int
    began: float
    ended: float
    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def code(self) -> str:
        """Of its problem document."""
        return str(json.loads(self.body)["code"]) if self.body else ""


class Load(threading.Thread):
    """`clients` clients, each with one of the `keys`, asking the `ports` in turn: for so many rounds each, or until `end`."""

    def __init__(
        self, ports: list[int], keys: list[str], *, clients: int, rounds: int | None = None, path: str = "/gateway/authorize"
    ) -> None:
        super().__init__(daemon=True)
        self.ports, self.keys, self.clients, self.rounds, self.path = ports, keys, clients, rounds, path
        self.answers: list[Answer] = []
        self._ended = threading.Event()
        self.start()

    def end(self) -> list[Answer]:
        """The answers, when all clients have their last."""
        if self.rounds is None:
            self._ended.set()
        self.join(120)
        return self.answers

    def wait_for(self, answers: int) -> None:
        """Until so many more have come."""
        wanted = len(self.answers) + answers
        while len(self.answers) < wanted:
            assert self.is_alive(), "the load has ended"
            time.sleep(0.005)

    def run(self) -> None:
        asyncio.run(self._drive())

    async def _drive(self) -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(self.clients):
                group.create_task(self._client(number))

    async def _client(self, number: int) -> None:
        key = self.keys[number % len(self.keys)]
        credential = f"X-API-Key: {key}\r\n" if key else ""
        request = f"GET {self.path} HTTP/1.1\r\nHost: x\r\n{credential}\r\n".encode()
        open_now: dict[int, Any] = {}
        for round_ in itertools.count():
            if self._ended.is_set() or round_ == self.rounds:
                break
            port = self.ports[(number + round_) % len(self.ports)]
            began = time.time()
            try:
                if port not in open_now:
                    open_now[port] = await asyncio.open_connection("127.0.0.1", port)
                status, headers, body = await _exchange(*open_now[port], request)
            except (OSError, asyncio.IncompleteReadError):
                open_now.pop(port, None)
                status, headers, body = 0, {}, b""
                await asyncio.sleep(0.05)
            self.answers.append(Answer(key, port, began, time.time(), status, headers, body))
        for _, writer in open_now.values():
            writer.close()


async def _exchange(reader: Any, writer: Any, request: bytes) -> tuple[int, dict[str, str], bytes]:
    writer.write(request)
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return int(head[0].split()[1]), headers, body


def statuses(answers: list[Answer]) -> str:
    """How many of which, in words."""
    counts = Counter(answer.status for answer in answers)
    return ", ".join(f"{counts[status]} × {status or 'broken off'}" for status in sorted(counts))

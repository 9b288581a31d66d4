"""A real upstream on a port of its own, which remembers what it was sent and answers as it is told."""

import threading
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Seen:
    """A request as it arrived."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        found = [value for key, value in self.headers if key.lower() == name.lower()]
        return found[0] if found else None


@dataclass
class Upstream:
    """`status`, `headers` and `body` are what it answers; a body that is a list is sent in chunks, each after `gate` lets it.

    `breaks` ends the connection instead of answering; `gate` is what a call waits for before it is answered.
    """

    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    body: bytes | list[bytes] = b'{"hello": "world"}'
    breaks: bool = False
    seen: list[Seen] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)
    arrived: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.gate.set()
        upstream = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                upstream.answer(self)

            # The base class looks for these names.
            do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = handle_any  # noqa: N815
            do_PATCH = do_OPTIONS = do_TRACE = do_PROPFIND = handle_any  # noqa: N815

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=[0.02], daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/base"

    def stop(self) -> None:
        self.gate.set()
        self.server.shutdown()
        self.server.server_close()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        body = _read(request)
        self.seen.append(Seen(request.command, request.path, request.headers.items(), body))
        self.arrived.set()
        if self.breaks:
            request.close_connection = True
            request.connection.close()
            return
        if isinstance(self.body, bytes):
            self.gate.wait(20)
        request.send_response(self.status)
        for name, value in self.headers.items():
            request.send_header(name, value)
        if isinstance(self.body, bytes):
            request.send_header("Content-Length", str(len(self.body)))
            request.end_headers()
            request.wfile.write(b"" if request.command == "HEAD" else self.body)
            return
        request.send_header("Transfer-Encoding", "chunked")
        request.end_headers()
        for number, part in enumerate(self.body):
            self.gate.wait(20)
            if number == 0 and len(self.body) > 1:
                self.gate.clear()  # before it is sent: who reads it may open the gate at once
            with suppress(ConnectionError):
                request.wfile.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
                request.wfile.flush()
        with suppress(ConnectionError):  # who asked may have been ended meanwhile
            request.wfile.write(b"0\r\n\r\n")


def _read(request: BaseHTTPRequestHandler) -> bytes:
    if request.headers.get("Transfer-Encoding", "").lower() != "chunked":
        return request.rfile.read(int(request.headers.get("Content-Length") or 0))
    parts = []
    while size := int(request.rfile.readline() or b"0", 16):  # b"": whoever sent it broke off
        parts.append(request.rfile.read(size))
        request.rfile.readline()
    request.rfile.readline()
    return b"".join(parts)

"""The API of a seller, for the story: answers what it was told of the call, and counts how often each key arrived.

with Upstream() as upstream: ... upstream.url ...
"""

import json
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CREDENTIALS = ("x-api-key", "x-api-secret", "authorization", "cookie")


class Upstream(ThreadingHTTPServer):
    """The server, in a thread of its own, on a free port of loopback."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.keys: Counter[str] = Counter()
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def arrived(self, prefix: str) -> dict[str, int]:
        """How often each Idempotency-Key with this prefix came."""
        with self._lock:
            return {key: times for key, times in self.keys.items() if key.startswith(prefix)}

    def saw(self, key: str) -> None:
        with self._lock:
            self.keys[key] += 1

    def __enter__(self) -> "Upstream":
        threading.Thread(target=self.serve_forever, args=(0.05,), name="upstream", daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: Upstream
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.saw(self.headers.get("Idempotency-Key", ""))
        self._answer()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing; the story tells."""

    def _answer(self) -> None:
        told = {
            "path": self.path,
            "partner": self.headers.get("X-Partner-Id", ""),
            "signed": "X-Portico-Signature" in self.headers,
            "credentials": [name for name in CREDENTIALS if name in self.headers],
        }
        body = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

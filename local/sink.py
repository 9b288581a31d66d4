"""A receiver of webhooks, for demos and tests: checks signatures, keeps what arrived, and shows it to a GET.

    python -m local.sink --port 9000 --secret whsec_…

POST takes a delivery: 204, or 400 if a secret is set and the signature doesn't fit (Standard Webhooks). PUT /secret sets
the secret, or the public key (`whpk_…`). GET gives `{"deliveries": [{"id", "type", "verified", "path", "at", "headers", "body",
"raw"}]}`, newest last.
"""

import argparse
import json
import threading
import time
from base64 import b64decode
from collections import deque
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from standardwebhooks import Webhook, WebhookVerificationError

KEPT = 1_000
LARGEST = 1024 * 1024
PUBLIC = "whpk_"
TOLERANCE = 300


class Sink(ThreadingHTTPServer):
    """The server; `with Sink() as sink:` runs it in a thread on a free port of loopback."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int = 0, secret: str = "", host: str = "127.0.0.1") -> None:
        super().__init__((host, port), _Handler)
        self.secret = secret
        self.deliveries: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self.arrived = threading.Condition()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{self.server_address[0]!s}:{self.server_address[1]}"

    def start(self) -> None:
        """Serve in a thread of its own."""
        threading.Thread(target=self.serve_forever, args=(0.05,), name="sink", daemon=True).start()

    def keep(self, delivery: dict[str, Any]) -> None:
        with self.arrived:
            self.deliveries.append(delivery)
            self.arrived.notify_all()

    def wait_for(self, type: str, *, timeout: float = 10.0) -> dict[str, Any]:
        """The first delivery of this event type, waiting for it if need be. Raises TimeoutError."""

        def found() -> dict[str, Any] | None:
            return next((delivery for delivery in self.deliveries if delivery["type"] == type), None)

        with self.arrived:
            delivery = self.arrived.wait_for(found, timeout)
        if delivery is None:
            raise TimeoutError(f"no {type} within {timeout:g} s")
        return delivery

    def __enter__(self) -> "Sink":
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: Sink
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        raw = self._body()
        headers = {name.lower(): value for name, value in self.headers.items()}
        verified = _verified(self.server.secret, raw, headers)
        try:
            body = json.loads(raw)
        except ValueError:
            body = None
        described = body if isinstance(body, dict) else {}
        self.server.keep(
            {
                "id": headers.get("webhook-id", ""),
                "type": described.get("type", ""),
                "verified": verified,
                "path": self.path,
                "at": time.time(),
                "headers": headers,
                "body": body,
                "raw": raw.decode("utf-8", "replace"),
            }
        )
        self._answer(400 if self.server.secret and not verified else 204)

    def do_PUT(self) -> None:
        self.server.secret = self._body().decode().strip()
        self._answer(204)

    def do_GET(self) -> None:
        self._answer(200, json.dumps({"deliveries": list(self.server.deliveries)}).encode())

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing; what arrived is there to GET."""

    def _body(self) -> bytes:
        return self.rfile.read(min(int(self.headers.get("Content-Length") or 0), LARGEST))

    def _answer(self, status: int, body: bytes = b"") -> None:
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _verified(secret: str, body: bytes, headers: dict[str, str]) -> bool:
    if not secret:
        return False
    if secret.startswith(PUBLIC):
        return _verified_by_public_key(secret, body, headers)
    try:
        Webhook(secret).verify(body, headers)
    except WebhookVerificationError:
        return False
    return True


def _verified_by_public_key(key: str, body: bytes, headers: dict[str, str]) -> bool:
    public = Ed25519PublicKey.from_public_bytes(b64decode(key.removeprefix(PUBLIC)))
    signed = f"{headers.get('webhook-id')}.{headers.get('webhook-timestamp')}.".encode() + body
    for candidate in headers.get("webhook-signature", "").split(" "):
        with suppress(InvalidSignature, ValueError):
            public.verify(b64decode(candidate.removeprefix("v1a,"), validate=True), signed)
            return abs(time.time() - int(headers["webhook-timestamp"])) <= TOLERANCE
    return False


def main() -> None:
    """Run it until it is ended."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--port", type=int, default=9000)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--secret", default="")
    given = parser.parse_args()
    sink = Sink(given.port, given.secret, given.host)
    print(f"Listening on {sink.url}", flush=True)
    try:
        sink.serve_forever()
    except KeyboardInterrupt:
        sink.server_close()


if __name__ == "__main__":
    main()

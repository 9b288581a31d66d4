"""A receiver of webhooks: verifies what arrives, keeps it once in a folder, and answers at once.

    WEBHOOK_KEYS="whsec_…" PORT=8000 INBOX=inbox python receiver.py

Python 3.9 or newer. Nothing else for a shared secret (`whsec_…`); for a public key (`whpk_…`) `pip install cryptography`.
"""

import base64
import hashlib
import hmac
import os
import re
import tempfile
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

TOLERANCE = 300  # seconds
LARGEST = 1024 * 1024


def verify(keys, message_id, timestamp, signatures, body, now):
    """Whether one of the keys fits one of the signatures, and the message is neither old nor from the future."""
    if not re.fullmatch("[0-9]{1,12}", timestamp) or abs(now - int(timestamp)) > TOLERANCE:
        return False
    signed = f"{message_id}.{timestamp}.".encode() + body
    return any(fits(key, signed, signature) for key in keys for signature in signatures.split(" "))


def fits(key, signed, signature):
    """`v1` is HMAC-SHA-256 with a shared secret, `v1a` Ed25519 with a public key; others are of versions to come."""
    prefix, _, key = key.partition("_")
    key = base64.b64decode(key)
    version, _, given = signature.partition(",")
    if (prefix, version) == ("whsec", "v1"):
        expected = base64.b64encode(hmac.digest(key, signed, hashlib.sha256))
        return hmac.compare_digest(expected, given.encode())
    if (prefix, version) == ("whpk", "v1a"):
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        try:
            Ed25519PublicKey.from_public_bytes(key).verify(base64.b64decode(given, validate=True), signed)
            return True
        except (InvalidSignature, ValueError):
            return False
    return False


def keep(inbox, message_id, body):
    """Put it into the inbox, whole or not at all; false if it has been there. What does the work takes it from there."""
    with tempfile.NamedTemporaryFile(dir=inbox) as part:
        part.write(body)
        part.flush()
        os.fsync(part.fileno())
        try:
            os.link(part.name, inbox / f"{message_id}.json")
        except FileExistsError:
            return False
    return True


class Receiver(BaseHTTPRequestHandler):
    timeout = 10  # for whoever sends slowly
    keys = os.environ.get("WEBHOOK_KEYS", "").split()
    inbox = Path(os.environ.get("INBOX", "inbox"))

    def do_POST(self):
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > LARGEST:
            return self.answer(413)
        body = self.rfile.read(int(length))  # as it came: not parsed, not decoded
        message_id, timestamp, signatures = (
            self.headers.get(name, "") for name in ("webhook-id", "webhook-timestamp", "webhook-signature")
        )
        if not verify(self.keys, message_id, timestamp, signatures, body, time.time()):
            return self.answer(400)
        if not re.fullmatch("[A-Za-z0-9_-]{1,100}", message_id):
            return self.answer(400)  # it becomes the name of a file
        if keep(self.inbox, message_id, body):
            print("received", message_id, flush=True)
        return self.answer(204)

    def answer(self, status):
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


if __name__ == "__main__":
    Receiver.inbox.mkdir(parents=True, exist_ok=True)
    ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "8000"))), Receiver).serve_forever()

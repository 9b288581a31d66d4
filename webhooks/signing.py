"""Signatures as Standard Webhooks lays them down (symmetric, `v1`): HMAC-SHA-256 over `id.timestamp.body`."""

import base64
import binascii
import hashlib
import hmac
import secrets

PREFIX = "whsec_"
SECRET_BYTES = 32


def new_secret() -> str:
    """A fresh secret, `whsec_` and base64 of 256 random bits."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def sign(secret: str, *, message_id: str, timestamp: int, body: bytes) -> str:
    """`v1,<base64>` for one secret. `timestamp` is in seconds since 1970."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


def verify(secret: str, *, message_id: str, timestamp: int, body: bytes, signatures: str, now: int, tolerance: int = 300) -> bool:
    """Whether one of the space-separated signatures fits, and the timestamp is at most `tolerance` seconds off."""
    if abs(now - timestamp) > tolerance:
        return False
    try:
        expected = sign(secret, message_id=message_id, timestamp=timestamp, body=body).encode()
    except binascii.Error:
        return False
    return any(hmac.compare_digest(expected, candidate.encode()) for candidate in signatures.split(" "))

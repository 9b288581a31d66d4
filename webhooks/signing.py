"""Signatures as Standard Webhooks lays them down, over `id.timestamp.body`: symmetric (`v1`, HMAC-SHA-256) and asymmetric
(`v1a`, Ed25519). A key says by its prefix what it is: `whsec_` a shared secret, `whsk_` a private and `whpk_` a public key."""

import base64
import hashlib
import hmac
import re
import secrets
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

SHARED, PRIVATE, PUBLIC = "whsec_", "whsk_", "whpk_"
KEY_BYTES = 32
TOLERANCE = 300
"""Seconds."""


def new_secret() -> str:
    """A fresh shared secret, `whsec_` and base64 of 256 random bits."""
    return SHARED + base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def new_private_key() -> str:
    """A fresh private key, `whsk_` and base64 of an Ed25519 seed (RFC 8032)."""
    return PRIVATE + base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def public_key(key: str) -> str:
    """What verifies the signatures of a private key: `whpk_` and base64 of its 32 bytes; nothing for a shared secret."""
    if not key.startswith(PRIVATE):
        return ""
    return PUBLIC + base64.b64encode(_private(key).public_key().public_bytes_raw()).decode()


def sign(key: str, *, message_id: str, timestamp: int, body: bytes) -> str:
    """`v1,<base64>` by a shared secret, `v1a,<base64>` by a private key. `timestamp` is in seconds since 1970."""
    signed = _signed(message_id, timestamp, body)
    if key.startswith(PRIVATE):
        return "v1a," + base64.b64encode(_private(key).sign(signed)).decode()
    return "v1," + base64.b64encode(hmac.digest(_raw(key), signed, hashlib.sha256)).decode()


def verify(key: str, *, message_id: str, timestamp: str, body: bytes, signatures: str, now: int) -> bool:
    """Whether one of the space-separated signatures fits the shared secret or the public key, and the timestamp, as it came
    in its header, is at most TOLERANCE seconds off."""
    if not re.fullmatch("[0-9]{1,12}", timestamp) or abs(now - int(timestamp)) > TOLERANCE:
        return False
    fits = _fits_shared if key.startswith(SHARED) else _fits_public
    try:
        return any(fits(key, _signed(message_id, timestamp, body), candidate) for candidate in signatures.split(" "))
    except ValueError:
        return False  # the key is none


def _fits_shared(key: str, signed: bytes, candidate: str) -> bool:
    expected = "v1," + base64.b64encode(hmac.digest(_raw(key), signed, hashlib.sha256)).decode()
    return hmac.compare_digest(expected.encode(), candidate.encode("utf-8", "replace"))


def _fits_public(key: str, signed: bytes, candidate: str) -> bool:
    version, _comma, signature = candidate.partition(",")
    public = Ed25519PublicKey.from_public_bytes(_raw(key))
    if version != "v1a":
        return False
    try:
        public.verify(base64.b64decode(signature, validate=True), signed)
    except (InvalidSignature, ValueError):
        return False
    return True


def _signed(message_id: str, timestamp: int | str, body: bytes) -> bytes:
    return f"{message_id}.{timestamp}.".encode() + body


@lru_cache(maxsize=1_024)  # reading it takes as long as signing
def _private(key: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(_raw(key))


def _raw(key: str) -> bytes:
    return base64.b64decode(key.partition("_")[2], validate=True)

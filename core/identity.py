"""The identity that the gateway signs for Django, the only thing Django believes about a caller.

Bound to audience, method, path and time, so that one that leaks is good for one operation for a minute. It carries the
client's address too: behind the gateway's Unix socket there is no other honest source for it.
"""

import base64
import hashlib
import hmac
import time
from functools import lru_cache
from typing import Literal

import msgspec

HEADER = "portico-identity"
AUDIENCE = "web"
LIFETIME = 60

Kind = Literal["anonymous", "key", "application", "operator"]


class Identity(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who calls. UUIDs are hex strings; `credential` is the key's, application's or operator token's."""

    call_id: str
    method: str
    path: str
    at: int
    address: str = ""
    kind: Kind = "anonymous"
    partner: str = ""
    environment: str = "live"
    credential: str = ""
    label: str = ""
    scopes: tuple[str, ...] = ()
    client_request_id: str = ""
    audience: str = AUDIENCE


class Untrusted(Exception):
    """The header was not made by the gateway for this request."""


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Identity)


def sign(identity: Identity, key: bytes) -> str:
    """The header's value: base64url of the JSON, a dot, and its keyed BLAKE2b (RFC 7693, section 2.9) in hex."""
    body = base64.urlsafe_b64encode(_encoder.encode(identity))
    return f"{body.decode()}.{_mac(body, key)}"


def verify(header: str, key: bytes, *, method: str, path: str) -> Identity:
    """The identity in the header. Raises Untrusted if it isn't the gateway's, is old, or is for another request."""
    body, _, signature = header.rpartition(".")
    if not hmac.compare_digest(_mac(body.encode(), key).encode(), signature.encode()):
        raise Untrusted("signature")
    try:
        identity = _decoder.decode(base64.urlsafe_b64decode(body))
    except (msgspec.DecodeError, ValueError) as error:
        raise Untrusted("unreadable") from error
    if (identity.audience, identity.method, identity.path) != (AUDIENCE, method, path):
        raise Untrusted("made for another request")
    if abs(time.time() - identity.at) > LIFETIME:
        raise Untrusted("too old")
    return identity


def _mac(body: bytes, key: bytes) -> str:
    """BLAKE2b and not HMAC: for that OpenSSL lets go of the interpreter's lock, and Django's threads wait for each other."""
    return hashlib.blake2b(body, key=_shortened(key), digest_size=32).hexdigest()


@lru_cache(maxsize=4)
def _shortened(key: bytes) -> bytes:
    """A key of a length that BLAKE2b takes, made from one of any."""
    return hashlib.sha256(key).digest()

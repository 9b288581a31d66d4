"""The identity that the gateway signs for Django, the only thing Django believes about a caller.

Bound to audience, method, path and time, so that one that leaks is good for one operation for a minute. It carries the
client's address too: behind the gateway's Unix socket there is no other honest source for it.
"""

import base64
import hashlib
import hmac
import time
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
    """The header's value: base64url of the JSON, a dot, and its HMAC-SHA-256 in hex."""
    body = base64.urlsafe_b64encode(_encoder.encode(identity))
    return f"{body.decode()}.{hmac.digest(key, body, hashlib.sha256).hex()}"


def verify(header: str, key: bytes, *, method: str, path: str) -> Identity:
    """The identity in the header. Raises Untrusted if it isn't the gateway's, is old, or is for another request."""
    body, _, signature = header.rpartition(".")
    if not hmac.compare_digest(hmac.digest(key, body.encode(), hashlib.sha256).hex().encode(), signature.encode()):
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

"""Access tokens that aren't known yet: whether we signed them (RFC 9068, section 4), the cheap questions first."""

import base64
import binascii
import time
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers

from apikeys.oauth import signing_keys, tokens
from core import clock
from core.problems import InvalidToken
from gateway.threads import Threads

FRESH = 60.0
"""Seconds for which the keys are good; they are published for a day before they sign."""
SOON = 2.0
"""Seconds after which a token with an unknown key lets them be read again."""
LEEWAY = 5
"""Seconds by which our own clocks may differ."""


class Header(msgspec.Struct):
    """RFC 7515, section 4.1. What it doesn't name, such as `jwk` or `x5u`, is never looked at."""

    alg: str
    kid: str
    typ: str = ""
    crit: Any = None


class Claims(msgspec.Struct):
    """RFC 9068, section 2.2; those that are looked at."""

    iss: str
    aud: str
    exp: int
    iat: int


_header = msgspec.json.Decoder(Header)
_claims = msgspec.json.Decoder(Claims)
_PADDING = PKCS1v15()
_HASH = hashes.SHA256()


class Tokens:
    """Verifies signatures with the keys of this installation."""

    def __init__(self, threads: Threads) -> None:
        self._threads = threads
        self._keys: dict[str, RSAPublicKey] = {}
        self._read_at = -FRESH

    async def verify(self, text: str) -> None:
        """Raises InvalidToken unless we signed it for ourselves and it hasn't expired; PostgresAway if its key can't be known.

        The signature is looked at beside the loop: so an address that guesses too much has one at a time looked at (`guesses`).
        """
        header, signed, signature = _parts(text)
        await self._threads.run(self._verify, header.kid, signed, signature)

    def _verify(self, kid: str, signed: bytes, signature: bytes) -> None:
        key = self._key(kid)
        if key is None:
            raise InvalidToken()
        try:
            key.verify(signature, signed, _PADDING, _HASH)
        except InvalidSignature as error:
            raise InvalidToken() from error

    def _key(self, kid: str) -> RSAPublicKey | None:
        age = time.monotonic() - self._read_at
        if age > FRESH or (kid not in self._keys and age > SOON):
            self._keys = {jwk["kid"]: _public_key(jwk) for jwk in signing_keys.published()}
            self._read_at = time.monotonic()
        return self._keys.get(kid)


def _parts(text: str) -> tuple[Header, bytes, bytes]:
    """Header, what is signed, and the signature of a token whose claims hold. Raises InvalidToken."""
    if len(text) > tokens.LONGEST or text.count(".") != 2:
        raise InvalidToken()
    signed, _, signature = text.rpartition(".")
    head, _, payload = signed.partition(".")
    try:
        header = _header.decode(_decoded(head))
        claims = _claims.decode(_decoded(payload))
        raw = _decoded(signature)
    except (msgspec.MsgspecError, binascii.Error, ValueError) as error:
        raise InvalidToken() from error
    now = clock.now().timestamp()
    sound = (
        header.alg == signing_keys.ALGORITHM
        and header.typ.lower().removeprefix("application/") == tokens.TYPE
        and header.crit is None
        and claims.iss == tokens.issuer()
        and claims.aud == tokens.audience()
        and claims.iat <= now + LEEWAY
        and claims.exp > now
    )
    if not sound:
        raise InvalidToken()
    return header, signed.encode(), raw


def _decoded(part: str) -> bytes:
    """Base64url without padding (RFC 7515, section 2), in its one spelling."""
    raw = base64.b64decode(part.encode() + b"=" * (-len(part) % 4), altchars=b"-_", validate=True)
    if base64.urlsafe_b64encode(raw).rstrip(b"=") != part.encode():
        raise ValueError("another spelling")
    return raw


def _public_key(jwk: dict[str, Any]) -> RSAPublicKey:
    """RFC 7518, section 6.3.1."""
    numbers = [int.from_bytes(_decoded(jwk[name])) for name in ("e", "n")]
    return RSAPublicNumbers(*numbers).public_key()

"""Secrets: keyed hashes for what we only compare, encryption for what we must read again.

Credentials carry 256 random bits, so a fast keyed hash (HMAC-SHA-256, RFC 2104) is enough: there is nothing to guess,
and a slow password hash would only cost latency. Stored secrets (webhook secrets, stored answers) are Fernet tokens
(AES-128-CBC and HMAC-SHA-256); `PORTICO_ENCRYPTION_KEYS` lists the keys, newest first, so that a key is rotated by
putting a new one in front, running `manage.py rotate_encryption`, and dropping the old one.
"""

import hashlib
import hmac
import secrets
import zlib
from functools import cache, lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models
from django.utils.crypto import salted_hmac

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
CHECKSUM_LENGTH = 6


class UnreadableSecret(Exception):
    """A stored secret was encrypted with a key that is not in PORTICO_ENCRYPTION_KEYS."""


def digest(credential: str) -> bytes:
    """The keyed hash (32 bytes) under which a credential is stored and found."""
    keyed_inner, keyed_outer = _hash_states(settings.HASH_KEY)
    inner, outer = keyed_inner.copy(), keyed_outer.copy()
    inner.update(credential.encode())
    outer.update(inner.digest())
    return outer.digest()


def same(one: bytes, other: bytes) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(one, other)


def generate(prefix: str) -> str:
    """A credential: prefix, 256 random bits in base62 (43 characters), checksum (6 characters)."""
    body = prefix + _base62(secrets.randbits(256), 43)
    return body + _checksum(body)


def derive(prefix: str, *facts: object) -> str:
    """A credential that these facts and the installation's secret key always give, so that it can be made again and is kept
    nowhere; in the form that `generate` gives."""
    made = salted_hmac("core.crypto.derive" + prefix, "\0".join(map(str, facts)), algorithm="sha256").digest()
    body = prefix + _base62(int.from_bytes(made), 43)
    return body + _checksum(body)


def well_formed(credential: str, prefix: str) -> bool:
    """Whether it has the prefix, the length and the checksum of a credential; says nothing about its being known."""
    return (
        len(credential) == len(prefix) + 43 + CHECKSUM_LENGTH
        and credential.startswith(prefix)
        and credential.isascii()
        and _checksum(credential[:-CHECKSUM_LENGTH]) == credential[-CHECKSUM_LENGTH:]
    )


def hint(credential: str, prefix: str) -> str:
    """What may be shown of a credential for ever: its prefix, and its last four characters before the checksum."""
    return f"{prefix}…{credential[-4:]}"


def encrypt(plain: bytes) -> bytes:
    """A Fernet token under the newest key."""
    return _fernet(tuple(settings.ENCRYPTION_KEYS)).encrypt(plain)


def decrypt(token: bytes) -> bytes:
    """What was encrypted under any of the keys. Raises UnreadableSecret."""
    try:
        return _fernet(tuple(settings.ENCRYPTION_KEYS)).decrypt(token)
    except InvalidToken as error:
        raise UnreadableSecret("encrypted with a key that is not in PORTICO_ENCRYPTION_KEYS") from error


def remembered(token: bytes) -> str:
    """The text of a short secret, kept in memory, for who wants the same few thousand over and over. Raises UnreadableSecret."""
    return _remembered(token, tuple(settings.ENCRYPTION_KEYS))


def rotate(token: bytes) -> bytes:
    """The same secret under the newest key."""
    try:
        return _fernet(tuple(settings.ENCRYPTION_KEYS)).rotate(token)
    except InvalidToken as error:
        raise UnreadableSecret("encrypted with a key that is not in PORTICO_ENCRYPTION_KEYS") from error


class EncryptedField(models.BinaryField):  # type: ignore[type-arg]  # fields take no types at run time
    """A text that is encrypted at rest and read as `str`. `manage.py rotate_encryption` finds every such field."""

    def get_db_prep_value(self, value: object, connection: object, prepared: bool = False) -> object:
        if isinstance(value, str):
            value = encrypt(value.encode())
        return super().get_db_prep_value(value, connection, prepared)  # type: ignore[arg-type]  # the stubs know bytes only

    def from_db_value(self, value: bytes | memoryview | None, expression: object, connection: object) -> str | None:
        return None if value is None else decrypt(bytes(value)).decode()


@cache
def _hash_states(key: str) -> tuple["hashlib._Hash", "hashlib._Hash"]:
    """HMAC's two hashes with the key taken in (RFC 2104, section 4): copying them costs a fifth of setting HMAC up anew."""
    raw = key.encode()
    block = (raw if len(raw) <= 64 else hashlib.sha256(raw).digest()).ljust(64, b"\0")
    return hashlib.sha256(bytes(byte ^ 0x36 for byte in block)), hashlib.sha256(bytes(byte ^ 0x5C for byte in block))


@lru_cache(maxsize=4_096)
def _remembered(token: bytes, keys: tuple[str, ...]) -> str:
    return decrypt(token).decode()


@cache
def _fernet(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def _base62(number: int, length: int) -> str:
    letters = []
    for _ in range(length):
        number, rest = divmod(number, 62)
        letters.append(_BASE62[rest])
    return "".join(reversed(letters))


def _checksum(body: str) -> str:
    return _base62(zlib.crc32(body.encode()), CHECKSUM_LENGTH)


if __name__ == "__main__":
    print(Fernet.generate_key().decode())  # noqa: T201  (a new key for PORTICO_ENCRYPTION_KEYS)

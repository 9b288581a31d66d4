"""Ids that say what they name and sort by time: TypeID v0.3, a prefix and a UUIDv7 (RFC 9562) in Crockford's base32.

Rows have the UUID as their primary key; people and programs see `key_01jd…`. A `base32` of 26 characters holds 130
bits, so the first character is at most `7`.
"""

from datetime import UTC, datetime
from functools import lru_cache
from uuid import UUID

import uuid_utils.compat

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_VALUES = {letter: value for value, letter in enumerate(ALPHABET)}
LENGTH = 26
# Two letters at a time: each call through the gateway gets an id.
_PAIRS = [one + other for one in ALPHABET for other in ALPHABET]


class MalformedId(ValueError):
    """The text is no id of the expected kind."""


def new() -> UUID:
    """A fresh UUIDv7: 48 bits of Unix milliseconds, then random ones."""
    return uuid_utils.compat.uuid7()


def encode(prefix: str, value: UUID) -> str:
    """`prefix_` and 26 characters."""
    number, pairs = value.int, _PAIRS
    high, low = number >> 40 & 0xFFFFFFFFFF, number & 0xFFFFFFFFFF
    return (
        f"{prefix}_{_milliseconds(number >> 80)}"
        f"{pairs[high >> 30]}{pairs[high >> 20 & 1023]}{pairs[high >> 10 & 1023]}{pairs[high & 1023]}"
        f"{pairs[low >> 30]}{pairs[low >> 20 & 1023]}{pairs[low >> 10 & 1023]}{pairs[low & 1023]}"
    )


@lru_cache(maxsize=64)
def _milliseconds(value: int) -> str:
    """The first ten characters, which ids of the same millisecond share."""
    return "".join([_PAIRS[value >> shift & 1023] for shift in (40, 30, 20, 10, 0)])


def decode(prefix: str, text: str) -> UUID:
    """The UUID in an id of this prefix. Raises MalformedId for any other text."""
    head, separator, tail = text.rpartition("_")
    if head != prefix or not separator or len(tail) != LENGTH or tail[0] > "7":
        raise MalformedId(f"not an id that starts with {prefix}_")
    number = 0
    for letter in tail:
        value = _VALUES.get(letter)
        if value is None:
            raise MalformedId(f"not an id that starts with {prefix}_")
        number = number << 5 | value
    return UUID(int=number)


def earliest(at: datetime) -> UUID:
    """The smallest UUIDv7 of an instant: the bound of a time partition or of a time filter on ids. None is before 1970."""
    milliseconds = max(0, int(at.timestamp() * 1000))
    return UUID(int=milliseconds << 80 | 0x7 << 76 | 0b10 << 62)


def moment(value: UUID) -> datetime:
    """When a UUIDv7 was made, to the millisecond."""
    return datetime.fromtimestamp((value.int >> 80) / 1000, tz=UTC)

"""What PostgreSQL's binary COPY is given, which takes ids, times and addresses as they are.

Format: a header, each row as its number of fields and for each field a length (-1 for NULL) and bytes, a trailer; all numbers
big-endian. See "Binary Format" under COPY in PostgreSQL's manual, and the `recv` functions of the types.
"""

import ipaddress
import struct
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"
NULL = b"\xff\xff\xff\xff"
EPOCH = 946_684_800_000_000
"""PostgreSQL counts a timestamp's µs from 2000; here they are from 1970."""
CHUNK = 4_096
"""Rows that are sent together."""

SMALLINT, INTEGER = (21, 2, "h"), (23, 4, "i")
"""Type, length and struct's letter of what an array holds."""

_length = struct.Struct(">i").pack


def copy(cursor: Any, table: str, columns: str, rows: Sequence[bytes]) -> None:
    """COPY rows, each as its fields were joined."""
    with cursor.copy(f"COPY {table} ({columns}) FROM STDIN (FORMAT BINARY)") as sent:
        sent.write(HEADER)
        for start in range(0, len(rows), CHUNK):
            sent.write(b"".join(rows[start : start + CHUNK]))
        sent.write(TRAILER)


def field(value: bytes | None) -> bytes:
    """One of variable length: uuid, bytea, inet."""
    return NULL if value is None else _length(len(value)) + value


def text(value: str) -> bytes:
    """A text. It must have no NUL, which PostgreSQL's texts can't hold."""
    encoded = value.encode()
    return _length(len(encoded)) + encoded


@lru_cache(maxsize=4096)
def inet(value: str) -> bytes | None:
    """An address: family, prefix length, not a network, length, bytes; None for what is none."""
    try:
        address = ipaddress.ip_address(value.partition("%")[0])
    except ValueError:
        return None
    return bytes((2 if address.version == 4 else 3, address.max_prefixlen, 0, len(address.packed))) + address.packed


def array(kind: tuple[int, int, str], values: Iterable[int]) -> bytes:
    """An array of one dimension: dimensions, no nulls, type, length, first index, then each value; all as a field."""
    oid, length, letter = kind
    flat = [number for value in values for number in (length, value)]
    packed = _array(letter, len(flat) // 2).pack(1, 0, oid, len(flat) // 2, 1, *flat)
    return _length(len(packed)) + packed


@lru_cache(maxsize=2048)
def _array(letter: str, length: int) -> struct.Struct:
    return struct.Struct(f">iiIii{('i' + letter) * length}")

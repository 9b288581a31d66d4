"""What the gateway says about each finished call, and how batches of it travel to `usage.ingest`.

A gateway process is an *epoch*: an id made at its start. It appends packed batches to the Redis stream `usage:calls`
(fields `v`, `e`, `n`, `b`; see `entry`), at most 100 ms after the calls. For calls that a killed process never sent it keeps two
more keys, which `usage.epochs` reads:

* `usage:epoch:<epoch>`: a hash of `<partner hex>:<environment>` → metered calls admitted so far, counted in the script that
  admits, so that it is never behind;
* `usage:alive:<epoch>`: any value with a time to live of ALIVE_SECONDS, renewed every few seconds.
"""

from typing import Annotated, Any
from uuid import UUID

import msgspec

STREAM = "usage:calls"
VERSION = 1
EPOCH = "usage:epoch:{}"
ALIVE = "usage:alive:{}"
ALIVE_SECONDS = 15


Id = Annotated[bytes, msgspec.Meta(min_length=16, max_length=16)]
Target = Annotated[str, msgspec.Meta(pattern=r"^([0-9a-f]{32})?\Z")]


class CallRecord(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One finished call. Ids are the 16 bytes of a UUID; the call's is a UUIDv7, which begins with its time."""

    call: Id
    at: int
    """When it came in, in µs since 1970."""
    partner: Id | None
    environment: str
    credential: Id | None
    operation: str
    """`GET /api/partner/v1/keys/{public_id}`, or the integration's slug under `/apis`; "" for a path nobody serves."""
    target: Target
    """"" for our own API, else the integration's UUID as 32 hex digits."""
    method: str
    path: str
    status: int
    code: str
    """Of the problem document that refused it, or ""."""
    latency_us: int
    bytes_in: int
    bytes_out: int
    address: str
    user_agent: str
    client_request_id: str
    metered: bool
    """Whether it counts: towards the month's quota, and on the invoice."""


class UnreadableBatch(ValueError):
    """The stream entry is not one of ours."""


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[CallRecord])


def pack(records: list[CallRecord]) -> bytes:
    """A batch as MessagePack."""
    return _encoder.encode(records)


def unpack(packed: bytes) -> list[CallRecord]:
    """The calls of a batch. Raises UnreadableBatch."""
    try:
        return _decoder.decode(packed)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UnreadableBatch(str(error)) from error


def entry(epoch: str, records: list[CallRecord]) -> dict[str, Any]:
    """The fields of the stream entry that carries a batch."""
    return {"v": VERSION, "e": epoch, "n": len(records), "b": pack(records)}


def member(partner: UUID, environment: str) -> str:
    """The field of a partner's calls in an epoch's hash of admissions."""
    return f"{partner.hex}:{environment}"

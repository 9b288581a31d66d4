"""One call, as everything in the gateway sees it."""

import time
from typing import cast
from uuid import UUID

import uuid_utils

from core import ids
from gateway.exchanges import Exchange, Headers

LONGEST_CLIENT_ID = 200


class Call:
    """A request under one of the gateway's paths: our id of it, who sent it from where, and which operation it asks for.

    `headers` are those sent, without such as have an underscore in their name (some servers read `x_y` as `x-y`) or are
    the gateway's own to set; `header` looks one up. `path` is the canonical path, `query` as it was sent. The body is read,
    and the answer given, by its `exchange`.
    """

    operation_name = ""
    target = ""
    code = ""
    path = ""
    bytes_in = 0
    bytes_out = 0
    is_carried = True
    """Whether it came to Django or an upstream. Else it isn't metered: it was answered with what an earlier one with the same
    Idempotency-Key had come to, say."""

    def __init__(self, exchange: Exchange, address: str, headers: Headers, fields: dict[bytes, bytes]) -> None:
        self.id = cast(UUID, uuid_utils.uuid7())  # its quick kind, which has all that is asked of it
        self.request_id = ids.encode("call", self.id)
        self.at = time.time_ns() // 1000
        self.began = time.perf_counter_ns()
        self.exchange = exchange
        self.method = exchange.method
        self.raw_path = exchange.raw_path
        self.query = exchange.query
        self.address = address
        self.headers = headers
        self.fields = fields

    def header(self, name: bytes) -> str:
        """The value of a header (its last, if it was sent twice), or ""."""
        value = self.fields.get(name)
        return "" if value is None else value.decode("latin-1")

    @property
    def id_line(self) -> bytes:
        """The header line that tells our id of it."""
        return b"x-request-id: %b\r\n" % self.request_id.encode()

    @property
    def client_request_id(self) -> str:
        """The client's own id of the request, kept beside ours."""
        return self.header(b"x-request-id")[:LONGEST_CLIENT_ID]


# Names that most requests have and that need no look: nothing in them is ambiguous or ours to set.
_PLAIN_NAMES = frozenset(
    {
        b"accept", b"accept-encoding", b"accept-language", b"authorization", b"cache-control", b"connection", b"content-length",
        b"content-type", b"cookie", b"host", b"idempotency-key", b"origin", b"referer", b"traceparent", b"user-agent",
        b"x-api-key", b"x-api-secret", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-method", b"x-forwarded-proto",
        b"x-forwarded-uri", b"x-original-method", b"x-original-uri", b"x-portico-scope", b"x-real-ip", b"x-request-id",
    }
)  # fmt: skip


def readable(headers: Headers, fields: dict[bytes, bytes]) -> tuple[Headers, dict[bytes, bytes]]:
    """The headers that may be looked at, as a list and as a mapping."""
    if not _PLAIN_NAMES.issuperset(fields):
        for name in fields:
            if b"_" in name or name == b"portico-identity":
                headers = [entry for entry in headers if b"_" not in entry[0] and entry[0] != b"portico-identity"]
                return headers, dict(headers)
    return headers, fields

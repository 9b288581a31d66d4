"""One call, as everything in the gateway sees it."""

import time
from collections.abc import Awaitable, Callable
from typing import Any, cast
from uuid import UUID

import uuid_utils

from core import ids

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

LONGEST_CLIENT_ID = 200


class Call:
    """A request under one of the gateway's paths: our id of it, who sent it from where, and which operation it asks for.

    `headers` are those sent, without such as have an underscore in their name (some servers read `x_y` as `x-y`) or are
    the gateway's own to set; `header` looks one up. `path` is the canonical path, `query` as it was sent.
    """

    __slots__ = (
        "address",
        "at",
        "began",
        "bytes_in",
        "bytes_out",
        "code",
        "fields",
        "headers",
        "id",
        "is_received",
        "method",
        "operation_name",
        "path",
        "query",
        "raw_path",
        "receive",
        "request_id",
        "target",
        "version",
    )

    def __init__(
        self, scope: dict[str, Any], receive: Receive, address: str, headers: Headers, fields: dict[bytes, bytes]
    ) -> None:
        self.id = cast(UUID, uuid_utils.uuid7())  # its quick kind, which has all that is asked of it
        self.request_id = ids.encode("call", self.id)
        self.at = time.time_ns() // 1000
        self.began = time.perf_counter_ns()
        self.method: str = scope["method"]
        self.raw_path: bytes = scope["raw_path"]
        self.query: bytes = scope["query_string"]
        self.path: str = scope["path"]
        self.version: str = scope["http_version"]
        self.receive = receive
        self.address = address
        self.headers = headers
        self.fields = fields
        self.operation_name = ""
        self.target = ""
        self.code = ""
        self.is_received = False
        self.bytes_in = 0
        self.bytes_out = 0

    def header(self, name: bytes) -> str:
        """The value of a header (its last, if it was sent twice), or ""."""
        return self.fields.get(name, b"").decode("latin-1")

    @property
    def client_request_id(self) -> str:
        """The client's own id of the request, kept beside ours."""
        return self.header(b"x-request-id")[:LONGEST_CLIENT_ID]


def readable(headers: Headers) -> tuple[Headers, dict[bytes, bytes]]:
    """The headers that may be looked at, as a list and as a mapping."""
    fields = dict(headers)
    for name in fields:
        if b"_" in name or name == b"portico-identity":
            headers = [entry for entry in headers if b"_" not in entry[0] and entry[0] != b"portico-identity"]
            return headers, dict(headers)
    return headers, fields

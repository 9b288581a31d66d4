"""Calls as the gateway tells about them."""

import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from core import clock, ids
from usage.records import STREAM, CallRecord, entry

EPOCH_ID = "e" * 32


def call(
    *, at: datetime | None = None, partner: uuid.UUID | None = None, credential: uuid.UUID | None = None, **facts: Any
) -> CallRecord:
    """A call with a fresh id that begins with its time."""
    at = at or clock.now()
    low = uuid.uuid4().int & ((1 << 62) - 1)
    identity = uuid.UUID(int=ids.earliest(at).int | (uuid.uuid4().int & 0xFFF) << 64 | low)
    given: dict[str, Any] = {
        "environment": "live",
        "operation": "GET /api/partner/v1/requests",
        "target": "",
        "method": "GET",
        "path": "/api/partner/v1/requests",
        "status": 200,
        "code": "",
        "latency_us": 12_000,
        "bytes_in": 100,
        "bytes_out": 2_000,
        "address": "203.0.113.9",
        "user_agent": "curl/8.5",
        "client_request_id": "",
        "metered": True,
    }
    return CallRecord(
        call=identity.bytes,
        at=int(at.timestamp() * 1_000_000),
        partner=partner.bytes if partner else None,
        credential=credential.bytes if credential else None,
        **(given | facts),
    )


@pytest.fixture
def send(redis):
    """Put batches into the stream as a gateway does."""

    def put(*records: CallRecord, epoch: str = EPOCH_ID) -> None:
        redis.xadd(STREAM, entry(epoch, list(records)))

    return put


@pytest.fixture
def tick() -> Iterator[Any]:
    def move(**duration: float) -> None:
        clock.tick(timedelta(**duration))

    yield move
    clock.reset()

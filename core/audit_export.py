"""The audit log as a file, newest first, written while it is sent. What looks like a secret is masked."""

import json
from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet
from django.http import StreamingHttpResponse

from core import ids, listing
from core.downloads import csv_download, download
from core.models import Event, Payload
from core.redaction import redacted

COLUMNS = (
    "number",
    "id",
    "at",
    "environment",
    "type",
    "subject",
    "actor",
    "actor_label",
    "address",
    "request_id",
    "data",
    "hash",
)
PAGE = 500


def as_csv(events: QuerySet[Event]) -> StreamingHttpResponse:
    """As CSV (RFC 4180)."""
    return csv_download(COLUMNS, ([line[name] for name in COLUMNS] for line in _lines(events)), "audit-log.csv")


def as_json(events: QuerySet[Event]) -> StreamingHttpResponse:
    """As one JSON array of objects."""
    return download(_array(events), "application/json", "audit-log.json")


def _array(events: QuerySet[Event]) -> Iterator[str]:
    before = "[\n"
    for line in _lines(events):
        yield before + json.dumps(line, ensure_ascii=False)
        before = ",\n"
    yield "\n]\n" if before == ",\n" else "[]\n"


def _lines(events: QuerySet[Event]) -> Iterator[dict[str, Any]]:
    cursor: str | None = ""
    while cursor is not None:
        page = listing.page(events, cursor=cursor, limit=PAGE)
        payloads = {payload.pk: payload.data for payload in Payload.objects.filter(pk__in=[row.pk for row in page.rows])}
        for event in page.rows:
            yield _line(event, payloads.get(event.pk))
        cursor = page.next_cursor


def _line(event: Event, data: Any) -> dict[str, Any]:
    return {
        "number": event.number,
        "id": event.public_id,
        "at": event.created_at.isoformat(),
        "environment": event.environment,
        "type": event.type,
        "subject": event.subject,
        "actor": event.actor_kind,
        "actor_label": event.actor_label,
        "address": event.address,
        "request_id": ids.encode("call", event.request_id) if event.request_id else None,
        "data": redacted(data),
        "hash": bytes(event.hash).hex() if event.hash else None,
    }

"""The audit log as a file, newest first, written while it is sent. What looks like a secret is masked."""

import csv
import json
from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models import QuerySet
from django.http import StreamingHttpResponse

from core import ids, listing
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

# A cell that starts with one of these would be run as a formula by spreadsheet programs (OWASP, CSV injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def as_csv(events: QuerySet[Event]) -> StreamingHttpResponse:
    """As CSV (RFC 4180)."""
    return _download(_table(events), "text/csv; charset=utf-8", "audit-log.csv")


def as_json(events: QuerySet[Event]) -> StreamingHttpResponse:
    """As one JSON array of objects."""
    return _download(_array(events), "application/json", "audit-log.json")


def _download(parts: Iterable[str], content_type: str, filename: str) -> StreamingHttpResponse:
    response = StreamingHttpResponse(parts, content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="{filename}"'
    return response


def _table(events: QuerySet[Event]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield writer.writerow(COLUMNS)
    for line in _lines(events):
        yield writer.writerow([_cell(line[name]) for name in COLUMNS])


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


def _cell(value: Any) -> Any:
    """A cell that no spreadsheet program takes for a formula."""
    match value:
        case None:
            return ""
        case dict() | list():
            return json.dumps(value, ensure_ascii=False, sort_keys=True)
        case str() if value.startswith(_FORMULA):
            return f"'{value}"
    return value


class _Echo:
    """A file for the csv writer that hands each line back."""

    def write(self, line: str) -> str:
        return line

"""The audit log as a file."""

import csv
import json
from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet
from django.http import StreamingHttpResponse

from core import ids, listing
from core.models import Event, Payload

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
    """All the events, newest first, as a CSV download (RFC 4180) that is written while it is sent."""
    response = StreamingHttpResponse(_lines(events), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="audit-log.csv"'
    return response


def _lines(events: QuerySet[Event]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield writer.writerow(COLUMNS)
    cursor: str | None = ""
    while cursor is not None:
        page = listing.page(events, cursor=cursor, limit=PAGE)
        payloads = {payload.pk: payload.data for payload in Payload.objects.filter(pk__in=[row.pk for row in page.rows])}
        for event in page.rows:
            yield writer.writerow([_harmless(cell) for cell in _cells(event, payloads.get(event.pk))])
        cursor = page.next_cursor


def _cells(event: Event, data: Any) -> list[Any]:
    return [
        event.number,
        event.public_id,
        event.created_at.isoformat(),
        event.environment,
        event.type,
        event.subject,
        event.actor_kind,
        event.actor_label,
        event.address,
        ids.encode("call", event.request_id) if event.request_id else "",
        json.dumps(data, ensure_ascii=False, sort_keys=True) if data is not None else "",
        bytes(event.hash).hex() if event.hash else "",
    ]


def _harmless(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


class _Echo:
    """A file for the csv writer that hands each line back."""

    def write(self, line: str) -> str:
        return line

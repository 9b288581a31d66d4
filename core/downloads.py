"""Files that are written while they are sent."""

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.http import StreamingHttpResponse

# A cell that starts with one of these would be run as a formula by spreadsheet programs (OWASP, CSV injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def download(parts: Iterable[str], content_type: str, filename: str) -> StreamingHttpResponse:
    """An answer that browsers save."""
    response = StreamingHttpResponse(parts, content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="{filename}"'
    return response


def csv_download(columns: Sequence[str], rows: Iterable[Sequence[Any]], filename: str) -> StreamingHttpResponse:
    """As CSV (RFC 4180), with a line of the columns' names."""
    return download(_table(columns, rows), "text/csv; charset=utf-8", filename)


def _table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield writer.writerow(columns)
    for row in rows:
        yield writer.writerow([_cell(value) for value in row])


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

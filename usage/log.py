"""The log of calls, page by page. What no index answers is looked for in stretches, so that no page takes long."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.http import StreamingHttpResponse

from apikeys.models import Application, Key
from core import ids, listing
from core.downloads import csv_download
from usage.models import Call, CallQuerySet

LONGEST_FILE = 100_000
"""Lines of a CSV file at most."""
MOST_STRETCHES = 200
"""Pages that a file is gathered from at most: nobody waits for hours, and holds up others, for what isn't there."""
_AT_ONCE = 5_000
COLUMNS = (
    "id",
    "at",
    "method",
    "path",
    "operation",
    "integration",
    "status",
    "code",
    "latency_ms",
    "bytes_in",
    "bytes_out",
    "caller",
    "address",
    "user_agent",
    "client_request_id",
    "metered",
)


def name_callers(calls: Iterable[Call]) -> None:
    """Set `caller` of each: the public id of its key or application, or None."""
    rows = list(calls)
    wanted = {call.credential_id for call in rows if call.credential_id}
    applications = set(Application.objects.filter(pk__in=wanted).values_list("pk", flat=True)) if wanted else set()
    for call in rows:
        kind = Application if call.credential_id in applications else Key
        call.caller = ids.encode(kind.id_prefix, call.credential_id) if call.credential_id else None


def page(calls: CallQuerySet, *, ordering: str = "-id", cursor: str = "", limit: int = listing.USUAL) -> listing.Stretch[Call]:
    """The calls after `cursor` that are as sought, with who made them; see `core.listing.stretch`."""
    found = listing.stretch(calls, ordering=ordering, cursor=cursor, limit=limit)
    name_callers(found.rows)
    return found


def as_csv(calls: CallQuerySet) -> StreamingHttpResponse:
    """As a file, newest first: LONGEST_FILE lines at most, from MOST_STRETCHES pages."""
    return csv_download(COLUMNS, _lines(calls), "calls.csv")


def _lines(calls: CallQuerySet) -> Iterator[list[Any]]:
    cursor: str | None = ""
    left = LONGEST_FILE
    for _page in range(MOST_STRETCHES):
        if cursor is None or not left:
            break
        found = page(calls, cursor=cursor, limit=min(_AT_ONCE, left))
        yield from map(_line, found.rows)
        left -= len(found.rows)
        cursor = found.next_cursor


def _line(call: Call) -> list[Any]:
    return [
        call.public_id,
        call.at.isoformat(),
        call.method,
        call.path,
        call.operation,
        ids.encode("int", call.integration_id) if call.integration_id else "",
        call.status,
        call.code,
        call.latency_us / 1000,
        call.bytes_in,
        call.bytes_out,
        call.caller,
        call.address,
        call.user_agent,
        call.client_request_id,
        "yes" if call.metered else "no",
    ]

"""Lists on pages: ordering and cursor live in the URL, so that a view of a table can be linked and reloaded."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest

from core import listing as listings
from core.problems import ValidationError

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of rows, as `<c-table :listing="…">` shows it. `first` is false on the pages after the first."""

    rows: Sequence[Any]
    ordering: str
    sortable: Collection[str]
    next_cursor: str | None
    first: bool

    def __iter__(self) -> Iterator[Any]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)


def listing(
    request: HttpRequest,
    queryset: QuerySet[Row],
    *,
    sortable: Collection[str] = (),
    ordering: str = "-id",
    limit: int = listings.USUAL,
) -> Listing:
    """The page of `queryset` that the URL asks for by `?ordering=` (one of `sortable`, `-` for descending) and `?cursor=`.

    What the URL asks for and can't have (an unknown column, a cursor of another ordering) is answered with the usual first page.
    """
    asked = request.GET.get("ordering", "")
    order = asked if asked.removeprefix("-") in sortable else ordering
    cursor = request.GET.get("cursor", "")
    try:
        page = listings.page(queryset, ordering=order, cursor=cursor, limit=limit)
    except ValidationError:
        cursor = ""
        page = listings.page(queryset, ordering=order, limit=limit)
    return Listing(page.rows, order, sortable, page.next_cursor, first=not cursor)

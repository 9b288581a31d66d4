"""Lists by cursor: keyset pagination over an ordering that ends with the id, for API and pages alike.

A cursor is the last row's ordering values, base64url of JSON; it holds nothing secret and survives inserts and deletes.
"""

import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, Self, TypeVar
from uuid import UUID

from django.core.exceptions import FieldDoesNotExist
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db.models import DateTimeField, Model, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from core import ids
from core.problems import ValidationError

LONGEST = 200
USUAL = 50
STRETCH = 50_000
"""Rows that one page looks through at most for what no index answers."""

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """One page of rows, and the cursor of the next or None."""

    rows: list[Row]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Stretch(Page[Row]):
    """A page of what was looked for; `reached` is how far it looked, if its stretch ended before the page was full."""

    reached: datetime | None = None


class Seeking:
    """For querysets of long logs: remembers what is looked for without an index, for `stretch`."""

    sought: Q = Q()

    def seeking(self, condition: Q) -> Self:
        """Remember one more thing to look for."""
        found: Self = self.all()  # type: ignore[attr-defined]  # of the queryset it is mixed into
        found.sought = self.sought & condition
        return found

    def _clone(self) -> Self:
        copy: Self = super()._clone()  # type: ignore[misc]  # Django's own way of keeping a queryset's attributes
        copy.sought = self.sought
        return copy


def page(queryset: QuerySet[Row], *, ordering: str = "-id", cursor: str = "", limit: int = USUAL) -> Page[Row]:
    """The rows after `cursor` in `ordering` (a field name, `-` for descending); ties are broken by id.

    The field must not be null. Raises ValidationError for a cursor that isn't one of this ordering.
    """
    found = list(after(queryset, ordering=ordering, cursor=cursor)[: limit + 1])
    if len(found) <= limit:
        return Page(found, None)
    return Page(found[:limit], cursor_of(found[limit - 1], ordering))


def stretch(rows: Any, *, ordering: str = "-id", cursor: str = "", limit: int = USUAL) -> Stretch[Any]:
    """The rows of a `Seeking` queryset after `cursor` that are as sought. A page may have fewer rows than asked for, or none,
    and a next one all the same: then its stretch had no more. Raises ValidationError for a cursor that isn't one."""
    if not rows.sought:
        plain = page(rows, ordering=ordering, cursor=cursor, limit=limit)
        return Stretch(plain.rows, plain.next_cursor)
    bare = after(rows, ordering=ordering, cursor=cursor).select_related(None).only("pk")
    last = next(iter(bare[STRETCH - 1 : STRETCH]), None)
    found = rows.filter(rows.sought)
    if last is not None:
        found = found.filter(pk__gte=last.pk) if ordering.startswith("-") else found.filter(pk__lte=last.pk)
    got = page(found, ordering=ordering, cursor=cursor, limit=limit)
    if got.next_cursor is None and last is not None:
        return Stretch(got.rows, cursor_of(last, ordering), ids.moment(last.pk))
    return Stretch(got.rows, got.next_cursor)


def after(queryset: QuerySet[Row], *, ordering: str = "-id", cursor: str = "") -> QuerySet[Row]:
    """All of them, not cut to a page. Raises ValidationError as `page` does."""
    name, descending = ordering.removeprefix("-"), ordering.startswith("-")
    fields = _fields(ordering)
    rows = queryset.order_by(*(f"{'-' if descending else ''}{field}" for field in fields))
    if not cursor:
        return rows
    values = decode(cursor, ordering, len(fields))
    try:
        values[0] = _instant(values[0]) if _is_instant(queryset.model, name) else values[0]
        return rows.filter(_after(fields, values, "lt" if descending else "gt"))
    except (ValueError, TypeError, OverflowError, DjangoValidationError) as error:
        raise invalid() from error


def cursor_of(row: Model, ordering: str = "-id") -> str:
    """The cursor of what comes after a row."""
    return encode(ordering, [_value(row, field) for field in _fields(ordering)])


def _fields(ordering: str) -> list[str]:
    name = ordering.removeprefix("-")
    return [name] if name in {"id", "pk"} else [name, "id"]


def _after(fields: list[str], values: list[Any], comparison: str) -> Q:
    """(a, b) > (x, y) spelled so that Django binds each part: a > x or (a = x and b > y)."""
    condition, equal = Q(), Q()
    for field, value in zip(fields, values, strict=True):
        condition |= equal & Q(**{f"{field}__{comparison}": value})
        equal &= Q(**{field: value})
    return condition


def _value(row: Model, field: str) -> Any:
    value: Any = row
    for part in field.split("__"):
        value = getattr(value, part)
    return value


def encode(ordering: str, values: list[Any]) -> str:
    """A cursor of these values."""
    plain = [
        value.isoformat() if isinstance(value, datetime) else str(value) if isinstance(value, UUID) else value for value in values
    ]
    return base64.urlsafe_b64encode(json.dumps([ordering, *plain]).encode()).decode().rstrip("=")


def decode(cursor: str, ordering: str, length: int) -> list[Any]:
    """The values of a cursor. Raises ValidationError for one that isn't of this ordering."""
    try:
        decoded = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, RecursionError) as error:
        raise invalid() from error
    if not isinstance(decoded, list) or len(decoded) != length + 1 or decoded[0] != ordering:
        raise invalid()
    values: list[Any] = decoded[1:]
    if not all(_is_value(value) for value in values):
        raise invalid()
    return values


def _is_instant(model: type[Model], name: str) -> bool:
    try:
        return isinstance(model._meta.get_field(name), DateTimeField)
    except FieldDoesNotExist:
        return False


def _instant(text: Any) -> datetime:
    """As `encode` writes it. Raises ValueError, TypeError, OverflowError: PostgreSQL doesn't take every offset."""
    return datetime.fromisoformat(text).astimezone(UTC)


def _is_value(value: Any) -> bool:
    """Whether `encode` may have written it, and PostgreSQL can compare with it."""
    if isinstance(value, str):
        return "\0" not in value and not any("\ud800" <= letter <= "\udfff" for letter in value)
    return type(value) is int and abs(value) < 1 << 63


def invalid() -> ValidationError:
    """What is said of a cursor that isn't one."""
    return ValidationError({"cursor": [str(_("This is no cursor of this list. Start again without one."))]})

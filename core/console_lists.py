"""Lists of the console that answer at once, however many rows there are.

Nothing is counted to its end, nothing is sorted that no index sorts, and a search asks one column at a time, so that an index
answers it. A list leads through its first 5,000 rows; whoever wants others narrows it.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, cast
from uuid import UUID

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.paginator import Page, Paginator
from django.db.models import Field, Lookup, Model, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin, checkbox
from unfold.contrib.filters.admin import RangeDateFilter
from unfold.contrib.filters.admin.datetime_filters import parse_date_str

from core import ids
from core.models import Environment

MOST_ROWS = 5_000
"""How far a list leads."""
MOST_FOUND = 500
"""Matches of a search that are looked at: the newest."""
_BOX = checkbox.render(ACTION_CHECKBOX_NAME, "{pk}")
SHORTEST = 3
"""A shorter word has no trigram in its middle: it is looked for where texts begin."""


@Field.register_lookup
class AnyOf(Lookup):
    """As `__in`, but the values are one array: a thousand placeholders cost Django and psycopg more than PostgreSQL's answer."""

    lookup_name = "any_of"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        column, params = self.process_lhs(compiler, connection)
        keys = ",".join(map(str, self.rhs))  # UUIDs or integers
        return f"{column} = ANY(%s::{self.lhs.output_field.db_type(connection)}[])", [*params, f"{{{keys}}}"]


class Bounded(Paginator):
    """Counts no further than it leads, and passes over the rows before a page by their keys alone."""

    template_name = "admin/bounded_pagination.html"
    more = False
    most_found = MOST_FOUND

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        found = int(rows.values("pk")[: MOST_ROWS + 1].count())
        self.more = found > MOST_ROWS
        return min(found, MOST_ROWS)

    def page(self, number: int | str) -> Any:
        number, rows = self.validate_number(number), cast(Any, self.object_list)
        end = number * self.per_page
        keys = list(rows.values_list("pk", flat=True)[end - self.per_page : min(end, self.count)])
        return Page(rows.filter(pk__any_of=keys), number, self)


class ConsoleList(ModelAdmin):
    """A list of rows. `search_fields` are columns, of related rows too; `=` before one asks for the whole text."""

    change_list_template = "admin/console_list.html"
    paginator = Bounded
    list_per_page = 25
    list_max_show_all = 25
    list_disable_select_all = True
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    sortable_by: Any = ()
    ordering: Any = ["-pk"]

    @admin.display(description=ModelAdmin.action_checkbox.short_description)
    def action_checkbox(self, obj: Model) -> SafeString:
        """As Unfold's, whose template for it costs a millisecond a row."""
        return format_html(_BOX, pk=obj.pk)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """A list that nothing narrows doesn't offer to show all."""
        cl = super().get_changelist_instance(request)
        if not (cl.query or cl.has_active_filters):
            cl.full_result_count = cl.result_count
        return cl

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        """The row of an id, rows of a partner's id, or those that have the words in one of the columns."""
        words = search_term.strip()
        if not words:
            return queryset, False
        named = rows_named(queryset, words)
        return (_matching(queryset, self.get_search_fields(request), words) if named is None else named), False


def among(name: str, title: Any, values: Callable[[], Iterable[tuple[str, Any]]]) -> type[admin.SimpleListFilter]:
    """A filter by a column whose values are known from elsewhere; Django's own would look through the whole table for them."""

    class Among(admin.SimpleListFilter):
        parameter_name = name

        def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
            return list(values())

        def queryset(self, request: HttpRequest, queryset: QuerySet[Model]) -> QuerySet[Model]:
            return queryset.filter(**{name: self.value()}) if self.value() else queryset

    Among.title = title
    return Among


class DaysFilter(RangeDateFilter):
    """From one day to another, both whole, by ids: they begin with the time, and every list is in their order."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Model]) -> QuerySet[Model]:
        first, last = (parse_date_str(str(self.used_parameters.get(f"{self.field_path}_{end}", ""))) for end in ("from", "to"))
        if first:
            queryset = queryset.filter(pk__gte=ids.earliest(_midnight(first)))
        return queryset.filter(pk__lt=ids.earliest(_midnight(last + timedelta(days=1)))) if last else queryset


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)


def of_partner(rows: Any, partner: Any) -> Any:
    """A partner's rows, the newest of them if there are many.

    Indexes have the environment between the partner and the time, so each environment is asked for its newest.
    """
    names = {field.attname for field in rows.model._meta.fields}
    if "environment" not in names:
        return rows.filter(partner_id=partner)
    live, test = (
        rows.filter(partner_id=partner, environment=each).order_by("-pk").values("pk")[: MOST_ROWS + 1] for each in Environment
    )
    return rows.filter(pk__in=live.union(test, all=True))


def rows_named(rows: Any, words: str) -> Any:
    """The rows that a public id names: itself, or its partner; None if it is no such id."""
    if found := _decoded(getattr(rows.model, "id_prefix", ""), words):
        return rows.filter(pk=found)
    owned = any(field.attname == "partner_id" for field in rows.model._meta.fields)
    if owned and (found := _decoded("ptn", words)):
        return of_partner(rows, found)
    return None


def _decoded(prefix: str, words: str) -> UUID | None:
    try:
        return ids.decode(prefix, words)
    except ids.MalformedId:
        return None


def _matching(rows: Any, columns: Iterable[str], words: str) -> Any:
    found = sorted({pk for column in columns for pk in _matches(rows, column, words)}, reverse=True)
    return rows.filter(pk__any_of=found[:MOST_FOUND]) if found else rows.none()


def _matches(rows: Any, column: str, words: str) -> Iterator[Any]:
    """The newest rows that have the words in one column; of a related table that one is asked first."""
    *relations, name = column.lstrip("=").split("__")
    lookup = "exact" if column.startswith("=") else "icontains" if len(words) >= SHORTEST else "istartswith"
    condition: dict[str, Any] = {f"{name}__{lookup}": words}
    if relations:
        related = newest(_related(rows.model, relations)._default_manager.filter(**condition))
        condition = {f"{'__'.join(relations)}__pk__any_of": related}
        if not related:
            return
    yield from newest(rows.filter(**condition))


def newest(rows: Any) -> list[Any]:
    """The keys of the newest rows, of as many as a search looks at."""
    return list(rows.order_by("-pk").values_list("pk", flat=True)[:MOST_FOUND])


def _related(model: Any, relations: list[str]) -> Any:
    for relation in relations:
        model = model._meta.get_field(relation).related_model
    return model

"""The table of a console's list as Unfold draws it, without its templates for each cell: they take milliseconds a row.

Rows that are edited, sorted by hand or unfolded within the list are left out: no list of ours has them.
"""

from collections.abc import Callable
from functools import cache, partial
from operator import attrgetter
from typing import Any

from django import template
from django.contrib.admin.templatetags.admin_urls import add_preserved_filters
from django.contrib.admin.utils import quote
from django.contrib.admin.views.main import PAGE_VAR
from django.core.exceptions import ObjectDoesNotExist
from django.db.models import BooleanField, ManyToOneRel, Model
from django.urls import reverse
from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from unfold.templatetags.unfold_list import CHECKBOX_CLASSES, LINK_CLASSES, ROW_CLASSES, result_headers
from unfold.utils import display_for_field, display_for_label, display_for_value

register = template.Library()

_ROW = (
    '<tbody class="block relative lg:table-row-group {}"><tr class="data-row block border border-base-200 mb-3 relative'
    ' rounded-default lg:table-row lg:border-none lg:mb-0 lg:rounded-none dark:border-base-800">{}</tr></tbody>'
)
_STRIPES = ("", "bg-base-50 dark:bg-white/[.02]")
_BOX = "action_checkbox"
_PLACE = "PLACE"


@register.inclusion_tag("admin/console_rows.html", takes_context=True)
def console_list(context: template.Context, cl: Any) -> dict[str, Any]:
    """Headings and rows."""
    headers = list(result_headers(cl))
    columns = [Column(cl, name, header["text"]) for name, header in zip(cl.list_display, headers, strict=True)]
    cells = (SafeString("".join(column.cell(row) for column in columns)) for row in cl.result_list)
    return {
        "cl": cl,
        "result_headers": headers,
        "num_sorted_fields": sum(header["sortable"] and header["sorted"] for header in headers),
        "rows": format_html_join("", _ROW, ((_STRIPES[number % 2], row) for number, row in enumerate(cells))),
        "has_add_permission": cl.model_admin.has_add_permission(context["request"]),
    }


@register.simple_tag
def rows_beyond(cl: Any) -> str:
    """The address of the list that begins after this page's last row, where rows are in the order of their keys; else nothing."""
    ways = {"-pk": "lt", "-id": "lt", "pk": "gt", "id": "gt"}
    way = ways.get(next(iter(cl.queryset.query.order_by), ""))
    if not way or not cl.result_list:
        return ""
    return str(cl.get_query_string({f"{cl.pk_attname}__{way}": list(cl.result_list)[-1].pk}, remove=[PAGE_VAR]))


class Column:
    """One column of one page; what its cells have in common is found out once."""

    def __init__(self, cl: Any, name: str, heading: Any) -> None:
        self.cl, self.name = cl, name
        self.empty: str = cl.model_admin.get_empty_value_display()
        self.link = _link(cl) if name in (cl.list_display_links or ()) else ""
        tag = "th" if self.link and name == cl.list_display_links[0] else "td"
        classes = " ".join(CHECKBOX_CLASSES if name == _BOX else [f"field-{name}", *ROW_CLASSES])
        label = _("Select record") if name == _BOX else heading
        self.begin = format_html('<{} class="{}" data-label="{}">', tag, classes, label)
        self.end = format_html("</{}>", tag)
        self.read, self.shown = self._reading()

    def cell(self, row: Model) -> SafeString:
        text = conditional_escape(self.text(row))
        return self.begin + (self._linked(row, text) if self.link else text) + self.end

    def text(self, row: Model) -> Any:
        """What stands in the cell, as Unfold writes it."""
        try:
            value = self.read(row)
        except ObjectDoesNotExist:
            return self.empty
        return self.shown(value)

    def _reading(self) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
        """How the column's value is taken from a row, and how it is shown."""
        method = getattr(self.cl.model_admin, self.name, None)
        if method is not None and self.name != "__str__":
            return method, self._shown_by(method)
        if self.name not in _columns(self.cl.opts):
            attribute = getattr(self.cl.model, self.name)
            called = callable(attribute)
            return lambda row: getattr(row, self.name)() if called else getattr(row, self.name), self._shown_by(attribute)
        field = self.cl.opts.get_field(self.name)
        if isinstance(field.remote_field, ManyToOneRel):
            return attrgetter(self.name), lambda value: self.empty if value is None else str(value)
        show = partial(display_for_field, field=field, empty_value_display=self.empty)
        return attrgetter(self.name), cache(show) if field.choices or isinstance(field, BooleanField) else show

    def _shown_by(self, attribute: Any) -> Callable[[Any], Any]:
        if hasattr(attribute, "label"):
            return cache(lambda value: display_for_label(value, self.empty, attribute.label))
        if getattr(attribute, "boolean", False):
            return cache(lambda value: display_for_value(value, self.empty, boolean=True))
        return partial(display_for_value, empty_value_display=getattr(attribute, "empty_value_display", self.empty))

    def _linked(self, row: Any, text: SafeString) -> SafeString:
        chosen = row.serializable_value(str(self.cl.to_field or self.cl.pk_attname))
        opener = format_html(' data-popup-opener="{}"', chosen) if self.cl.is_popup else ""
        url = self.link.replace(_PLACE, str(quote(row.pk)), 1)
        return format_html('<a href="{}" class="{}"{}>{}</a>', url, " ".join(LINK_CLASSES), opener, text)


def _columns(opts: Any) -> set[str]:
    return {field.name for field in opts.concrete_fields}


def _link(cl: Any) -> str:
    """The address of a row's page, with a place for its key. It leads back to the list as it is now."""
    page = reverse(f"admin:{cl.opts.app_label}_{cl.opts.model_name}_change", args=[_PLACE])
    return str(add_preserved_filters({"preserved_filters": cl.preserved_filters, "opts": cl.opts}, page))

"""Tags and filters that the components of `templates/components` are made of; built in, no `{% load %}` needed."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from django import template
from django.contrib.messages import constants
from django.contrib.messages.storage.base import Message
from django.db.models import Choices, Model
from django.forms import BoundField, CheckboxInput, CheckboxSelectMultiple, RadioSelect
from django.template.context import Context
from django.utils.formats import date_format
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import capfirst
from django.utils.timesince import timesince
from django.utils.translation import gettext as _

from core import clock

register = template.Library()

_SEPARATOR = "\x1e"
TO_THE_SECOND = "j M Y, H:i:s"

# The colour of a state is the same everywhere. A word that isn't here is grey.
_TONES = {
    "good": "active accepted applied approved available completed delivered done enabled healthy installed live ok paid "
    "published settled succeeded verified",
    "info": "claimed finalised grace in_review new open pending processing provisioning queued scanning scheduled sending "
    "submitted trial trialing waiting",
    "warn": "awaiting_payment changes_requested degraded delayed disabled draining expiring held hold on_hold outdated paused "
    "retrying test warning",
    "bad": "abandoned breached broken closed dead declined error exhausted failed failing infected leaked overdue rejected "
    "revoked suspended uncollectible",
}
_TONE_OF = {word: tone for tone, words in _TONES.items() for word in words.split()}


@register.simple_tag
def html_attrs(attrs: Mapping[str, Any]) -> SafeString:
    """The attributes a component passes on to its element, escaped; those that are None or False are left out."""
    parts = [
        conditional_escape(name) if value is True else format_html('{}="{}"', name, value)
        for name, value in getattr(attrs, "attrs_dict", lambda: attrs)().items()
        if value is not None and value is not False
    ]
    return mark_safe(" ".join(parts))  # each part was escaped above


@register.simple_tag
def status_tone(status: Any) -> str:
    """The tone (good, info, warn, bad or none) of a state's word."""
    word = status.value if isinstance(status, Choices) else status
    return _TONE_OF.get(str(word).lower().replace(" ", "_"), "")


@register.simple_tag
def message_tone(message: Message) -> str:
    """The tone of one of Django's messages."""
    return {constants.SUCCESS: "good", constants.WARNING: "warn", constants.ERROR: "bad"}.get(message.level, "info")


@register.simple_tag
def field_kind(field: BoundField) -> str:
    """How `<c-field>` lays a field out: hidden, check (box beside its label), group (several inputs) or input."""
    if field.is_hidden:
        return "hidden"
    widget = field.field.widget
    if isinstance(widget, CheckboxSelectMultiple | RadioSelect):
        return "group"
    return "check" if isinstance(widget, CheckboxInput) else "input"


@register.filter
def initials(name: object) -> str:
    """Up to two letters that stand for a name."""
    words = [word for word in str(name).replace("@", " ").replace(".", " ").split() if word[0].isalnum()]
    return "".join(word[0] for word in words[:2]) or "?"


# Of the many names that a browser gives itself the first of these says most (all of them say Mozilla, most say Safari).
_BROWSERS = {
    "Edg": "Edge",
    "OPR": "Opera",
    "Firefox": "Firefox",
    "FxiOS": "Firefox",
    "Chrome": "Chrome",
    "CriOS": "Chrome",
    "Safari": "Safari",
}
_SYSTEMS = {
    "Android": "Android",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Windows": "Windows",
    "Mac OS X": "macOS",
    "CrOS": "ChromeOS",
    "Linux": "Linux",
}


@register.filter
def device(user_agent: str) -> str:
    """A browser as people name it, "Firefox on Windows", from its User-Agent; what isn't known is shown as it is."""
    browser = next((name for token, name in _BROWSERS.items() if f"{token}/" in user_agent), "")
    system = next((name for token, name in _SYSTEMS.items() if token in user_agent), "")
    if browser and system:
        return _("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    return browser or system or user_agent[:40] or _("Unknown")


@register.filter
def host(address: str) -> str:
    """Whose address it is, as people say it: acme.example."""
    return (urlsplit(address).hostname or address).removeprefix("www.")


@register.filter
def times(count: int | str) -> range:
    """`{% for n in 3|times %}`."""
    return range(int(count))


@register.filter
def ago(at: datetime) -> str:
    """How long ago, or in how long, in one unit; a date beyond a month."""
    distance = clock.now() - at
    if abs(distance) < timedelta(minutes=1):
        return _("just now") if distance >= timedelta() else _("in a moment")
    if abs(distance) > timedelta(days=30):
        return date_format(at, "j M Y")
    if distance > timedelta():
        return _("%(time)s ago") % {"time": timesince(at, clock.now(), depth=1)}
    return _("in %(time)s") % {"time": timesince(clock.now(), at, depth=1)}


@register.filter
def number(value: Any) -> str:
    """Thousands apart; a dash for nothing."""
    if value is None or value == "":
        return "–"
    if isinstance(value, float):
        return f"{value:,.2f}".rstrip("0").rstrip(".")
    return f"{value:,}" if isinstance(value, int | Decimal) else str(value)


@register.filter
def percent(share: float | Decimal | None) -> str:
    """A share between 0 and 1 as per cent."""
    return "–" if share is None else f"{float(share) * 100:.2f}".rstrip("0").rstrip(".") + "%"


@register.filter
def filesize_short(size: int | None) -> str:
    """Bytes in the largest unit that leaves at least one (kB is 1,000 bytes, as traffic is billed)."""
    if size is None:
        return "–"
    amount = float(size)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if abs(amount) < 1000 or unit == "TB":
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    raise AssertionError("unreachable")


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table, as `<c-column>` named it and the listing allows it."""

    name: str
    label: str
    format: str
    cell: str
    link: bool
    hide_label: bool
    sortable: bool
    sorted: str
    next_ordering: str

    @property
    def css(self) -> str:
        """Numbers line up on the right, codes are monospaced."""
        return {
            "number": "num", "money": "num", "percent": "num", "bytes": "num", "ms": "num", "mono": "mono",
            "ago": "nowrap dim", "date": "nowrap dim", "datetime": "nowrap dim", "actions": "actions", "dim": "dim",
            "badge": "nowrap",
        }.get(self.format, "")  # fmt: skip


_FORMATS = ("mono", "ago", "date", "datetime", "number", "money", "percent", "bytes", "ms", "badge", "dim", "actions")


@register.simple_tag
def column(attrs: Mapping[str, Any]) -> SafeString:
    """Hand one `<c-column>`'s description to the table around it, through its slot."""
    return mark_safe(_SEPARATOR + json.dumps({key: value if value is True else str(value) for key, value in attrs.items()}))


@register.simple_tag
def table_columns(slot: str, listing: Any) -> list[Column]:
    """The columns that stand in a table's slot."""
    described = [json.loads(part) for part in str(slot).split(_SEPARATOR)[1:]]
    return [_column(attrs, listing) for attrs in described]


def _column(attrs: dict[str, Any], listing: Any) -> Column:
    name = attrs.get("name", "")
    ordering = getattr(listing, "ordering", "")
    order_by = attrs["sort"] if isinstance(attrs.get("sort"), str) else name.replace(".", "__")
    direction = {order_by: "ascending", f"-{order_by}": "descending"}.get(ordering, "")
    return Column(
        name=name,
        label=attrs.get("label") or capfirst(_label(name, listing)),
        format=next((kind for kind in _FORMATS if kind in attrs), ""),
        cell=attrs.get("cell", ""),
        link="link" in attrs,
        hide_label="actions" in attrs,
        sortable="sort" in attrs and order_by in getattr(listing, "sortable", ()),
        sorted=direction,
        next_ordering=f"-{order_by}" if direction == "ascending" else order_by,
    )


def _label(name: str, listing: Any) -> str:
    """The model's own name of a field, where the rows are of a model."""
    row = next(iter(listing), None)
    if isinstance(row, Model) and name in {field.name for field in row._meta.get_fields() if hasattr(field, "verbose_name")}:
        return str(row._meta.get_field(name).verbose_name)  # type: ignore[union-attr]  # checked above
    return name.rsplit(".", 1)[-1].replace("_", " ")


@register.simple_tag(takes_context=True)
def cell(context: Context, column: Column, row: Any) -> str | SafeString:
    """One cell: by the column's own template (with `row` and `value`), or by its format."""
    value = template.Variable(f"row.{column.name}").resolve({"row": row}) if column.name and _has(row, column.name) else None
    if column.cell:
        found = context.template.engine.get_template(column.cell)  # type: ignore[union-attr]  # checked above
        with context.push(row=row, value=value):
            return found.render(context)
    shown = _shown(column, row, value)
    if column.link and hasattr(row, "get_absolute_url"):
        return format_html('<a href="{}">{}</a>', row.get_absolute_url(), shown)
    return shown


def _has(row: Any, name: str) -> bool:
    try:
        template.Variable(f"row.{name}").resolve({"row": row})
    except template.VariableDoesNotExist:
        return False
    return True


def _shown(column: Column, row: Any, value: Any) -> str | SafeString:
    if column.format == "badge":
        tone = status_tone(value)
        display = getattr(row, f"get_{column.name}_display", lambda: value)()
        return format_html('<span class="badge{}">{}</span>', f" badge-{tone}" if tone else "", display)
    if value is None or value == "":
        return format_html('<span class="text-faint">{}</span>', "–")
    return _FORMATTED[column.format](value) if column.format in _FORMATTED else _plain(value)


def _time(value: datetime) -> SafeString:
    return format_html(
        '<time datetime="{}" title="{} UTC">{}</time>', value.isoformat(), date_format(value, TO_THE_SECOND), ago(value)
    )


def _plain(value: Any) -> str | SafeString:
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if isinstance(value, datetime):
        return date_format(value, "j M Y, H:i")
    if isinstance(value, date):
        return date_format(value, "j M Y")
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        return ", ".join(str(item) for item in value)
    return conditional_escape(value)


_FORMATTED: dict[str, Callable[[Any], str | SafeString]] = {
    "ago": _time,
    "datetime": lambda value: format_html('<time datetime="{}">{}</time>', value.isoformat(), date_format(value, TO_THE_SECOND)),
    "number": number,
    "percent": percent,
    "bytes": filesize_short,
    "ms": lambda value: f"{number(round(value))} ms",
}

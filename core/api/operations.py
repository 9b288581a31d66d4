"""The table of operations: what the gateway must know of each before it lets a call through to Django.

Read from the URL table and the views once, when the gateway starts; it is the same declaration that the views' second
check and the OpenAPI document use.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.urls import URLPattern, URLResolver, get_resolver

from core.api.views import ApiView, Audience


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path: `name` identifies it in usage (`GET /api/partner/v1/keys/{public_id}`)."""

    method: str
    path: str
    pattern: re.Pattern[str]
    audience: Audience
    scope: str | None

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"


def operations() -> list[Operation]:
    """Every operation of the API, in the order of the URL table."""
    return list(_walk(get_resolver(settings.API_URLCONF).url_patterns, "^/"))


def _walk(patterns: list[Any], prefix: str) -> Iterator[Operation]:
    for entry in patterns:
        expression = prefix + _regex(entry)
        if isinstance(entry, URLResolver):
            yield from _walk(entry.url_patterns, expression)
        elif isinstance(entry, URLPattern):
            yield from _of_view(entry, expression)


def _of_view(entry: URLPattern, expression: str) -> Iterator[Operation]:
    view: Any = getattr(entry.callback, "cls", None)
    if view is None or not issubclass(view, ApiView):
        return
    actions: dict[str, str] | None = getattr(entry.callback, "actions", None)
    methods = actions if actions else {name: "" for name in view.http_method_names if hasattr(view, name) and name != "options"}
    pattern = re.compile(expression.replace("\\Z", "$"))
    path = _template(expression)
    for method, action in methods.items():
        verb = method.upper()
        if verb in {"GET", "POST", "PUT", "PATCH", "DELETE"}:
            yield Operation(verb, path, pattern, view.audience, view.scope_for(verb, action or None))


def _regex(entry: Any) -> str:
    expression: str = entry.pattern.regex.pattern
    return expression.removeprefix("^")


def _template(expression: str) -> str:
    path = re.sub(r"\(\?P<(\w+)>(?:[^()\[\]]|\[[^\]]*\])+\)", r"{\1}", expression)
    return re.sub(r"\\(.)", r"\1", path.removeprefix("^").replace("\\Z", "").replace("/?$", "").replace("$", ""))

"""How requests and answers are shown."""

import json
from collections.abc import Mapping
from typing import Any

from django import template

register = template.Library()


@register.filter
def header_lines(headers: Mapping[str, str]) -> str:
    """Headers, one a line."""
    return "\n".join(f"{name}: {value}" for name, value in headers.items())


@register.filter
def pretty_json(value: Any) -> str:
    """JSON with indents."""
    return json.dumps(value, indent=2, ensure_ascii=False)

"""How requests and answers are shown: as text, without secrets."""

import json
import re
from collections.abc import Mapping
from typing import Any

from django import template

from core.redaction import MASK, redacted

register = template.Library()
_SECRET_HEADER = re.compile(r"authorization|cookie|token|secret|password|credential|api-?key|auth\b", re.IGNORECASE)


@register.filter
def header_lines(headers: Mapping[str, str]) -> str:
    """Headers, one a line, with a mask for what by its name is a credential."""
    return "\n".join(f"{name}: {MASK if _SECRET_HEADER.search(name) else value}" for name, value in headers.items())


@register.filter
def pretty_json(value: Any) -> str:
    """JSON with indents."""
    return json.dumps(value, indent=2, ensure_ascii=False)


@register.filter
def shown_body(body: bytes) -> str:
    """A body of JSON with indents, and a mask in the place of each secret."""
    return pretty_json(redacted(json.loads(body)))


@register.filter
def readable_body(body: bytes) -> str:
    """A body of any kind: JSON as `shown_body` has it, else as text."""
    try:
        return shown_body(body)
    except (ValueError, RecursionError):
        return body.decode("utf-8", "replace")

"""The operators' first page."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest


def environment_badge(request: HttpRequest) -> list[str]:
    """The badge beside the console's title: which installation this is."""
    return {"production": ["Production", "danger"], "test": ["Test", "info"]}.get(
        settings.MODE, ["Demo" if settings.DEMO else "Development", "warning"]
    )


def attention(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """What needs an operator's attention, for the console's first page."""
    return context

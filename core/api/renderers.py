"""Writing JSON: compact, UTF-8, in the order of the serializer's fields."""

from collections.abc import Mapping
from typing import Any

from rest_framework import renderers


class JSONRenderer(renderers.JSONRenderer):
    """The framework's, under the content type that the view chose (`application/problem+json` for problems)."""

    charset = None

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None) -> Any:
        return super().render(data, "application/json", renderer_context)

"""Which of a view's formats an answer is in."""

from collections.abc import Iterable

from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request


class ContentNegotiation(DefaultContentNegotiation):
    """As the framework's, without its work for the many callers that take what comes first (`*/*`, or that very type)."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """The renderer and its media type. Raises NotAcceptable."""
        first = next(iter(renderers))
        is_plain = format_suffix is None and f"{self.settings.URL_FORMAT_OVERRIDE}=" not in request.META["QUERY_STRING"]
        if is_plain and request.META.get("HTTP_ACCEPT", "*/*") in {"*/*", first.media_type}:
            return first, first.media_type
        found: tuple[BaseRenderer, str] = super().select_renderer(request, renderers, format_suffix)
        return found

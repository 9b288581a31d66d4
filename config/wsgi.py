"""Django's door. In a whole installation it listens on a Unix socket behind the gateway."""

import gc
import os
from collections.abc import Callable, Iterable
from typing import Any

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

from core.identity import HEADER

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

_SIGNED = f"HTTP_{HEADER.upper().replace('-', '_')}"


class ApiHandler(WSGIHandler):
    """Django for the calls that the gateway signs: with `settings.API_MIDDLEWARE`, that of pages costs more than most calls."""

    def load_middleware(self, is_async: bool = False) -> None:
        ours, settings.MIDDLEWARE = settings.MIDDLEWARE, settings.API_MIDDLEWARE
        try:
            super().load_middleware(is_async)
        finally:
            settings.MIDDLEWARE = ours


gc.disable()  # what is loaded now stays; looking for garbage among it costs a sixth of the start
_pages, _api = get_wsgi_application(), ApiHandler()
get_resolver().url_patterns  # noqa: B018 - loads the pages now, so that the first request needn't
gc.freeze()
gc.enable()


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Django, after whose answer nothing of the request is left unread: the server would close the connection without a word,
    and the next request of the gateway on it would be lost. The server's input ends with the request's body."""
    django = _api if _SIGNED in environ else _pages
    answer: Iterable[bytes] = django(environ, start_response)
    if environ.get("CONTENT_LENGTH") or "HTTP_TRANSFER_ENCODING" in environ:  # asking the server costs a lock
        while environ["wsgi.input"].read(65_536):
            pass
    return answer

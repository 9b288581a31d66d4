"""Django's door. In a whole installation it listens on a Unix socket behind the gateway."""

import gc
import os
from collections.abc import Callable, Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

gc.disable()  # what is loaded now stays; looking for garbage among it costs a sixth of the start
_django = get_wsgi_application()
get_resolver().url_patterns  # noqa: B018 - loads the pages now, so that the first request needn't
gc.freeze()
gc.enable()


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Django, after whose answer nothing of the request is left unread: the server would close the connection without a word,
    and the next request of the gateway on it would be lost. The server's input ends with the request's body."""
    answer: Iterable[bytes] = _django(environ, start_response)
    while environ["wsgi.input"].read(65_536):
        pass
    return answer

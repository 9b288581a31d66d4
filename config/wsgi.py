"""Django's door. In a whole installation it listens on a Unix socket behind the gateway."""

import gc
import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

gc.disable()  # what is loaded now stays; looking for garbage among it costs a sixth of the start
application = get_wsgi_application()
get_resolver().url_patterns  # noqa: B018 - loads the pages now, so that the first request needn't
gc.freeze()
gc.enable()

"""The peer of `benchmarks/webhooks.py`, the usual way: Django, and a Celery task for each delivery that posts with requests."""

import os
from urllib.parse import parse_qs, unquote, urlsplit

_url = urlsplit(os.environ["DATABASE_URL"])
SECRET_KEY = "benchmark" * 8
INSTALLED_APPS = ["sender"]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "sender",
        "HOST": parse_qs(_url.query).get("host", [_url.hostname or ""])[0],
        "PORT": str(_url.port or ""),
        "USER": unquote(_url.username or ""),
        "PASSWORD": unquote(_url.password or ""),
        "CONN_MAX_AGE": None,
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True

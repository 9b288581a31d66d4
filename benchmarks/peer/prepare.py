"""Make the peer's tables, and as many keys as asked for: `python -m peer.prepare COUNT FILE`."""

import os
import sys
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "peer.settings")

import django

django.setup()

from django.core.management import call_command  # noqa: E402  (Django is set up first)
from django.db import connection  # noqa: E402  (Django is set up first)
from peer.models import Usage  # noqa: E402  (Django is set up first)
from rest_framework_api_key.models import APIKey  # noqa: E402  (Django is set up first)

call_command("migrate", verbosity=0)
with connection.schema_editor() as editor:
    editor.create_model(Usage)
count, file = int(sys.argv[1]), Path(sys.argv[2])
file.write_text("\n".join(APIKey.objects.create_key(name=f"Partner {number}")[1] for number in range(count)) + "\n")

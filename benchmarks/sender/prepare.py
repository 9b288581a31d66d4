"""Make the peer's tables, endpoints of a file's URLs, and queue deliveries: `python -m sender.prepare COUNT FILE`."""

import os
import secrets
import sys
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sender.settings")

import django

django.setup()

from django.db import connection  # noqa: E402  (Django is set up first)
from sender.models import Attempt, Endpoint, Event  # noqa: E402  (Django is set up first)
from sender.tasks import deliver  # noqa: E402  (Django is set up first)

count, urls = int(sys.argv[1]), Path(sys.argv[2]).read_text().split()
with connection.schema_editor() as editor:
    for model in (Endpoint, Event, Attempt):
        editor.create_model(model)
endpoints = Endpoint.objects.bulk_create(Endpoint(url=url, secret=secrets.token_hex()) for url in urls)
data = {"course_id": "c_77", "user_id": "u_1024", "completed_at": "2026-01-31T12:00:00Z", "notes": "x" * 600}
events = Event.objects.bulk_create(Event(type="course.completed", data=data) for _ in range(count // 2))
for number in range(count):
    deliver.delay(endpoints[number % len(endpoints)].pk, events[number // 2].pk)

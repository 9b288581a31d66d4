"""Make the peer's tables, endpoints of the URLs on standard input, and queue deliveries: `python -m sender.prepare COUNT`."""

import os
import secrets
import sys

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sender.settings")

import django

django.setup()

from django.db import connection  # noqa: E402  (Django is set up first)
from sender.models import Attempt, Endpoint, Event  # noqa: E402  (Django is set up first)
from sender.tasks import deliver  # noqa: E402  (Django is set up first)

count, urls = int(sys.argv[1]), sys.stdin.read().split()
with connection.schema_editor() as editor:
    for model in (Endpoint, Event, Attempt):
        editor.create_model(model)
endpoints = Endpoint.objects.bulk_create(Endpoint(url=url, secret=secrets.token_hex()) for url in urls)
data = {"course_id": "c_77", "user_id": "u_1024", "completed_at": "2026-01-31T12:00:00Z", "notes": "x" * 600}
events = Event.objects.bulk_create(Event(type="course.completed", data=data) for _ in range(count // 2))
for number in range(count):
    deliver.delay(endpoints[number % len(endpoints)].pk, events[number // 2].pk)

"""Emit events as the platform's verbs do: `emitter.py FILE EVENTS RATE all|healthy`; a RATE of 0 is as fast as it can.

Ten events a transaction, partners in turn; the file gets a line for each event: the time of its commit and its public id.
"""

import os
import sys
import time
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import django

django.setup()

from django.db import transaction  # noqa: E402  (Django is set up first)

from benchmarks.receivers import kind  # noqa: E402  (Django is set up first)
from core import events  # noqa: E402  (Django is set up first)
from partners.models import Partner  # noqa: E402  (Django is set up first)

BATCH = 10
PADDING = "x" * 600
"""Makes a body of 1 KB."""

file, count, rate, which = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), sys.argv[4]
partners = list(Partner.objects.filter(slug__startswith="partner-").order_by("id"))
if which == "healthy":
    partners = [one for n, one in enumerate(partners) if {kind(2 * n), kind(2 * n + 1)} == {"healthy"}]
course = events.TYPES["course.completed"]
began = time.time()
with file.open("w") as out:
    for first in range(0, count, BATCH):
        if rate:
            time.sleep(max(0.0, began + first / rate - time.time()))
        with transaction.atomic():
            emitted = [
                events.emit(
                    type=course,
                    partner=partners[number % len(partners)],
                    subject=f"course_{number}",
                    data=dict(course.example) | {"course_id": f"course_{number}", "notes": PADDING},
                )
                for number in range(first, min(first + BATCH, count))
            ]
        at = time.time()
        out.writelines(f"{at!r} {event.public_id}\n" for event in emitted)

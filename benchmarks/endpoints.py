"""Make partners with two webhook endpoints each, all for `course.completed`: `endpoints.py COUNT PORT` (COUNT endpoints)."""

import os
import sys

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import django

django.setup()

from benchmarks.receivers import host  # noqa: E402  (Django is set up first)
from core import clock  # noqa: E402  (Django is set up first)
from core.actors import SYSTEM  # noqa: E402  (Django is set up first)
from partners import tiers  # noqa: E402  (Django is set up first)
from partners.models import Partner  # noqa: E402  (Django is set up first)
from webhooks import endpoints  # noqa: E402  (Django is set up first)

count, port = int(sys.argv[1]), int(sys.argv[2])
partners = Partner.objects.bulk_create(
    Partner(slug=f"partner-{n}", name=f"Partner {n}", tier=tiers.entry(), status="active", activated_at=clock.now())
    for n in range(count // 2)
)
for number in range(count):
    endpoints.create(
        partner=partners[number // 2],
        environment="live",
        url=f"http://{host(number)}:{port}/hooks/{number}",
        event_types=["course.*"],
        by=SYSTEM,
    )

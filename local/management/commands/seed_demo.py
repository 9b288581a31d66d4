"""`manage.py seed_demo`"""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from local import seed


class Command(BaseCommand):
    help = "Make what a demo needs to be tried out, as far as it is missing, and write $PORTICO_HOME/demo.json."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("This is no demo. Demo data is only made where PORTICO_DEMO=1.")
        seed.seed()

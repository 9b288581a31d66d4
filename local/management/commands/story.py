"""`manage.py story`"""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from local.story import Story
from local.telling import Failed


class Command(BaseCommand):
    help = "Walk a new partner through the running platform, from outside, from registration to the payout of its seller."

    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        if not (settings.HOME / "demo.json").is_file():
            raise CommandError(f"{settings.HOME} has no demo.json. Start the platform with `make run` first.")
        try:
            Story(settings.HOME, say=lambda line: print(line, flush=True)).tell()
        except Failed as error:
            raise CommandError(str(error)) from error

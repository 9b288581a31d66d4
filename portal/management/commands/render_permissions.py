"""Print the table of who may what, as it stands in docs/permissions.md."""

from typing import Any

from django.core.management.base import BaseCommand

from portal import access


class Command(BaseCommand):
    help = "Print the table of who may what, as it stands in docs/permissions.md (`make docs` writes it)."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(access.markdown(), ending="")

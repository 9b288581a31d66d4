"""`manage.py report_leak < found.txt`: stops every credential that is in the lines of its input."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from apikeys import leaks
from core.actors import SYSTEM


class Command(BaseCommand):
    """Reads the credentials from standard input, so that they are in no list of processes and no shell's history."""

    help = "Stop leaked credentials: one a line on standard input."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--url", default="", help="the page where they were found; their owners are told")

    def handle(self, *args: Any, **options: Any) -> None:
        lines = [line.strip() for line in sys.stdin if line.strip()]
        for line in lines:
            leaks.report(text=line, url=options["url"], source="operator", by=SYSTEM)
        self.stdout.write(f"{len(lines)} reported: what was a credential of ours has stopped.")

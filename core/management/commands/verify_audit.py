"""`manage.py verify_audit`: prove that the event log is whole."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from core import audit, ids
from core.relay import NOBODY


class Command(BaseCommand):
    help = "Recompute the hash chains of the event log. Ends with status 1, naming the first bad row, if one is broken."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--partner", help="Only the chain of this partner (ptn_…).")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            owner = ids.decode("ptn", options["partner"]) if options["partner"] else None
        except ids.MalformedId as error:
            raise CommandError(str(error)) from error
        report = audit.verify(owner)
        for broken in report.breaks:
            whose = "the platform" if broken.owner == NOBODY else ids.encode("ptn", broken.owner)
            self.stderr.write(f"Broken: chain of {whose}, number {broken.number} {broken.event}: {broken.reason}")
        if not report.intact:
            raise CommandError(f"{len(report.breaks)} of {report.chains} chains are broken.")
        self.stdout.write(f"Intact: {report.events} events in {report.chains} chains.")

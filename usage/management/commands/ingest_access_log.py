"""`manage.py ingest_access_log`: complete calls that another proxy carried, from its access log."""

import signal
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import InterfaceError, OperationalError, connection

from usage.access_log import Ingestion, followed, whole_lines

LAST_WAIT = 15.0
"""Seconds for which the end of a log waits for its last calls to come into usage."""


class Command(BaseCommand):
    help = "Add status, duration and size to calls that another proxy carried, from its access log in the format of deploy/nginx."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("log", help="The log, or - for standard input.")
        parser.add_argument("--follow", action="store_true", help="Go on as the log grows and is rotated, until SIGTERM.")

    def handle(self, *args: Any, **options: Any) -> None:
        name, follow = options["log"], options["follow"]
        if follow and name == "-":
            raise CommandError("Standard input is read to its end in any case; --follow is for a file.")
        ingestion = Ingestion()
        if follow:
            self._follow(ingestion, Path(name))
        else:
            self._read(ingestion, name)
        told = ingestion.outcome
        unknown = told.unknown + len(ingestion.waiting)
        self.stdout.write(
            f"{told.completed} calls completed, {told.skipped} lines needed nothing, {unknown} of unknown calls,"
            f" {told.unreadable} unreadable."
        )

    def _read(self, ingestion: Ingestion, name: str) -> None:
        try:
            with sys.stdin.buffer if name == "-" else Path(name).open("rb") as file:
                for lines in whole_lines(file):
                    ingestion.take(lines)
        except OSError as error:
            raise CommandError(f"{name} can't be read: {error.strerror}.") from error
        last = time.monotonic() + LAST_WAIT
        while ingestion.waiting and time.monotonic() < last:
            time.sleep(0.5)
            ingestion.take([])

    def _follow(self, ingestion: Ingestion, path: Path) -> None:
        is_asked_to_stop = False

        def stop(*_: Any) -> None:
            nonlocal is_asked_to_stop
            is_asked_to_stop = True

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        for lines in followed(path, goes_on=lambda: not is_asked_to_stop):
            self._take(ingestion, lines)

    def _take(self, ingestion: Ingestion, lines: Iterable[bytes]) -> None:
        """While PostgreSQL is away the lines wait; what is done twice because of that is done once."""
        try:
            ingestion.take(lines)
        except (OperationalError, InterfaceError) as error:
            self.stderr.write(f"PostgreSQL is away: {type(error).__name__}.")
            connection.close()
            time.sleep(1)

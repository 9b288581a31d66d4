"""`manage.py rotate_signing_keys`: the next key for access tokens now, instead of when its time comes."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apikeys.oauth import signing_keys
from core.problems import Problem


class Command(BaseCommand):
    help = "Publish the next key that signs access tokens; it begins in a day, or with --at-once now."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--at-once", action="store_true", help="It signs now and no other key is believed: for a leaked key.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            key = signing_keys.rotate(at_once=options["at_once"])
        except Problem as problem:
            raise CommandError(problem.said) from problem
        self.stdout.write(f"{key.public_id} signs from {key.signs_from.isoformat()} on.")

"""`manage.py unblock ADDRESS`: the way back in for an operator who has blocked the network that they sit in."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from core import blocks
from core.actors import SYSTEM
from core.models import Block


class Command(BaseCommand):
    """Lifts every block that an address lies in."""

    help = "Lift every block that this address or network lies in."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("address")

    def handle(self, *args: Any, **options: Any) -> None:
        found = list(Block.objects.in_force().containing(options["address"]))
        if not found:
            raise CommandError(f"Nothing that is blocked contains {options['address']}.")
        for block in found:
            blocks.lift(block=block, by=SYSTEM)
            self.stdout.write(f"{block.network} is no longer blocked.")

"""`manage.py erase_partner <id>`"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core.actors import SYSTEM
from core.problems import Problem
from partners import erasure
from partners.models import Partner


class Command(BaseCommand):
    help = "Erase the personal data of a closed partner, for good. Asks for the partner's slug, unless --yes is given."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("partner", help="The partner's id: ptn_…")
        parser.add_argument("--yes", action="store_true", help="Don't ask.")

    def handle(self, *args: Any, **options: Any) -> None:
        partner = Partner.objects.public(options["partner"]).first()
        if partner is None:
            raise CommandError("There is no partner with this id.")
        if not options["yes"] and input(f"This can't be undone. Type {partner.slug} to erase {partner.name}: ") != partner.slug:
            raise CommandError("Nothing was erased.")
        try:
            erasure.erase(partner=partner, by=SYSTEM)
        except Problem as problem:
            raise CommandError(problem.said) from problem
        self.stdout.write(f"The personal data of {options['partner']} is erased.")

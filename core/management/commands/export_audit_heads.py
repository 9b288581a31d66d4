"""`manage.py export_audit_heads`: what the hourly task does, now."""

from typing import Any

from django.core.management.base import BaseCommand

from core import audit


class Command(BaseCommand):
    help = "Append the signed heads of the event log to the export file (PORTICO_AUDIT_EXPORT)."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"Heads are in {audit.export_heads()}.")

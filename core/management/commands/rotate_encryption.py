"""`manage.py rotate_encryption`: the last step before an old key may be dropped from PORTICO_ENCRYPTION_KEYS."""

from typing import Any

from allauth.mfa.models import Authenticator
from django.apps import apps
from django.core.management.base import BaseCommand, CommandError
from django.db import connection, models, transaction

from core import crypto
from core.crypto import EncryptedField, UnreadableSecret

BATCH = 500


class Command(BaseCommand):
    help = "Encrypt every stored secret anew under the first of PORTICO_ENCRYPTION_KEYS. May run while the platform works."

    def handle(self, *args: Any, **options: Any) -> None:
        for model in apps.get_models():
            for field in model._meta.concrete_fields:
                if isinstance(field, EncryptedField) and model._meta.managed:
                    count = self._rotate(model, field)
                    self.stdout.write(f"{model._meta.label}.{field.name}: {count} encrypted anew.")
        self.stdout.write(f"mfa.Authenticator.data: {self._rotate_second_factors()} encrypted anew.")

    def _rotate_second_factors(self) -> int:
        """allauth keeps the secrets of authenticator apps and recovery codes as texts within JSON; returns how many."""
        count = 0
        for row in Authenticator.objects.exclude(type=Authenticator.Type.WEBAUTHN).only("pk"):
            with transaction.atomic():
                locked = Authenticator.objects.select_for_update().get(pk=row.pk)
                for name in {"secret", "seed"} & locked.data.keys():
                    locked.data[name] = self._anew(locked, locked.data[name].encode()).decode()
                locked.save(update_fields=["data"])
            count += 1
        return count

    def _anew(self, row: object, token: bytes) -> bytes:
        try:
            return crypto.rotate(token)
        except UnreadableSecret as error:
            raise CommandError(f"{row}: {error}. Put that key back first.") from error

    def _rotate(self, model: type[models.Model], field: EncryptedField) -> int:
        """Row by row under a lock, in the order of the primary key; returns how many."""
        table, key, column = model._meta.db_table, model._meta.pk.column, field.column
        found = f'SELECT "{key}", "{column}" FROM "{table}" WHERE "{column}" IS NOT NULL'  # noqa: S608  (our own names)
        tail = f' ORDER BY "{key}" LIMIT {BATCH} FOR UPDATE'
        change = f'UPDATE "{table}" SET "{column}" = %s WHERE "{key}" = %s'  # noqa: S608  (our own names)
        count, last = 0, None
        while True:
            with transaction.atomic(), connection.cursor() as cursor:
                beyond = f' AND "{key}" > %s' if last is not None else ""
                cursor.execute(found + beyond + tail, [last] if last is not None else [])
                rows = cursor.fetchall()
                for pk, token in rows:
                    cursor.execute(change, [self._anew(f"{model._meta.label} {pk}", bytes(token)), pk])
            if not rows:
                return count
            count, last = count + len(rows), rows[-1][0]

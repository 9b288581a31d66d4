"""What a new installation asks for: $0.01 for each API call beyond those that the tier includes. Operators change it in admin."""

from datetime import UTC, datetime
from decimal import Decimal

from django.db import migrations

BEGINNING = datetime(2020, 1, 1, tzinfo=UTC)


def seed(apps, schema_editor):
    apps.get_model("billing", "Price").objects.get_or_create(
        meter="api_calls",
        valid_from=BEGINNING,
        defaults={"name": "API calls", "model": "per_unit", "currency": "USD", "unit_amount": Decimal("0.01")},
    )


class Migration(migrations.Migration):
    dependencies = [("billing", "0002_ledger")]
    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]

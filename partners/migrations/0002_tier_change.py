"""Which tier a partner had when: its calls cost by the tier that held when they were made."""

import django.db.models.deletion
from django.db import migrations, models

import core.clock
import core.ids


class Migration(migrations.Migration):
    dependencies = [("partners", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="TierChange",
            fields=[
                ("id", models.UUIDField(default=core.ids.new, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(default=core.clock.now, editable=False)),
                ("changed_at", models.DateTimeField(default=core.clock.now, editable=False)),
                (
                    "partner",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tier_changes",
                        to="partners.partner",
                    ),
                ),
                (
                    "previous",
                    models.ForeignKey(
                        editable=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="partners.tier"
                    ),
                ),
            ],
            options={"indexes": [models.Index(fields=["partner", "changed_at"], name="tier_change_of_partner")]},
        ),
    ]

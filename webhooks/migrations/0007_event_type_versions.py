import django.db.models.deletion
from django.db import migrations, models

import core.clock
import core.ids


class Migration(migrations.Migration):
    dependencies = [
        ("webhooks", "0006_health"),
    ]

    operations = [
        migrations.AddField(
            model_name="eventtype",
            name="retired_at",
            field=models.DateTimeField(editable=False, null=True, verbose_name="retired at"),
        ),
        migrations.AddField(
            model_name="eventtype",
            name="version",
            field=models.PositiveSmallIntegerField(db_default=1, default=1, editable=False, verbose_name="version"),
        ),
        migrations.CreateModel(
            name="EventTypeVersion",
            fields=[
                ("id", models.UUIDField(default=core.ids.new, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(default=core.clock.now, editable=False)),
                ("version", models.PositiveSmallIntegerField()),
                ("schema", models.JSONField()),
                ("example", models.JSONField()),
                (
                    "event_type",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="versions", to="webhooks.eventtype"
                    ),
                ),
            ],
            options={
                "ordering": ["-version"],
                "constraints": [models.UniqueConstraint(fields=("event_type", "version"), name="event_type_version_once")],
            },
        ),
    ]

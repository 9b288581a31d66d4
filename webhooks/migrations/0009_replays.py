"""Replays: rows that are worked off, and which of them last queued a delivery."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

import core.clock
import core.ids


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0007_event_type_version"),
        ("partners", "0016_over_quota_words"),
        ("webhooks", "0008_halts"),
    ]

    operations = [
        migrations.CreateModel(
            name="Replay",
            fields=[
                ("id", models.UUIDField(default=core.ids.new, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(default=core.clock.now, editable=False)),
                ("environment", models.CharField(choices=[("live", "Live"), ("test", "Test")], editable=False, max_length=4)),
                ("since", models.DateTimeField(editable=False, null=True)),
                ("until", models.DateTimeField(editable=False, null=True)),
                (
                    "event_types",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=80), default=list, editable=False, size=None
                    ),
                ),
                ("only_failed", models.BooleanField(default=False, editable=False)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("queueing", "Queueing"),
                            ("sending", "Sending"),
                            ("finished", "Finished"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="queueing",
                        editable=False,
                        max_length=9,
                        verbose_name="status",
                    ),
                ),
                ("matched", models.PositiveIntegerField(editable=False, verbose_name="matched")),
                ("queued", models.PositiveIntegerField(default=0, editable=False, verbose_name="queued")),
                (
                    "position",
                    models.UUIDField(editable=False, help_text="The delivery up to which it has come, by id.", null=True),
                ),
                ("last", models.UUIDField(editable=False, help_text="The newest delivery when it was asked for.")),
                ("finished_at", models.DateTimeField(editable=False, null=True, verbose_name="finished")),
                (
                    "endpoint",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="replays",
                        to="webhooks.endpoint",
                    ),
                ),
                (
                    "partner",
                    models.ForeignKey(
                        editable=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="partners.partner"
                    ),
                ),
            ],
            options={
                "verbose_name": "webhook replay",
                "ordering": ["-id"],
            },
        ),
        migrations.AddField(
            model_name="delivery",
            name="replay",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="webhooks.replay",
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("replay__isnull", False)), fields=["replay", "status"], name="delivery_of_replay"
            ),
        ),
        migrations.AddIndex(
            model_name="replay",
            index=models.Index(fields=["partner", "environment", "-id"], name="replay_of_partner"),
        ),
        migrations.AddIndex(
            model_name="replay",
            index=models.Index(condition=models.Q(("status__in", ["queueing", "sending"])), fields=["id"], name="replay_open"),
        ),
        migrations.AddConstraint(
            model_name="replay",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status", "queueing")), fields=("endpoint",), name="replay_one_at_a_time"
            ),
        ),
    ]

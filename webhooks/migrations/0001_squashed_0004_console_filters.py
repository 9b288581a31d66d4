"""The tables of webhooks in one step: what its `replaces` come to, for a new database."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.core.validators
import django.db.models.deletion
import django.db.models.functions.text
from django.db import migrations, models

import core.clock
import core.crypto
import core.ids
from core.partitions import CreatePartitionedModel


class Migration(migrations.Migration):
    replaces = [
        ("webhooks", "0001_initial"),
        ("webhooks", "0002_console_lists"),
        ("webhooks", "0003_given_up"),
        ("webhooks", "0004_console_filters"),
    ]

    initial = True

    dependencies = [
        ("core", "0004_console_lists"),
        ("partners", "0005_verification"),
    ]

    operations = [
        migrations.CreateModel(
            name="Endpoint",
            fields=[
                ("id", models.UUIDField(default=core.ids.new, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(default=core.clock.now, editable=False)),
                ("environment", models.CharField(choices=[("live", "Live"), ("test", "Test")], editable=False, max_length=4)),
                ("url", models.CharField(max_length=2000, verbose_name="URL")),
                (
                    "event_types",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=80), size=None, verbose_name="event types"
                    ),
                ),
                ("description", models.CharField(blank=True, max_length=200, verbose_name="description")),
                (
                    "status",
                    models.CharField(
                        choices=[("active", "Active"), ("paused", "Paused"), ("disabled", "Disabled"), ("removed", "Removed")],
                        default="active",
                        editable=False,
                        max_length=8,
                        verbose_name="status",
                    ),
                ),
                ("status_reason", models.CharField(blank=True, editable=False, max_length=300, verbose_name="reason")),
                ("secret", core.crypto.EncryptedField()),
                ("previous_secret", core.crypto.EncryptedField(null=True)),
                ("previous_secret_until", models.DateTimeField(editable=False, null=True)),
                (
                    "partner",
                    models.ForeignKey(
                        editable=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="partners.partner"
                    ),
                ),
            ],
            options={
                "verbose_name": "webhook endpoint",
                "ordering": ["-id"],
                "indexes": [
                    models.Index(fields=["partner", "environment", "-id"], name="endpoint_of_partner"),
                    models.Index(fields=["status", "-id"], name="endpoint_by_status"),
                    django.contrib.postgres.indexes.GinIndex(
                        django.contrib.postgres.indexes.OpClass(
                            django.db.models.functions.text.Upper("url"), name="gin_trgm_ops"
                        ),
                        name="endpoint_url_part",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("event_types__len__gt", 0)), name="endpoint_wants_something"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("previous_secret__isnull", True), ("previous_secret_until__isnull", True)),
                            models.Q(("previous_secret__isnull", False), ("previous_secret_until__isnull", False)),
                            _connector="OR",
                        ),
                        name="endpoint_previous_secret_ends",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="EventType",
            fields=[
                ("id", models.UUIDField(default=core.ids.new, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(default=core.clock.now, editable=False)),
                (
                    "name",
                    models.CharField(
                        max_length=80,
                        unique=True,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[a-z][a-z0-9_]*(\\.[a-z][a-z0-9_]*)+\\Z", "Write it like course.completed."
                            )
                        ],
                        verbose_name="name",
                    ),
                ),
                ("description", models.CharField(max_length=300, verbose_name="description")),
                (
                    "schema",
                    models.JSONField(
                        blank=True,
                        default=dict,
                        help_text="JSON Schema (draft 2020-12) of the event's data.",
                        verbose_name="schema",
                    ),
                ),
                ("example", models.JSONField(blank=True, default=dict, verbose_name="example")),
            ],
            options={
                "verbose_name": "event type",
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="Delivery",
            fields=[
                ("id", models.UUIDField(default=core.ids.new, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(default=core.clock.now, editable=False)),
                ("environment", models.CharField(choices=[("live", "Live"), ("test", "Test")], editable=False, max_length=4)),
                ("event_type", models.CharField(editable=False, max_length=80, verbose_name="event")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"),
                            ("held", "Held"),
                            ("succeeded", "Succeeded"),
                            ("failed", "Failed"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="pending",
                        editable=False,
                        max_length=9,
                        verbose_name="status",
                    ),
                ),
                ("step", models.PositiveSmallIntegerField(default=0, editable=False)),
                ("attempt_count", models.PositiveIntegerField(default=0, editable=False, verbose_name="attempts")),
                (
                    "due_at",
                    models.DateTimeField(
                        default=core.clock.now,
                        editable=False,
                        help_text="When the next attempt is due; while one runs, when its worker is given up for dead.",
                        verbose_name="next attempt",
                    ),
                ),
                ("last_attempt_at", models.DateTimeField(editable=False, null=True, verbose_name="last attempt")),
                ("status_code", models.PositiveSmallIntegerField(editable=False, null=True, verbose_name="answer")),
                ("explanation", models.CharField(blank=True, editable=False, max_length=500, verbose_name="explanation")),
                ("succeeded_at", models.DateTimeField(editable=False, null=True, verbose_name="succeeded")),
                (
                    "event",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        editable=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="core.event",
                    ),
                ),
                (
                    "partner",
                    models.ForeignKey(
                        editable=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="partners.partner"
                    ),
                ),
                (
                    "endpoint",
                    models.ForeignKey(
                        db_index=False,
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="deliveries",
                        to="webhooks.endpoint",
                    ),
                ),
            ],
            options={
                "verbose_name": "webhook delivery",
                "verbose_name_plural": "webhook deliveries",
                "ordering": ["-id"],
                "indexes": [
                    models.Index(condition=models.Q(("status", "pending")), fields=["due_at"], name="delivery_due"),
                    models.Index(fields=["endpoint", "-id"], name="delivery_of_endpoint"),
                    models.Index(
                        condition=models.Q(("status__in", ["pending", "held"])), fields=["endpoint"], name="delivery_open"
                    ),
                    models.Index(fields=["partner", "environment", "-id"], name="delivery_of_partner"),
                    models.Index(
                        condition=models.Q(("status", "succeeded"), _negated=True),
                        fields=["status", "-id"],
                        name="delivery_not_succeeded",
                    ),
                    models.Index(
                        condition=models.Q(("status", "failed")),
                        fields=["partner", "environment", "-id"],
                        name="delivery_given_up",
                    ),
                    models.Index(condition=models.Q(("environment", "test")), fields=["-id"], name="delivery_in_test"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("event", "endpoint"), name="delivery_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", "succeeded"), ("succeeded_at__isnull", False)),
                            models.Q(("status", "succeeded"), _negated=True),
                            _connector="OR",
                        ),
                        name="delivery_succeeded_at",
                    ),
                ],
            },
        ),
        CreatePartitionedModel(
            name="Attempt",
            fields=[
                ("id", models.UUIDField(default=core.ids.new, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(default=core.clock.now, editable=False)),
                ("number", models.PositiveIntegerField(editable=False)),
                ("url", models.CharField(editable=False, max_length=2000)),
                ("succeeded", models.BooleanField(editable=False)),
                ("status_code", models.PositiveSmallIntegerField(editable=False, null=True)),
                ("duration_ms", models.PositiveIntegerField(editable=False)),
                ("request_headers", models.JSONField(default=dict, editable=False)),
                ("response_headers", models.JSONField(default=dict, editable=False)),
                ("response_body", models.TextField(blank=True, editable=False, help_text="The beginning of the answer.")),
                ("explanation", models.CharField(editable=False, max_length=500)),
                (
                    "delivery",
                    models.ForeignKey(
                        db_constraint=False,
                        editable=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="webhooks.delivery",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
    ]

"""The tables of requests in one step: what its `replaces` come to, for a new database."""

import datetime

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

import core.clock
import core.ids


class Migration(migrations.Migration):
    replaces = [("requests", "0001_initial"), ("requests", "0002_console_filters")]

    initial = True

    dependencies = [
        ("partners", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Request",
            fields=[
                ("id", models.UUIDField(default=core.ids.new, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(default=core.clock.now, editable=False)),
                ("environment", models.CharField(choices=[("live", "Live"), ("test", "Test")], editable=False, max_length=4)),
                (
                    "type",
                    models.CharField(
                        editable=False,
                        max_length=64,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[A-Za-z][A-Za-z0-9_.-]{0,63}\\Z",
                                "A letter, then up to 63 letters, digits, dots, dashes and underscores.",
                            )
                        ],
                        verbose_name="type",
                    ),
                ),
                ("payload", models.JSONField(editable=False, null=True, verbose_name="payload")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("SUBMITTED", "Submitted"),
                            ("PROCESSING", "Processing"),
                            ("COMPLETED", "Completed"),
                            ("FAILED", "Failed"),
                        ],
                        default="SUBMITTED",
                        editable=False,
                        max_length=10,
                        verbose_name="status",
                    ),
                ),
                ("progress", models.PositiveSmallIntegerField(default=0, editable=False, verbose_name="progress")),
                ("result", models.JSONField(editable=False, null=True, verbose_name="result")),
                ("error", models.JSONField(editable=False, null=True, verbose_name="error")),
                ("attempts", models.PositiveIntegerField(default=0, editable=False, verbose_name="attempts")),
                ("next_attempt_at", models.DateTimeField(editable=False, verbose_name="next attempt")),
                (
                    "lease",
                    models.UUIDField(editable=False, help_text="Held by whoever works on it; a result needs it.", null=True),
                ),
                ("leased_until", models.DateTimeField(editable=False, null=True)),
                ("claimed_by", models.CharField(blank=True, editable=False, max_length=200, verbose_name="in work at")),
                ("claimant", models.UUIDField(editable=False, help_text="The operator token that claimed it.", null=True)),
                ("due_at", models.DateTimeField(editable=False, verbose_name="due")),
                ("breached_at", models.DateTimeField(editable=False, null=True, verbose_name="overdue since")),
                ("finished_at", models.DateTimeField(editable=False, null=True, verbose_name="finished")),
                (
                    "partner",
                    models.ForeignKey(
                        editable=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="partners.partner"
                    ),
                ),
            ],
            options={
                "verbose_name": "request",
                "ordering": ["-id"],
                "indexes": [
                    models.Index(fields=["partner", "environment", "-id"], name="request_of_partner"),
                    models.Index(condition=models.Q(("status", "SUBMITTED")), fields=["next_attempt_at"], name="request_waiting"),
                    models.Index(condition=models.Q(("status", "PROCESSING")), fields=["leased_until"], name="request_in_work"),
                    models.Index(
                        condition=models.Q(("breached_at", None), ("status__in", ["SUBMITTED", "PROCESSING"])),
                        fields=["due_at"],
                        name="request_overdue",
                    ),
                    models.Index(fields=["status", "-id"], name="request_by_status"),
                    models.Index(fields=["type", "-id"], name="request_by_type"),
                    models.Index(condition=models.Q(("breached_at__isnull", False)), fields=["-id"], name="request_breached"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("lease__isnull", False), ("leased_until__isnull", False), ("status", "PROCESSING")),
                            models.Q(
                                models.Q(("status", "PROCESSING"), _negated=True),
                                ("lease__isnull", True),
                                ("leased_until__isnull", True),
                            ),
                            _connector="OR",
                        ),
                        name="request_leased_in_work",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("finished_at__isnull", False), ("status__in", ["COMPLETED", "FAILED"])),
                            models.Q(("finished_at__isnull", True), ("status__in", ["SUBMITTED", "PROCESSING"])),
                            _connector="OR",
                        ),
                        name="request_finished_at_end",
                    ),
                    models.CheckConstraint(condition=models.Q(("progress__lte", 100)), name="request_progress_percent"),
                ],
            },
        ),
        migrations.CreateModel(
            name="RequestType",
            fields=[
                ("id", models.UUIDField(default=core.ids.new, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(default=core.clock.now, editable=False)),
                (
                    "name",
                    models.CharField(
                        max_length=64,
                        unique=True,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[A-Za-z][A-Za-z0-9_.-]{0,63}\\Z",
                                "A letter, then up to 63 letters, digits, dots, dashes and underscores.",
                            )
                        ],
                        verbose_name="type",
                    ),
                ),
                ("description", models.CharField(blank=True, max_length=200, verbose_name="description")),
                (
                    "sla",
                    models.DurationField(
                        default=datetime.timedelta(days=1),
                        help_text="From submission to the end, as [days] hours:minutes:seconds.",
                        verbose_name="due after",
                    ),
                ),
                (
                    "max_attempts",
                    models.PositiveSmallIntegerField(
                        default=5,
                        validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(100)],
                        verbose_name="attempts",
                    ),
                ),
                (
                    "backoff",
                    models.DurationField(
                        default=datetime.timedelta(seconds=5),
                        help_text="Before the second attempt; doubled for each further one.",
                        verbose_name="first pause",
                    ),
                ),
                ("longest_backoff", models.DurationField(default=datetime.timedelta(seconds=3600), verbose_name="longest pause")),
            ],
            options={
                "verbose_name": "request type",
                "ordering": ["name"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("sla__gt", datetime.timedelta(0))), name="request_type_sla_positive"
                    ),
                    models.CheckConstraint(condition=models.Q(("max_attempts__gte", 1)), name="request_type_tried_once"),
                    models.CheckConstraint(
                        condition=models.Q(("longest_backoff__gte", models.F("backoff"))), name="request_type_backoff_grows"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Tally",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("type", models.CharField(max_length=64)),
                (
                    "outcome",
                    models.CharField(
                        choices=[("COMPLETED", "Completed"), ("FAILED", "Failed"), ("BREACHED", "Overdue")], max_length=10
                    ),
                ),
                ("requests", models.BigIntegerField(default=0)),
                ("seconds", models.FloatField(default=0, help_text="From submission to the end, summed up.")),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("type", "outcome"), name="tally_once")],
            },
        ),
    ]

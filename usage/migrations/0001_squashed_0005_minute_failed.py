"""The tables of usage in one step: what its `replaces` come to, for a new database."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

import core.clock
from core.partitions import CreatePartitionedModel


class Migration(migrations.Migration):
    replaces = [
        ("usage", "0001_initial"),
        ("usage", "0002_console_filters"),
        ("usage", "0003_quota_alerts"),
        ("usage", "0004_request_log"),
        ("usage", "0005_minute_failed"),
    ]

    initial = True

    dependencies = [
        ("partners", "0013_console_filters"),
    ]

    operations = [
        CreatePartitionedModel(
            name="Bodies",
            fields=[
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("partner_id", models.UUIDField(editable=False)),
                ("request", models.TextField(editable=False, verbose_name="request body")),
                ("request_cut", models.BooleanField(editable=False, verbose_name="request body is longer")),
                ("response", models.TextField(editable=False, verbose_name="response body")),
                ("response_cut", models.BooleanField(editable=False, verbose_name="response body is longer")),
            ],
            options={
                "verbose_name": "bodies of a call",
                "verbose_name_plural": "bodies of calls",
                "indexes": [models.Index(fields=["partner_id"], name="usage_bodies_of_partner")],
            },
        ),
        CreatePartitionedModel(
            name="Call",
            fields=[
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("at", models.DateTimeField(editable=False, verbose_name="time")),
                ("partner_id", models.UUIDField(editable=False, null=True)),
                (
                    "environment",
                    models.CharField(
                        choices=[("live", "Live"), ("test", "Test")], editable=False, max_length=4, verbose_name="environment"
                    ),
                ),
                (
                    "credential_id",
                    models.UUIDField(editable=False, help_text="Of the key, application or operator's token.", null=True),
                ),
                ("integration_id", models.UUIDField(editable=False, help_text="Empty for the platform's own API.", null=True)),
                ("operation", models.TextField(editable=False, verbose_name="operation")),
                ("method", models.TextField(editable=False, verbose_name="method")),
                ("path", models.TextField(editable=False, verbose_name="path")),
                ("status", models.SmallIntegerField(editable=False, verbose_name="status")),
                ("code", models.TextField(editable=False, verbose_name="problem")),
                ("latency_us", models.IntegerField(editable=False, verbose_name="latency in µs")),
                ("bytes_in", models.BigIntegerField(editable=False, verbose_name="bytes in")),
                ("bytes_out", models.BigIntegerField(editable=False, verbose_name="bytes out")),
                ("address", models.GenericIPAddressField(editable=False, null=True, verbose_name="address")),
                ("user_agent", models.TextField(editable=False, verbose_name="user agent")),
                ("client_request_id", models.TextField(editable=False, verbose_name="client's request id")),
                ("metered", models.BooleanField(editable=False, verbose_name="metered")),
                ("carried_at", models.DateTimeField(editable=False, null=True, verbose_name="completed")),
            ],
            options={
                "verbose_name": "call",
                "ordering": ["-id"],
                "indexes": [
                    models.Index(fields=["partner_id", "environment", "-id"], name="call_of_partner"),
                    models.Index(
                        condition=models.Q(("status__gte", 400)), fields=["partner_id", "environment", "-id"], name="call_failed"
                    ),
                    models.Index(condition=models.Q(("environment", "test")), fields=["-id"], name="call_in_test"),
                    models.Index(condition=models.Q(("status__gte", 400)), fields=["-id"], name="call_refused"),
                    models.Index(condition=models.Q(("status__gte", 500)), fields=["-id"], name="call_broken"),
                    models.Index(fields=["credential_id", "-id"], name="call_of_credential"),
                    models.Index(
                        condition=models.Q(("client_request_id", ""), _negated=True),
                        fields=["client_request_id", "-id"],
                        name="call_by_client_id",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="HourRollup",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(editable=False)),
                ("partner_id", models.UUIDField(editable=False, null=True)),
                ("environment", models.CharField(editable=False, max_length=4)),
                ("credential_id", models.UUIDField(editable=False, null=True)),
                ("integration_id", models.UUIDField(editable=False, null=True)),
                ("operation", models.TextField(editable=False)),
                ("status", models.SmallIntegerField(editable=False)),
                ("code", models.TextField(editable=False)),
                ("requests", models.BigIntegerField(editable=False)),
                ("metered", models.BigIntegerField(editable=False)),
                ("bytes_in", models.BigIntegerField(editable=False)),
                ("bytes_out", models.BigIntegerField(editable=False)),
                (
                    "latency_buckets",
                    django.contrib.postgres.fields.ArrayField(base_field=models.SmallIntegerField(), editable=False, size=None),
                ),
                (
                    "latency_counts",
                    django.contrib.postgres.fields.ArrayField(base_field=models.IntegerField(), editable=False, size=None),
                ),
            ],
            options={
                "verbose_name": "hour of calls",
                "verbose_name_plural": "hours of calls",
                "ordering": ["-at"],
                "abstract": False,
                "indexes": [
                    models.Index(fields=["at"], name="usage_hour_at"),
                    models.Index(condition=models.Q(("environment", "test")), fields=["at", "id"], name="usage_hour_in_test"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=(
                            "partner_id",
                            "environment",
                            "at",
                            "credential_id",
                            "integration_id",
                            "operation",
                            "status",
                            "code",
                        ),
                        name="usage_hour_once",
                        nulls_distinct=False,
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="MinuteRollup",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(editable=False)),
                ("partner_id", models.UUIDField(editable=False, null=True)),
                ("environment", models.CharField(editable=False, max_length=4)),
                ("credential_id", models.UUIDField(editable=False, null=True)),
                ("integration_id", models.UUIDField(editable=False, null=True)),
                ("operation", models.TextField(editable=False)),
                ("status", models.SmallIntegerField(editable=False)),
                ("code", models.TextField(editable=False)),
                ("requests", models.BigIntegerField(editable=False)),
                ("metered", models.BigIntegerField(editable=False)),
                ("bytes_in", models.BigIntegerField(editable=False)),
                ("bytes_out", models.BigIntegerField(editable=False)),
                (
                    "latency_buckets",
                    django.contrib.postgres.fields.ArrayField(base_field=models.SmallIntegerField(), editable=False, size=None),
                ),
                (
                    "latency_counts",
                    django.contrib.postgres.fields.ArrayField(base_field=models.IntegerField(), editable=False, size=None),
                ),
            ],
            options={
                "ordering": ["-at"],
                "abstract": False,
                "indexes": [
                    models.Index(fields=["at"], name="usage_minute_at"),
                    models.Index(condition=models.Q(("status__gte", 400)), fields=["at"], name="usage_minute_failed"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=(
                            "partner_id",
                            "environment",
                            "at",
                            "credential_id",
                            "integration_id",
                            "operation",
                            "status",
                            "code",
                        ),
                        name="usage_minute_once",
                        nulls_distinct=False,
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Position",
            fields=[
                ("stream", models.TextField(primary_key=True, serialize=False)),
                ("entry", models.TextField(default="0-0")),
            ],
        ),
        migrations.CreateModel(
            name="QuotaAlert",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("month", models.DateField(editable=False, help_text="Its first day, in UTC.")),
                ("percent", models.PositiveSmallIntegerField(default=0, editable=False)),
                ("told_at", models.DateTimeField(editable=False, null=True)),
                (
                    "partner",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="quota_alerts",
                        to="partners.partner",
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("partner", "month"), name="usage_quota_alert_once")],
            },
        ),
        migrations.CreateModel(
            name="Tally",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("epoch", models.TextField(editable=False)),
                ("partner_id", models.UUIDField(editable=False)),
                ("environment", models.CharField(editable=False, max_length=4)),
                ("recorded", models.BigIntegerField(default=0, editable=False)),
                ("admitted", models.BigIntegerField(editable=False, null=True)),
                ("seen_at", models.DateTimeField(default=core.clock.now, editable=False)),
                ("closed_at", models.DateTimeField(editable=False, null=True)),
            ],
            options={
                "indexes": [models.Index(fields=["partner_id", "environment", "closed_at"], name="usage_tally_of_partner")],
                "constraints": [
                    models.UniqueConstraint(fields=("epoch", "partner_id", "environment"), name="usage_tally_once"),
                    models.CheckConstraint(
                        condition=models.Q(("closed_at", None), ("admitted__isnull", False), _connector="OR"),
                        name="usage_tally_closed",
                    ),
                ],
            },
        ),
    ]

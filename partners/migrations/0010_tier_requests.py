"""Requests for another tier; since when a partner is closed, and whether its personal data is erased."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import core.clock
import core.ids

CLOSED_SINCE = "UPDATE partners_partner SET closed_at = COALESCE(deleted_at, now()) WHERE status = 'closed'"

TIER = {"editable": False, "on_delete": django.db.models.deletion.PROTECT, "related_name": "+", "to": "partners.tier"}


class Migration(migrations.Migration):
    dependencies = [
        ("partners", "0009_impersonations"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="partner",
            name="closed_at",
            field=models.DateTimeField(editable=False, null=True, verbose_name="closed since"),
        ),
        migrations.AddField(
            model_name="partner",
            name="erased_at",
            field=models.DateTimeField(editable=False, null=True, verbose_name="personal data erased"),
        ),
        migrations.RunSQL(CLOSED_SINCE, migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name="partner",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("closed_at__isnull", False), ("status", "closed")),
                    models.Q(models.Q(("status", "closed"), _negated=True), ("closed_at", None)),
                    _connector="OR",
                ),
                name="partner_closed_since",
            ),
        ),
        migrations.AddConstraint(
            model_name="partner",
            constraint=models.CheckConstraint(
                condition=models.Q(("erased_at", None), ("deleted_at__isnull", False), _connector="OR"),
                name="partner_erased_is_deleted",
            ),
        ),
        migrations.CreateModel(
            name="TierRequest",
            fields=[
                ("id", models.UUIDField(default=core.ids.new, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(default=core.clock.now, editable=False)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting for our decision"),
                            ("approved", "Approved, to come"),
                            ("applied", "In effect"),
                            ("declined", "Declined"),
                            ("withdrawn", "Withdrawn"),
                        ],
                        default="waiting",
                        editable=False,
                        max_length=9,
                        verbose_name="status",
                    ),
                ),
                (
                    "note",
                    models.TextField(
                        blank=True, help_text="What we should know to decide.", max_length=2000, verbose_name="note"
                    ),
                ),
                ("reason", models.TextField(blank=True, editable=False, verbose_name="reason")),
                ("decided_at", models.DateTimeField(editable=False, null=True, verbose_name="decided")),
                ("effective_at", models.DateTimeField(editable=False, null=True, verbose_name="in effect from")),
                (
                    "decided_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="decided by",
                    ),
                ),
                (
                    "partner",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tier_requests",
                        to="partners.partner",
                    ),
                ),
                ("previous", models.ForeignKey(**TIER, verbose_name="from")),
                ("tier", models.ForeignKey(**TIER, verbose_name="to")),
            ],
            options={
                "verbose_name": "tier request",
                "ordering": ["-id"],
                "indexes": [
                    models.Index(fields=["status", "id"], name="tier_request_queue"),
                    models.Index(condition=models.Q(("status", "approved")), fields=["effective_at"], name="tier_request_due"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("status__in", ["waiting", "approved"])),
                        fields=("partner",),
                        name="tier_request_one_open",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("tier", models.F("previous")), _negated=True), name="tier_request_changes_tier"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status__in", ["approved", "applied"]), _negated=True),
                            models.Q(("decided_at__isnull", False), ("effective_at__isnull", False)),
                            _connector="OR",
                        ),
                        name="tier_request_effective_at",
                    ),
                ],
            },
        ),
    ]

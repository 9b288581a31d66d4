"""Verified documents, what a tier wants of them, rounds of review with a checklist, and the check of webhook addresses."""

from typing import Any

import django.contrib.postgres.fields
from django.conf import settings
from django.db import migrations, models

import core.crypto
import partners.models.tiers


def vouch(apps: Any, schema_editor: Any) -> None:
    """Who is live already goes on publishing and being paid."""
    partners = apps.get_model("partners", "Partner").objects
    partners.filter(status="active").update(verified_at=models.F("activated_at"))


class Migration(migrations.Migration):
    dependencies = [
        ("partners", "0004_team"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="document",
            name="document_decided_at",
        ),
        migrations.AddField(
            model_name="apisetup",
            name="webhook_checked_at",
            field=models.DateTimeField(editable=False, null=True, verbose_name="webhook address checked"),
        ),
        migrations.AddField(
            model_name="apisetup",
            name="webhook_finding",
            field=models.TextField(blank=True, editable=False, verbose_name="what the check found"),
        ),
        migrations.AddField(
            model_name="apisetup",
            name="webhook_reached",
            field=models.BooleanField(editable=False, null=True, verbose_name="webhook address answers"),
        ),
        migrations.AddField(
            model_name="apisetup",
            name="webhook_secret",
            field=core.crypto.EncryptedField(null=True),
        ),
        migrations.AddField(
            model_name="document",
            name="pages",
            field=models.PositiveSmallIntegerField(default=1, verbose_name="pages"),
        ),
        migrations.AddField(
            model_name="document",
            name="scan_attempts",
            field=models.PositiveSmallIntegerField(default=0, editable=False),
        ),
        migrations.AddField(
            model_name="document",
            name="scan_due_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="partner",
            name="verified_at",
            field=models.DateTimeField(
                editable=False,
                help_text="Until then it can't publish and is paid nothing out.",
                null=True,
                verbose_name="documents verified",
            ),
        ),
        migrations.AddField(
            model_name="review",
            name="checklist",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=40), default=list, size=None, verbose_name="checked"
            ),
        ),
        migrations.AddField(
            model_name="review",
            name="final",
            field=models.BooleanField(
                default=False, help_text="Rejected for good: there is no further round.", verbose_name="final"
            ),
        ),
        migrations.AddField(
            model_name="tier",
            name="document_kinds",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(
                    choices=[
                        ("registration", "Company registration"),
                        ("tax", "Tax certificate"),
                        ("address", "Proof of address"),
                        ("identity", "Proof of identity"),
                        ("contract", "Signed contract"),
                        ("other", "Other"),
                    ],
                    max_length=12,
                ),
                blank=True,
                default=partners.models.tiers.usual_documents,
                help_text="Publishing and payouts want them on every tier, going live only where it is ticked above.",
                size=None,
                verbose_name="documents that verify a partner",
            ),
        ),
        migrations.AddField(
            model_name="tier",
            name="needs_information",
            field=models.BooleanField(
                default=True,
                help_text="Basic information, business details and API setup. A confirmed e-mail address is needed in any case.",
                verbose_name="needs the information steps",
            ),
        ),
        migrations.AlterField(
            model_name="document",
            name="state",
            field=models.CharField(
                choices=[
                    ("scanning", "Waiting for the virus scan"),
                    ("waiting", "Waiting for review"),
                    ("accepted", "Accepted"),
                    ("rejected", "Rejected"),
                    ("infected", "Virus found"),
                    ("outdated", "Outdated"),
                ],
                default="waiting",
                max_length=8,
                verbose_name="state",
            ),
        ),
        migrations.AlterField(
            model_name="tier",
            name="needs_application",
            field=models.BooleanField(
                default=False,
                help_text="Somebody decides. Without this, and without documents or contract, a partner that submits is live at once.",
                verbose_name="needs an approved application",
            ),
        ),
        migrations.AddConstraint(
            model_name="document",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["scanning", "waiting"]), ("decided_at__isnull", False), _connector="OR"),
                name="document_decided_at",
            ),
        ),
        migrations.AddConstraint(
            model_name="document",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "scanning"), _negated=True), ("scan_due_at__isnull", False), _connector="OR"
                ),
                name="document_scan_is_due",
            ),
        ),
        migrations.RunPython(vouch, migrations.RunPython.noop),
    ]

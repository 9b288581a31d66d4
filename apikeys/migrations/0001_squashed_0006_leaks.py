"""The tables of apikeys in one step: what its `replaces` come to, for a new database."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.functions.text
from django.db import migrations, models

import core.clock
import core.crypto
import core.ids


class Migration(migrations.Migration):
    replaces = [
        ("apikeys", "0001_initial"),
        ("apikeys", "0002_console_lists"),
        ("apikeys", "0003_key_ends"),
        ("apikeys", "0004_suspended"),
        ("apikeys", "0005_oauth"),
        ("apikeys", "0006_leaks"),
    ]

    initial = True

    dependencies = [
        ("core", "0004_console_lists"),
        ("partners", "0013_console_filters"),
    ]

    operations = [
        migrations.CreateModel(
            name="Application",
            fields=[
                ("id", models.UUIDField(default=core.ids.new, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(default=core.clock.now, editable=False)),
                ("environment", models.CharField(choices=[("live", "Live"), ("test", "Test")], editable=False, max_length=4)),
                ("name", models.CharField(max_length=80, verbose_name="name")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("confidential", "Confidential: it runs on a server and keeps a secret"),
                            ("public", "Public: it runs where others can read it, such as a browser or a phone"),
                        ],
                        default="confidential",
                        editable=False,
                        max_length=12,
                        verbose_name="kind",
                    ),
                ),
                (
                    "grant_types",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("client_credentials", "For your own partner, with the client secret"),
                                ("authorization_code", "For other partners, with their consent"),
                                ("refresh_token", "Renew what a partner consented to, without asking again"),
                            ],
                            max_length=24,
                        ),
                        size=None,
                        verbose_name="grant types",
                    ),
                ),
                (
                    "scopes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=64),
                        help_text="What it may ask for at the most.",
                        size=None,
                        verbose_name="scopes",
                    ),
                ),
                (
                    "redirect_uris",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=500),
                        blank=True,
                        default=list,
                        size=None,
                        verbose_name="redirect addresses",
                    ),
                ),
                (
                    "ip_allowlist",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=43),
                        blank=True,
                        default=list,
                        size=None,
                        verbose_name="allowed addresses",
                    ),
                ),
                ("rate_limit_per_minute", models.PositiveIntegerField(blank=True, null=True, verbose_name="calls a minute")),
                (
                    "status",
                    models.CharField(
                        choices=[("active", "Active"), ("disabled", "Disabled"), ("revoked", "Revoked")],
                        default="active",
                        editable=False,
                        max_length=8,
                        verbose_name="status",
                    ),
                ),
                ("created_by", models.CharField(blank=True, editable=False, max_length=200, verbose_name="created by")),
                ("last_used_at", models.DateTimeField(editable=False, null=True, verbose_name="last used")),
                ("version", models.BigIntegerField(default=0, editable=False)),
                (
                    "partner",
                    models.ForeignKey(
                        editable=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="partners.partner"
                    ),
                ),
            ],
            options={
                "verbose_name": "application",
                "ordering": ["-id"],
                "indexes": [
                    models.Index(fields=["partner", "environment", "-id"], name="application_of_partner"),
                    models.Index(fields=["status", "-id"], name="application_by_status"),
                    django.contrib.postgres.indexes.GinIndex(
                        django.contrib.postgres.indexes.OpClass(
                            django.db.models.functions.text.Upper("name"), name="gin_trgm_ops"
                        ),
                        name="application_name_part",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Key",
            fields=[
                ("id", models.UUIDField(default=core.ids.new, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(default=core.clock.now, editable=False)),
                ("environment", models.CharField(choices=[("live", "Live"), ("test", "Test")], editable=False, max_length=4)),
                ("name", models.CharField(max_length=80, verbose_name="name")),
                ("digest", models.BinaryField(unique=True)),
                (
                    "hint",
                    models.CharField(
                        editable=False,
                        help_text="Start and end of the key, to recognise it by.",
                        max_length=24,
                        verbose_name="key",
                    ),
                ),
                ("secret_digest", models.BinaryField(help_text="Set where the key needs its secret too.", null=True)),
                (
                    "scopes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=64), default=list, size=None, verbose_name="scopes"
                    ),
                ),
                (
                    "ip_allowlist",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=43),
                        blank=True,
                        default=list,
                        size=None,
                        verbose_name="allowed addresses",
                    ),
                ),
                ("rate_limit_per_minute", models.PositiveIntegerField(blank=True, null=True, verbose_name="calls a minute")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("active", "Active"),
                            ("disabled", "Disabled"),
                            ("suspended", "Suspended"),
                            ("leaked", "Leaked"),
                            ("revoked", "Revoked"),
                        ],
                        default="active",
                        editable=False,
                        max_length=9,
                        verbose_name="status",
                    ),
                ),
                ("expires_at", models.DateTimeField(blank=True, null=True, verbose_name="expires")),
                ("created_by", models.CharField(blank=True, editable=False, max_length=200, verbose_name="created by")),
                ("last_used_at", models.DateTimeField(editable=False, null=True, verbose_name="last used")),
                ("version", models.BigIntegerField(default=0, editable=False)),
                (
                    "partner",
                    models.ForeignKey(
                        editable=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="partners.partner"
                    ),
                ),
                (
                    "successor",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="predecessors",
                        to="apikeys.key",
                    ),
                ),
                ("first_used_at", models.DateTimeField(editable=False, null=True, verbose_name="first used")),
                ("last_used_address", models.GenericIPAddressField(editable=False, null=True, verbose_name="last used from")),
                (
                    "last_used_agent",
                    models.TextField(
                        blank=True, editable=False, help_text="The program’s User-Agent.", verbose_name="last used by"
                    ),
                ),
                (
                    "status_reason",
                    models.CharField(
                        blank=True,
                        editable=False,
                        help_text="Why it is suspended, as its callers are told.",
                        max_length=400,
                        verbose_name="reason",
                    ),
                ),
            ],
            options={
                "verbose_name": "API key",
                "ordering": ["-id"],
                "indexes": [
                    models.Index(fields=["partner", "environment", "-id"], name="key_of_partner"),
                    models.Index(fields=["status", "-id"], name="key_by_status"),
                    django.contrib.postgres.indexes.GinIndex(
                        django.contrib.postgres.indexes.OpClass(
                            django.db.models.functions.text.Upper("name"), name="gin_trgm_ops"
                        ),
                        name="key_name_part",
                    ),
                    django.contrib.postgres.indexes.GinIndex(
                        django.contrib.postgres.indexes.OpClass(
                            django.db.models.functions.text.Upper("hint"), name="gin_trgm_ops"
                        ),
                        name="key_hint_part",
                    ),
                    models.Index(
                        condition=models.Q(("expires_at__isnull", False), ("status", "active")),
                        fields=["expires_at"],
                        name="key_ending",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("expires_at__isnull", True), ("expires_at__gt", models.F("created_at")), _connector="OR"
                        ),
                        name="key_expires_later",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="SigningKey",
            fields=[
                ("id", models.UUIDField(default=core.ids.new, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(default=core.clock.now, editable=False)),
                (
                    "private_key",
                    core.crypto.EncryptedField(help_text="A JWK; gone once the key has signed its last token.", null=True),
                ),
                ("public_key", models.JSONField(editable=False)),
                ("signs_from", models.DateTimeField(verbose_name="signs from")),
                ("removed_at", models.DateTimeField(editable=False, null=True, verbose_name="leaves the published keys")),
            ],
            options={
                "verbose_name": "signing key",
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="ClientSecret",
            fields=[
                ("id", models.UUIDField(default=core.ids.new, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(default=core.clock.now, editable=False)),
                ("digest", models.BinaryField(unique=True)),
                ("hint", models.CharField(editable=False, max_length=24, verbose_name="client secret")),
                ("expires_at", models.DateTimeField(editable=False, null=True, verbose_name="ends")),
                ("revoked_at", models.DateTimeField(editable=False, null=True, verbose_name="revoked")),
                ("last_used_at", models.DateTimeField(editable=False, null=True, verbose_name="last used")),
                ("created_by", models.CharField(blank=True, editable=False, max_length=200, verbose_name="created by")),
                (
                    "application",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="secrets",
                        to="apikeys.application",
                    ),
                ),
            ],
            options={
                "verbose_name": "client secret",
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="Consent",
            fields=[
                ("id", models.UUIDField(default=core.ids.new, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(default=core.clock.now, editable=False)),
                ("environment", models.CharField(choices=[("live", "Live"), ("test", "Test")], editable=False, max_length=4)),
                (
                    "scopes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=64), size=None, verbose_name="scopes"
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[("active", "Active"), ("revoked", "Revoked")],
                        default="active",
                        editable=False,
                        max_length=8,
                        verbose_name="status",
                    ),
                ),
                ("last_used_at", models.DateTimeField(editable=False, null=True, verbose_name="last used")),
                ("version", models.BigIntegerField(default=0, editable=False)),
                (
                    "application",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="consents",
                        to="apikeys.application",
                    ),
                ),
                (
                    "member",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="partners.member",
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
                "verbose_name": "consent",
                "ordering": ["-id"],
                "indexes": [
                    models.Index(fields=["partner", "environment", "-id"], name="consent_of_partner"),
                    models.Index(fields=["status", "-id"], name="consent_by_status"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("status", "active")),
                        fields=("application", "partner"),
                        name="consent_once_for_an_application",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Leak",
            fields=[
                ("id", models.UUIDField(default=core.ids.new, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(default=core.clock.now, editable=False)),
                (
                    "source",
                    models.CharField(
                        choices=[("public", "Anybody"), ("github", "GitHub"), ("operator", "Operator")],
                        default="public",
                        editable=False,
                        max_length=8,
                        verbose_name="reported by",
                    ),
                ),
                ("url", models.CharField(blank=True, editable=False, max_length=1000, verbose_name="found at")),
                ("note", models.CharField(blank=True, editable=False, max_length=1000, verbose_name="note")),
                ("reported_from", models.GenericIPAddressField(editable=False, null=True, verbose_name="address")),
                ("reported_by", models.CharField(blank=True, editable=False, max_length=200)),
                (
                    "key",
                    models.ForeignKey(
                        editable=False, on_delete=django.db.models.deletion.CASCADE, related_name="leaks", to="apikeys.key"
                    ),
                ),
            ],
            options={
                "verbose_name": "leak",
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="Reminder",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("expires_at", models.DateTimeField(help_text="The end that it is about; another end is told of anew.")),
                ("days", models.PositiveSmallIntegerField(help_text="Days before the end; 0 once it is over.")),
                (
                    "key",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="reminders", to="apikeys.key"),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("key", "expires_at", "days"), name="key_reminder_once")],
            },
        ),
        migrations.CreateModel(
            name="Authorization",
            fields=[
                ("id", models.UUIDField(default=core.ids.new, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(default=core.clock.now, editable=False)),
                ("digest", models.BinaryField(unique=True)),
                ("scopes", django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=64), size=None)),
                (
                    "redirect_uri",
                    models.CharField(blank=True, help_text="As it was asked with; empty if it was left out.", max_length=500),
                ),
                ("code_challenge", models.CharField(max_length=128)),
                ("code_expires_at", models.DateTimeField()),
                ("redeemed_at", models.DateTimeField(null=True)),
                ("revoked_at", models.DateTimeField(null=True)),
                (
                    "ends_at",
                    models.DateTimeField(
                        db_index=True, help_text="When the last refresh token ends, however often it was renewed."
                    ),
                ),
                (
                    "application",
                    models.ForeignKey(
                        editable=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="apikeys.application"
                    ),
                ),
                (
                    "consent",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="authorizations",
                        to="apikeys.consent",
                    ),
                ),
            ],
            options={
                "verbose_name": "authorization",
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="AccessToken",
            fields=[
                ("id", models.UUIDField(default=core.ids.new, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(default=core.clock.now, editable=False)),
                ("digest", models.BinaryField(unique=True)),
                ("scopes", django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=64), size=None)),
                ("expires_at", models.DateTimeField(db_index=True)),
                ("revoked_at", models.DateTimeField(null=True)),
                (
                    "application",
                    models.ForeignKey(
                        editable=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="apikeys.application"
                    ),
                ),
                (
                    "authorization",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="apikeys.authorization",
                    ),
                ),
            ],
            options={
                "verbose_name": "access token",
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="RefreshToken",
            fields=[
                ("id", models.UUIDField(default=core.ids.new, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(default=core.clock.now, editable=False)),
                ("digest", models.BinaryField(unique=True)),
                ("expires_at", models.DateTimeField()),
                ("used_at", models.DateTimeField(null=True)),
                (
                    "application",
                    models.ForeignKey(
                        editable=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="apikeys.application"
                    ),
                ),
                (
                    "authorization",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="refresh_tokens",
                        to="apikeys.authorization",
                    ),
                ),
            ],
            options={
                "verbose_name": "refresh token",
                "ordering": ["-id"],
            },
        ),
    ]

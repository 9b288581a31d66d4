"""The tables of partners in one step: what its `replaces` come to, for a new database."""

import datetime
from decimal import Decimal

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.core.validators
import django.db.models.deletion
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models

import core.clock
import core.crypto
import core.ids
import core.money
import partners.models.logos
import partners.models.reviews
import partners.models.tiers

# What was published or accepted stays as it is, whoever writes SQL.
TERMS_STAY = """
CREATE FUNCTION partners_terms_unchanged() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'published terms never change: publish a new version';
END $$;
CREATE TRIGGER partners_terms_unchanged BEFORE UPDATE OR DELETE ON partners_terms
    FOR EACH ROW WHEN (OLD.published_at IS NOT NULL) EXECUTE FUNCTION partners_terms_unchanged();
CREATE FUNCTION partners_acceptance_unchanged() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'acceptances of the terms are only ever added';
END $$;
CREATE TRIGGER partners_acceptance_unchanged BEFORE UPDATE OR DELETE ON partners_acceptance
    FOR EACH ROW EXECUTE FUNCTION partners_acceptance_unchanged();
"""
TERMS_STAY_UNDONE = """
DROP TRIGGER partners_terms_unchanged ON partners_terms;
DROP FUNCTION partners_terms_unchanged();
DROP TRIGGER partners_acceptance_unchanged ON partners_acceptance;
DROP FUNCTION partners_acceptance_unchanged();
"""

# A partner that is closed may lose its people, so that their data can be erased.
OWNER_STAYS = """
CREATE FUNCTION partners_owner_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM partners_partner WHERE id = OLD.partner_id AND status <> 'closed')
        AND NOT EXISTS (SELECT 1 FROM partners_member WHERE partner_id = OLD.partner_id AND role = 'owner')
    THEN
        RAISE EXCEPTION 'a partner keeps its owner: hand the ownership over first' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER partners_owner_stays AFTER UPDATE OR DELETE ON partners_member DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (OLD.role = 'owner') EXECUTE FUNCTION partners_owner_stays();
"""
OWNER_STAYS_UNDONE = "DROP TRIGGER partners_owner_stays ON partners_member; DROP FUNCTION partners_owner_stays();"


class Migration(migrations.Migration):
    replaces = [
        ("partners", "0001_initial"),
        ("partners", "0002_tier_change"),
        ("partners", "0003_terms"),
        ("partners", "0004_team"),
        ("partners", "0005_verification"),
        ("partners", "0006_notifications"),
        ("partners", "0007_console_lists"),
        ("partners", "0008_profile"),
        ("partners", "0009_impersonations"),
        ("partners", "0010_tier_requests"),
        ("partners", "0011_notes"),
        ("partners", "0012_sealed_letters"),
        ("partners", "0013_console_filters"),
        ("partners", "0014_calls_at_once"),
        ("partners", "0015_request_log"),
    ]

    initial = True

    dependencies = [
        ("core", "0004_console_lists"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Terms",
            fields=[
                ("id", models.UUIDField(default=core.ids.new, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(default=core.clock.now, editable=False)),
                (
                    "version",
                    models.CharField(
                        help_text="As partners will quote it, such as 2.1 or 2026-11.",
                        max_length=20,
                        unique=True,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[0-9A-Za-z]+([.-][0-9A-Za-z]+)*\\Z", "Letters, digits, and single dots or dashes within."
                            )
                        ],
                        verbose_name="version",
                    ),
                ),
                (
                    "effective_on",
                    models.DateField(
                        help_text="From midnight UTC. Partners are told when you publish.", verbose_name="in effect from"
                    ),
                ),
                (
                    "summary",
                    models.TextField(
                        blank=True,
                        help_text="In a sentence or two; partners read it first.",
                        max_length=1000,
                        verbose_name="what is new",
                    ),
                ),
                ("text", models.TextField(help_text="Markdown.", max_length=200000, verbose_name="text")),
                ("published_at", models.DateTimeField(editable=False, null=True, verbose_name="published")),
            ],
            options={
                "verbose_name": "terms of service",
                "verbose_name_plural": "terms of service",
                "ordering": ["-effective_on", "-id"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("published_at__isnull", False)), fields=("effective_on",), name="terms_one_a_day"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Tier",
            fields=[
                ("id", models.UUIDField(default=core.ids.new, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(default=core.clock.now, editable=False)),
                ("slug", models.SlugField(unique=True, verbose_name="slug")),
                ("name", models.CharField(max_length=40, verbose_name="name")),
                (
                    "rank",
                    models.PositiveSmallIntegerField(
                        help_text="Place on the ladder; higher is more.", unique=True, verbose_name="rank"
                    ),
                ),
                (
                    "price_minor",
                    models.BigIntegerField(
                        blank=True,
                        help_text="In minor units; empty for a custom price.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(0)],
                        verbose_name="monthly price",
                    ),
                ),
                ("currency", core.money.CurrencyField(default="USD", max_length=3, verbose_name="currency")),
                (
                    "monthly_quota",
                    models.BigIntegerField(
                        blank=True,
                        help_text="Empty for no limit.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(0)],
                        verbose_name="calls a month",
                    ),
                ),
                (
                    "over_quota",
                    models.CharField(
                        choices=[
                            ("stop", "Refuse further calls"),
                            ("charge", "Go on at the usage price, up to the partner's cap"),
                        ],
                        default="stop",
                        max_length=8,
                        verbose_name="over quota",
                    ),
                ),
                (
                    "key_rate",
                    models.PositiveIntegerField(
                        default=1000,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(60000000),
                        ],
                        verbose_name="calls a minute and key",
                    ),
                ),
                (
                    "partner_rate",
                    models.PositiveIntegerField(
                        default=5000,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(60000000),
                        ],
                        verbose_name="calls a minute and partner",
                    ),
                ),
                (
                    "commission_rate",
                    models.DecimalField(
                        decimal_places=4,
                        default=Decimal("0"),
                        max_digits=5,
                        validators=[django.core.validators.MinValueValidator(0), django.core.validators.MaxValueValidator(1)],
                        verbose_name="commission",
                    ),
                ),
                (
                    "marketplace_fee",
                    models.DecimalField(
                        decimal_places=4,
                        default=Decimal("0.15"),
                        max_digits=5,
                        validators=[django.core.validators.MinValueValidator(0), django.core.validators.MaxValueValidator(1)],
                        verbose_name="marketplace fee",
                    ),
                ),
                (
                    "servers",
                    models.CharField(
                        choices=[
                            ("standard", "Standard servers"),
                            ("all", "All servers"),
                            ("custom", "Premium and custom servers"),
                        ],
                        default="standard",
                        max_length=8,
                        verbose_name="servers",
                    ),
                ),
                (
                    "support",
                    models.CharField(
                        choices=[("community", "Community"), ("email", "E-mail"), ("manager", "Named account manager")],
                        default="community",
                        max_length=9,
                        verbose_name="support",
                    ),
                ),
                (
                    "longest_grace",
                    models.DurationField(default=datetime.timedelta(days=30), verbose_name="longest grace of a rotated key"),
                ),
                ("needs_documents", models.BooleanField(default=False, verbose_name="needs verified documents")),
                (
                    "needs_application",
                    models.BooleanField(
                        default=False,
                        help_text="Somebody decides. Without this, and without documents or contract, a partner that submits is live at once.",
                        verbose_name="needs an approved application",
                    ),
                ),
                ("needs_contract", models.BooleanField(default=False, verbose_name="needs a signed contract")),
                (
                    "document_kinds",
                    django.contrib.postgres.fields.ArrayField(
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
                (
                    "needs_information",
                    models.BooleanField(
                        default=True,
                        help_text="Basic information, business details and API setup. A confirmed e-mail address is needed in any case.",
                        verbose_name="needs the information steps",
                    ),
                ),
                (
                    "calls_at_once",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Calls that are being answered, of a partner in one environment. Empty for no limit.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1)],
                        verbose_name="calls at once",
                    ),
                ),
            ],
            options={
                "verbose_name": "tier",
                "ordering": ["rank"],
            },
        ),
        migrations.CreateModel(
            name="Partner",
            fields=[
                ("id", models.UUIDField(default=core.ids.new, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(default=core.clock.now, editable=False)),
                (
                    "slug",
                    models.SlugField(
                        max_length=60,
                        unique=True,
                        validators=[django.core.validators.RegexValidator("^[a-z0-9]+(-[a-z0-9]+)*\\Z")],
                        verbose_name="slug",
                    ),
                ),
                ("name", models.CharField(max_length=120, verbose_name="name")),
                (
                    "type",
                    models.CharField(
                        choices=[
                            ("technology", "Technology"),
                            ("business", "Business"),
                            ("marketplace", "Marketplace"),
                            ("enterprise", "Enterprise"),
                        ],
                        default="technology",
                        max_length=12,
                        verbose_name="type",
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[("pending", "Pending"), ("active", "Active"), ("suspended", "Suspended"), ("closed", "Closed")],
                        default="pending",
                        editable=False,
                        max_length=10,
                        verbose_name="status",
                    ),
                ),
                ("status_reason", models.TextField(blank=True, editable=False, verbose_name="reason")),
                (
                    "restores_to",
                    models.CharField(
                        blank=True,
                        choices=[("pending", "Pending"), ("active", "Active"), ("suspended", "Suspended"), ("closed", "Closed")],
                        editable=False,
                        help_text="Status before it closed.",
                        max_length=10,
                    ),
                ),
                ("website", models.URLField(blank=True, verbose_name="website")),
                ("description", models.TextField(blank=True, help_text="Markdown.", max_length=5000, verbose_name="description")),
                (
                    "listed",
                    models.BooleanField(default=True, help_text="Has a public profile once active.", verbose_name="listed"),
                ),
                ("activated_at", models.DateTimeField(editable=False, null=True, verbose_name="active since")),
                ("deleted_at", models.DateTimeField(editable=False, null=True, verbose_name="deleted")),
                ("version", models.BigIntegerField(default=0, editable=False)),
                (
                    "tier",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="partners",
                        to="partners.tier",
                        verbose_name="tier",
                    ),
                ),
                (
                    "verified_at",
                    models.DateTimeField(
                        editable=False,
                        help_text="Until then it can't publish and is paid nothing out.",
                        null=True,
                        verbose_name="documents verified",
                    ),
                ),
                (
                    "countries",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=2), blank=True, default=list, size=None, verbose_name="countries"
                    ),
                ),
                (
                    "industries",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("agriculture", "Agriculture"),
                                ("automotive", "Automotive"),
                                ("education", "Education"),
                                ("energy", "Energy"),
                                ("finance", "Finance and banking"),
                                ("food", "Food and hospitality"),
                                ("gaming", "Gaming"),
                                ("health", "Health"),
                                ("insurance", "Insurance"),
                                ("legal", "Legal"),
                                ("logistics", "Logistics"),
                                ("manufacturing", "Manufacturing"),
                                ("marketing", "Marketing and sales"),
                                ("media", "Media"),
                                ("non_profit", "Non-profit"),
                                ("public_sector", "Public sector"),
                                ("real_estate", "Real estate"),
                                ("retail", "Retail and e-commerce"),
                                ("security", "Security"),
                                ("services", "Professional services"),
                                ("software", "Software"),
                                ("telecom", "Telecommunications"),
                                ("travel", "Travel"),
                            ],
                            max_length=16,
                        ),
                        blank=True,
                        default=list,
                        size=5,
                        verbose_name="industries",
                    ),
                ),
                ("links", models.JSONField(blank=True, default=dict, verbose_name="pages elsewhere")),
                (
                    "logo",
                    models.CharField(
                        blank=True, editable=False, help_text="Name of its pictures.", max_length=64, verbose_name="logo"
                    ),
                ),
                ("public_email", models.EmailField(blank=True, max_length=254, verbose_name="e-mail for the public")),
                (
                    "summary",
                    models.CharField(blank=True, help_text="One line, for lists.", max_length=160, verbose_name="summary"),
                ),
                ("closed_at", models.DateTimeField(editable=False, null=True, verbose_name="closed since")),
                ("erased_at", models.DateTimeField(editable=False, null=True, verbose_name="personal data erased")),
                (
                    "keeps_test_bodies",
                    models.BooleanField(
                        default=True,
                        help_text="Kept for a week in the call log, without secrets.",
                        verbose_name="bodies of failed test calls",
                    ),
                ),
            ],
            options={
                "verbose_name": "partner",
                "ordering": ["-id"],
                "indexes": [
                    models.Index(fields=["status", "-id"], name="partner_by_status"),
                    models.Index(fields=["type", "-id"], name="partner_by_type"),
                    models.Index(fields=["tier", "-id"], name="partner_by_tier"),
                    models.Index(fields=["name", "-id"], name="partner_by_name"),
                    models.Index(condition=models.Q(("deleted_at__isnull", False)), fields=["-id"], name="partner_deleted"),
                    django.contrib.postgres.indexes.GinIndex(
                        django.contrib.postgres.indexes.OpClass(
                            django.db.models.functions.text.Upper("name"), name="gin_trgm_ops"
                        ),
                        name="partner_name_part",
                    ),
                    django.contrib.postgres.indexes.GinIndex(
                        django.contrib.postgres.indexes.OpClass(
                            django.db.models.functions.text.Upper("slug"), name="gin_trgm_ops"
                        ),
                        name="partner_slug_part",
                    ),
                    models.Index(
                        condition=models.Q(("deleted_at", None), ("listed", True), ("status", "active")),
                        fields=["name", "id"],
                        name="partner_showcase",
                    ),
                    django.contrib.postgres.indexes.GinIndex(
                        condition=models.Q(("deleted_at", None), ("listed", True), ("status", "active")),
                        fields=["industries"],
                        name="partner_showcase_trade",
                    ),
                    django.contrib.postgres.indexes.GinIndex(
                        django.contrib.postgres.indexes.OpClass(
                            django.db.models.functions.text.Upper("summary"), name="gin_trgm_ops"
                        ),
                        name="partner_summary_part",
                    ),
                    django.contrib.postgres.indexes.GinIndex(
                        condition=models.Q(("deleted_at", None), ("listed", True), ("status", "active")),
                        fields=["countries"],
                        name="partner_showcase_country",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", "active"), _negated=True), ("activated_at__isnull", False), _connector="OR"
                        ),
                        name="partner_active_since",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("deleted_at", None), ("status", "closed"), _connector="OR"),
                        name="partner_deleted_is_closed",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("closed_at__isnull", False), ("status", "closed")),
                            models.Q(models.Q(("status", "closed"), _negated=True), ("closed_at", None)),
                            _connector="OR",
                        ),
                        name="partner_closed_since",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("erased_at", None), ("deleted_at__isnull", False), _connector="OR"),
                        name="partner_erased_is_deleted",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Acceptance",
            fields=[
                ("id", models.UUIDField(default=core.ids.new, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(default=core.clock.now, editable=False)),
                ("actor_kind", models.CharField(max_length=12, verbose_name="by")),
                ("actor_id", models.UUIDField(null=True)),
                ("actor_label", models.CharField(blank=True, max_length=200, verbose_name="as")),
                ("address", models.GenericIPAddressField(null=True, verbose_name="from")),
                (
                    "partner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="acceptances",
                        to="partners.partner",
                        verbose_name="partner",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="person",
                    ),
                ),
                (
                    "terms",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="acceptances",
                        to="partners.terms",
                        verbose_name="version",
                    ),
                ),
            ],
            options={
                "verbose_name": "acceptance of the terms",
                "verbose_name_plural": "acceptances of the terms",
                "ordering": ["-id"],
                "constraints": [models.UniqueConstraint(fields=("partner", "terms"), name="acceptance_once")],
            },
        ),
        migrations.CreateModel(
            name="ApiSetup",
            fields=[
                (
                    "partner",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="api_setup",
                        serialize=False,
                        to="partners.partner",
                    ),
                ),
                ("use_case", models.TextField(blank=True, max_length=2000, verbose_name="use case")),
                (
                    "expected_monthly_calls",
                    models.BigIntegerField(
                        blank=True,
                        null=True,
                        validators=[django.core.validators.MinValueValidator(0)],
                        verbose_name="expected calls a month",
                    ),
                ),
                ("webhook_url", models.URLField(blank=True, max_length=500, verbose_name="webhook address")),
                ("oauth_callback_url", models.URLField(blank=True, max_length=500, verbose_name="OAuth callback address")),
                ("webhook_checked_at", models.DateTimeField(editable=False, null=True, verbose_name="webhook address checked")),
                ("webhook_finding", models.TextField(blank=True, editable=False, verbose_name="what the check found")),
                ("webhook_reached", models.BooleanField(editable=False, null=True, verbose_name="webhook address answers")),
                ("webhook_secret", core.crypto.EncryptedField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="Company",
            fields=[
                (
                    "partner",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="company",
                        serialize=False,
                        to="partners.partner",
                    ),
                ),
                ("contact_name", models.CharField(blank=True, max_length=120, verbose_name="contact person")),
                ("contact_email", models.EmailField(blank=True, max_length=254, verbose_name="contact e-mail")),
                ("contact_phone", models.CharField(blank=True, max_length=40, verbose_name="contact phone")),
                ("legal_name", models.CharField(blank=True, max_length=160, verbose_name="legal name")),
                ("registration_number", models.CharField(blank=True, max_length=60, verbose_name="registration number")),
                ("tax_id", models.CharField(blank=True, max_length=60, verbose_name="tax id")),
                ("street", models.CharField(blank=True, max_length=160, verbose_name="street and number")),
                ("city", models.CharField(blank=True, max_length=80, verbose_name="city")),
                ("postal_code", models.CharField(blank=True, max_length=20, verbose_name="postal code")),
                (
                    "country",
                    models.CharField(
                        blank=True,
                        max_length=2,
                        validators=[django.core.validators.RegexValidator("^[A-Z]{2}\\Z")],
                        verbose_name="country",
                    ),
                ),
                ("industry", models.CharField(blank=True, max_length=80, verbose_name="industry")),
                (
                    "size",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("1-9", "1 to 9 people"),
                            ("10-49", "10 to 49 people"),
                            ("50-249", "50 to 249 people"),
                            ("250+", "250 people or more"),
                        ],
                        max_length=6,
                        verbose_name="size",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Document",
            fields=[
                ("id", models.UUIDField(default=core.ids.new, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(default=core.clock.now, editable=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("registration", "Company registration"),
                            ("tax", "Tax certificate"),
                            ("address", "Proof of address"),
                            ("identity", "Proof of identity"),
                            ("contract", "Signed contract"),
                            ("other", "Other"),
                        ],
                        max_length=12,
                        verbose_name="kind",
                    ),
                ),
                (
                    "filename",
                    models.CharField(help_text="As it was sent, for people to read.", max_length=120, verbose_name="name"),
                ),
                ("content_type", models.CharField(max_length=40, verbose_name="type")),
                ("size", models.PositiveIntegerField(help_text="In bytes.", verbose_name="size")),
                ("sha256", models.BinaryField()),
                ("file", models.FileField(max_length=200, upload_to=partners.models.reviews._place)),
                (
                    "state",
                    models.CharField(
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
                ("reason", models.TextField(blank=True, verbose_name="reason")),
                ("decided_at", models.DateTimeField(null=True, verbose_name="decided")),
                (
                    "decided_by",
                    models.ForeignKey(
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
                        on_delete=django.db.models.deletion.CASCADE, related_name="documents", to="partners.partner"
                    ),
                ),
                ("pages", models.PositiveSmallIntegerField(default=1, verbose_name="pages")),
                ("scan_attempts", models.PositiveSmallIntegerField(default=0, editable=False)),
                ("scan_due_at", models.DateTimeField(editable=False, null=True)),
            ],
            options={
                "verbose_name": "document",
                "ordering": ["-id"],
                "indexes": [
                    models.Index(fields=["state", "id"], name="document_queue"),
                    models.Index(fields=["kind", "id"], name="document_by_kind"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state__in", ["scanning", "waiting"]), ("decided_at__isnull", False), _connector="OR"
                        ),
                        name="document_decided_at",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "scanning"), _negated=True), ("scan_due_at__isnull", False), _connector="OR"
                        ),
                        name="document_scan_is_due",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Impersonation",
            fields=[
                ("id", models.UUIDField(default=core.ids.new, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(default=core.clock.now, editable=False)),
                ("note", models.TextField(blank=True, editable=False, verbose_name="note")),
                ("expires_at", models.DateTimeField(editable=False, verbose_name="until")),
                ("acts_until", models.DateTimeField(editable=False, null=True, verbose_name="changes things until")),
                ("reason", models.TextField(blank=True, editable=False, verbose_name="reason for changing things")),
                ("ended_at", models.DateTimeField(editable=False, null=True, verbose_name="ended")),
                (
                    "operator",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="operator",
                    ),
                ),
                (
                    "partner",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="impersonations",
                        to="partners.partner",
                    ),
                ),
            ],
            options={
                "verbose_name": "impersonation",
                "ordering": ["-id"],
                "indexes": [
                    models.Index(condition=models.Q(("ended_at", None)), fields=["expires_at"], name="impersonation_under_way")
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("ended_at", None)), fields=("operator",), name="impersonation_one_at_a_time"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("acts_until", None),
                            models.Q(("acts_until__lte", models.F("expires_at")), ("reason__gt", "")),
                            _connector="OR",
                        ),
                        name="impersonation_acts_with_reason",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Invitation",
            fields=[
                ("id", models.UUIDField(default=core.ids.new, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(default=core.clock.now, editable=False)),
                ("email", models.EmailField(editable=False, max_length=254, verbose_name="e-mail address")),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("owner", "Owner"),
                            ("admin", "Admin"),
                            ("developer", "Developer"),
                            ("finance", "Finance"),
                            ("viewer", "Viewer"),
                        ],
                        editable=False,
                        max_length=10,
                        verbose_name="role",
                    ),
                ),
                ("digest", models.BinaryField(unique=True)),
                (
                    "mails",
                    models.PositiveSmallIntegerField(
                        default=1, editable=False, help_text="How often it was sent.", verbose_name="mails"
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[("pending", "Pending"), ("accepted", "Accepted"), ("revoked", "Revoked")],
                        default="pending",
                        editable=False,
                        max_length=8,
                        verbose_name="status",
                    ),
                ),
                ("sent_at", models.DateTimeField(default=core.clock.now, editable=False, verbose_name="sent")),
                ("expires_at", models.DateTimeField(editable=False, verbose_name="expires")),
                ("decided_at", models.DateTimeField(editable=False, null=True, verbose_name="accepted or revoked")),
                (
                    "invited_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="invited by",
                    ),
                ),
                (
                    "partner",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="invitations",
                        to="partners.partner",
                    ),
                ),
            ],
            options={
                "verbose_name": "invitation",
                "indexes": [
                    models.Index(condition=models.Q(("status", "pending")), fields=["email"], name="invitation_to"),
                    models.Index(fields=["status", "-id"], name="invitation_by_status"),
                    django.contrib.postgres.indexes.GinIndex(
                        django.contrib.postgres.indexes.OpClass(
                            django.db.models.functions.text.Upper("email"), name="gin_trgm_ops"
                        ),
                        name="invitation_email_part",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("status", "pending")), fields=("partner", "email"), name="invitation_one_pending"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("email", django.db.models.functions.text.Lower("email"))),
                        name="invitation_email_lower",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("expires_at__gt", models.F("sent_at"))), name="invitation_expires_later"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("decided_at", None), ("status", "pending")),
                            models.Q(models.Q(("status", "pending"), _negated=True), ("decided_at__isnull", False)),
                            _connector="OR",
                        ),
                        name="invitation_decided_at",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Logo",
            fields=[
                ("id", models.UUIDField(default=core.ids.new, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(default=core.clock.now, editable=False)),
                ("name", models.CharField(db_index=True, editable=False, max_length=64)),
                ("small", models.FileField(max_length=200, upload_to=partners.models.logos._place)),
                ("large", models.FileField(max_length=200, upload_to=partners.models.logos._place)),
                (
                    "partner",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="logos", to="partners.partner"),
                ),
            ],
            options={
                "verbose_name": "logo",
                "constraints": [models.UniqueConstraint(fields=("partner", "name"), name="logo_once")],
            },
        ),
        migrations.CreateModel(
            name="Member",
            fields=[
                ("id", models.UUIDField(default=core.ids.new, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(default=core.clock.now, editable=False)),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("owner", "Owner"),
                            ("admin", "Admin"),
                            ("developer", "Developer"),
                            ("finance", "Finance"),
                            ("viewer", "Viewer"),
                        ],
                        max_length=10,
                        verbose_name="role",
                    ),
                ),
                ("joined_at", models.DateTimeField(default=core.clock.now, editable=False)),
                (
                    "partner",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="members", to="partners.partner"),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="memberships", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "digest_frequency",
                    models.CharField(
                        choices=[("daily", "Every day"), ("weekly", "Every Monday")],
                        default="daily",
                        editable=False,
                        max_length=6,
                        verbose_name="digest",
                    ),
                ),
            ],
            options={
                "verbose_name": "member",
                "constraints": [
                    models.UniqueConstraint(fields=("partner", "user"), name="member_once"),
                    models.UniqueConstraint(condition=models.Q(("role", "owner")), fields=("partner",), name="member_one_owner"),
                ],
                "indexes": [models.Index(fields=["role", "-id"], name="member_by_role")],
            },
        ),
        migrations.CreateModel(
            name="Note",
            fields=[
                ("id", models.UUIDField(default=core.ids.new, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(default=core.clock.now, editable=False)),
                ("text", models.TextField(editable=False, verbose_name="note")),
                (
                    "operator",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "partner",
                    models.ForeignKey(
                        db_index=False,
                        editable=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="notes",
                        to="partners.partner",
                    ),
                ),
            ],
            options={
                "verbose_name": "note",
                "ordering": ["-id"],
                "indexes": [models.Index(fields=["partner", "-id"], name="note_of_partner")],
            },
        ),
        migrations.CreateModel(
            name="Review",
            fields=[
                ("id", models.UUIDField(default=core.ids.new, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(default=core.clock.now, editable=False)),
                (
                    "decision",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting for review"),
                            ("approved", "Approved"),
                            ("changes_requested", "Changes requested"),
                            ("rejected", "Rejected"),
                        ],
                        default="waiting",
                        max_length=17,
                        verbose_name="decision",
                    ),
                ),
                ("reason", models.TextField(blank=True, verbose_name="reason")),
                ("decided_at", models.DateTimeField(null=True, verbose_name="decided")),
                (
                    "decided_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="decided by",
                    ),
                ),
                (
                    "partner",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="reviews", to="partners.partner"),
                ),
                (
                    "checklist",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=40), default=list, size=None, verbose_name="checked"
                    ),
                ),
                (
                    "final",
                    models.BooleanField(
                        default=False, help_text="Rejected for good: there is no further round.", verbose_name="final"
                    ),
                ),
            ],
            options={
                "verbose_name": "review",
                "ordering": ["-id"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("decision", "waiting")), fields=("partner",), name="review_one_waiting"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("decision", "waiting"), ("decided_at__isnull", False), _connector="OR"),
                        name="review_decided_at",
                    ),
                ],
                "indexes": [models.Index(fields=["decision", "id"], name="review_by_decision")],
            },
        ),
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
            options={
                "indexes": [models.Index(fields=["partner", "changed_at"], name="tier_change_of_partner")],
            },
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
                (
                    "previous",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="partners.tier",
                        verbose_name="from",
                    ),
                ),
                (
                    "tier",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="partners.tier",
                        verbose_name="to",
                    ),
                ),
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
        migrations.CreateModel(
            name="Notice",
            fields=[
                ("id", models.UUIDField(default=core.ids.new, editable=False, primary_key=True, serialize=False)),
                ("kind", models.CharField(max_length=40)),
                ("cause", models.CharField(help_text="Public id of the event or row behind it.", max_length=80)),
                ("facts", models.JSONField(default=dict)),
                ("due_at", models.DateTimeField(default=core.clock.now, null=True)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("sent_at", models.DateTimeField(null=True)),
                ("failed_at", models.DateTimeField(null=True)),
                ("error", models.TextField(blank=True)),
                ("created_at", models.DateTimeField(default=core.clock.now, editable=False)),
                (
                    "partner",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.CASCADE, related_name="notices", to="partners.partner"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="notices",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "invitation",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.CASCADE, related_name="notices", to="partners.invitation"
                    ),
                ),
                (
                    "digest",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="gathered", to="partners.notice"
                    ),
                ),
                ("in_digest", models.BooleanField(default=False)),
                ("in_portal", models.BooleanField(default=False)),
                ("read_at", models.DateTimeField(null=True)),
                ("letter", core.crypto.EncryptedField(null=True)),
            ],
            options={
                "verbose_name": "notice",
                "indexes": [
                    models.Index(
                        condition=models.Q(("failed_at", None), ("sent_at", None)), fields=["due_at"], name="notice_due"
                    ),
                    models.Index(condition=models.Q(("in_portal", True)), fields=["user", "partner", "-id"], name="notice_shown"),
                    models.Index(
                        condition=models.Q(("in_portal", True), ("read_at", None)),
                        fields=["user", "partner"],
                        name="notice_unread",
                    ),
                    models.Index(
                        condition=models.Q(("digest", None), ("in_digest", True)),
                        fields=["user", "partner"],
                        name="notice_ungathered",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("cause", "kind", "user"), name="notice_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("invitation", None), ("letter", None), ("user__isnull", False)),
                            models.Q(("invitation__isnull", False), ("letter", None), ("user", None)),
                            models.Q(("invitation", None), ("letter__isnull", False), ("user", None)),
                            _connector="OR",
                        ),
                        name="notice_to_one",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Preference",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=40)),
                (
                    "channel",
                    models.CharField(
                        choices=[("portal", "Portal"), ("mail", "Mail at once"), ("digest", "Digest")], max_length=6
                    ),
                ),
                ("wanted", models.BooleanField()),
                (
                    "member",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="preferences", to="partners.member"
                    ),
                ),
            ],
            options={
                "verbose_name": "preference",
                "constraints": [models.UniqueConstraint(fields=("member", "kind", "channel"), name="preference_once")],
            },
        ),
        migrations.RunSQL(TERMS_STAY, TERMS_STAY_UNDONE),
        migrations.RunSQL(OWNER_STAYS, OWNER_STAYS_UNDONE),
    ]

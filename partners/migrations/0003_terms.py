"""Terms of service by version, and who accepted which."""

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import core.clock
import core.ids

# What was published or accepted stays as it is, whoever writes SQL.
FORWARD = """
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
BACKWARD = """
DROP TRIGGER partners_terms_unchanged ON partners_terms;
DROP FUNCTION partners_terms_unchanged();
DROP TRIGGER partners_acceptance_unchanged ON partners_acceptance;
DROP FUNCTION partners_acceptance_unchanged();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("partners", "0002_tier_change"),
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
        migrations.RunSQL(FORWARD, BACKWARD),
    ]

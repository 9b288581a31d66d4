"""What partners show of themselves: more fields, the logo, and indexes for the list of them."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.functions.text
from django.db import migrations, models

import core.clock
import core.ids
import partners.models.logos


class Migration(migrations.Migration):
    dependencies = [
        ("partners", "0007_console_lists"),
    ]

    operations = [
        migrations.CreateModel(
            name="Logo",
            fields=[
                ("id", models.UUIDField(default=core.ids.new, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(default=core.clock.now, editable=False)),
                ("name", models.CharField(db_index=True, editable=False, max_length=64)),
                ("small", models.FileField(max_length=200, upload_to=partners.models.logos._place)),
                ("large", models.FileField(max_length=200, upload_to=partners.models.logos._place)),
            ],
            options={
                "verbose_name": "logo",
            },
        ),
        migrations.AddField(
            model_name="partner",
            name="countries",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=2), blank=True, default=list, size=None, verbose_name="countries"
            ),
        ),
        migrations.AddField(
            model_name="partner",
            name="industries",
            field=django.contrib.postgres.fields.ArrayField(
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
        migrations.AddField(
            model_name="partner",
            name="links",
            field=models.JSONField(blank=True, default=dict, verbose_name="pages elsewhere"),
        ),
        migrations.AddField(
            model_name="partner",
            name="logo",
            field=models.CharField(
                blank=True, editable=False, help_text="Name of its pictures.", max_length=64, verbose_name="logo"
            ),
        ),
        migrations.AddField(
            model_name="partner",
            name="public_email",
            field=models.EmailField(blank=True, max_length=254, verbose_name="e-mail for the public"),
        ),
        migrations.AddField(
            model_name="partner",
            name="summary",
            field=models.CharField(blank=True, help_text="One line, for lists.", max_length=160, verbose_name="summary"),
        ),
        migrations.AlterField(
            model_name="partner",
            name="description",
            field=models.TextField(blank=True, help_text="Markdown.", max_length=5000, verbose_name="description"),
        ),
        migrations.AddIndex(
            model_name="partner",
            index=models.Index(
                condition=models.Q(("deleted_at", None), ("listed", True), ("status", "active")),
                fields=["name", "id"],
                name="partner_showcase",
            ),
        ),
        migrations.AddIndex(
            model_name="partner",
            index=django.contrib.postgres.indexes.GinIndex(
                condition=models.Q(("deleted_at", None), ("listed", True), ("status", "active")),
                fields=["industries"],
                name="partner_showcase_trade",
            ),
        ),
        migrations.AddIndex(
            model_name="partner",
            index=django.contrib.postgres.indexes.GinIndex(
                django.contrib.postgres.indexes.OpClass(django.db.models.functions.text.Upper("summary"), name="gin_trgm_ops"),
                name="partner_summary_part",
            ),
        ),
        migrations.AddField(
            model_name="logo",
            name="partner",
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="logos", to="partners.partner"),
        ),
        migrations.AddConstraint(
            model_name="logo",
            constraint=models.UniqueConstraint(fields=("partner", "name"), name="logo_once"),
        ),
    ]

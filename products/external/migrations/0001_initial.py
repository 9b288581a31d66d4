"""API products, which share their places under /apis/ with integrations."""

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

import core.clock
import core.crypto
import core.ids
import core.tuning

FORWARD = """
CREATE TRIGGER external_product_takes_slug AFTER INSERT OR DELETE OR UPDATE OF slug ON external_product
    FOR EACH ROW EXECUTE FUNCTION core_take_api_slug();
"""
BACKWARD = """
DROP TRIGGER external_product_takes_slug ON external_product;
DELETE FROM core_apislug WHERE subject IN (SELECT id FROM external_product);
"""


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("core", "0006_api_slugs"),
        ("partners", "0015_request_log"),
    ]

    operations = [
        migrations.CreateModel(
            name="Product",
            fields=[
                ("id", models.UUIDField(default=core.ids.new, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(default=core.clock.now, editable=False)),
                (
                    "connect_timeout",
                    models.PositiveSmallIntegerField(
                        default=5,
                        help_text="Until a connection stands, TLS included.",
                        validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(30)],
                        verbose_name="seconds to connect",
                    ),
                ),
                (
                    "head_timeout",
                    models.PositiveSmallIntegerField(
                        default=30,
                        help_text="Until the answer begins.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(core.tuning.longest_wait),
                        ],
                        verbose_name="seconds to answer",
                    ),
                ),
                (
                    "idle_timeout",
                    models.PositiveSmallIntegerField(
                        default=30,
                        help_text="Between two parts of an answer.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(core.tuning.longest_wait),
                        ],
                        verbose_name="seconds between parts",
                    ),
                ),
                (
                    "stream_idle_timeout",
                    models.PositiveSmallIntegerField(
                        default=300,
                        help_text="Of event streams and WebSockets; heartbeats count as signs of life.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(core.tuning.longest_silence),
                        ],
                        verbose_name="seconds of silence in streams",
                    ),
                ),
                (
                    "retries",
                    models.PositiveSmallIntegerField(
                        default=1,
                        help_text="Of GET, HEAD and OPTIONS without a body, if nothing at all came back.",
                        validators=[django.core.validators.MinValueValidator(0), django.core.validators.MaxValueValidator(2)],
                        verbose_name="retries",
                    ),
                ),
                (
                    "websocket",
                    models.BooleanField(default=False, help_text="Calls may become WebSockets.", verbose_name="WebSockets"),
                ),
                (
                    "slug",
                    models.SlugField(
                        help_text="The end of its address, /apis/orders/, and the beginning of its scopes. It can’t be changed later.",
                        max_length=40,
                        unique=True,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[a-z0-9]+(-[a-z0-9]+)*\\Z", "Lower-case letters, digits and single hyphens."
                            )
                        ],
                        verbose_name="slug",
                    ),
                ),
                ("name", models.CharField(max_length=80, verbose_name="name")),
                (
                    "description",
                    models.TextField(
                        blank=True, help_text="Markdown, for partners.", max_length=10000, verbose_name="description"
                    ),
                ),
                (
                    "upstream_url",
                    models.URLField(
                        help_text="Where live calls are sent on to. On a private network only if PORTICO_PRIVATE_UPSTREAMS names it.",
                        max_length=500,
                        validators=[django.core.validators.URLValidator(schemes=["http", "https"])],
                        verbose_name="upstream",
                    ),
                ),
                (
                    "test_upstream_url",
                    models.URLField(
                        blank=True,
                        help_text="Empty: calls with test keys are refused. They are free, and partners have such keys before they are approved.",
                        max_length=500,
                        validators=[django.core.validators.URLValidator(schemes=["http", "https"])],
                        verbose_name="upstream of the test environment",
                    ),
                ),
                (
                    "scopes",
                    models.TextField(
                        blank=True,
                        help_text="One a line: orders:read, where orders is the slug, and what it allows in words.",
                        max_length=20000,
                        verbose_name="scopes",
                    ),
                ),
                (
                    "operations",
                    models.TextField(
                        help_text="One a line: methods, path, scopes. “GET /orders/{id} orders:read”; * for all methods, {path...} for any rest. The first that fits counts; what none fits is refused.",
                        max_length=20000,
                        verbose_name="operations",
                    ),
                ),
                ("headers", core.crypto.EncryptedField(null=True, verbose_name="headers")),
                ("signing_secret", core.crypto.EncryptedField()),
                ("previous_secret", core.crypto.EncryptedField(null=True)),
                ("previous_until", models.DateTimeField(editable=False, null=True, verbose_name="the secret before holds until")),
                (
                    "status",
                    models.CharField(
                        choices=[("disabled", "Off"), ("enabled", "On")],
                        default="disabled",
                        editable=False,
                        max_length=8,
                        verbose_name="state",
                    ),
                ),
                ("enabled_at", models.DateTimeField(editable=False, null=True, verbose_name="first switched on")),
                ("down_since", models.DateTimeField(editable=False, null=True, verbose_name="down since")),
                ("version", models.BigIntegerField(default=0, editable=False)),
                (
                    "least_tier",
                    models.ForeignKey(
                        blank=True,
                        help_text="Callers on a lower one are refused. Empty: every tier has it.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="partners.tier",
                        verbose_name="least tier",
                    ),
                ),
            ],
            options={
                "verbose_name": "API product",
                "ordering": ["slug"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", "enabled"), _negated=True), ("enabled_at__isnull", False), _connector="OR"
                        ),
                        name="product_enabled_at_some_time",
                    )
                ],
            },
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]

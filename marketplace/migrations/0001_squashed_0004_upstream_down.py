"""The tables of marketplace in one step: what its `replaces` come to, for a new database."""

from decimal import Decimal

import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

import core.clock
import core.crypto
import core.ids
import core.money
import core.tuning


class Migration(migrations.Migration):
    replaces = [
        ("marketplace", "0001_initial"),
        ("marketplace", "0002_slug_help"),
        ("marketplace", "0003_upstream_tuning"),
        ("marketplace", "0004_upstream_down"),
    ]

    initial = True

    dependencies = [
        ("partners", "0015_request_log"),
    ]

    operations = [
        migrations.CreateModel(
            name="Category",
            fields=[
                ("id", models.UUIDField(default=core.ids.new, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(default=core.clock.now, editable=False)),
                (
                    "slug",
                    models.SlugField(
                        max_length=60,
                        unique=True,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[a-z0-9]+(-[a-z0-9]+)*\\Z", "Lower-case letters, digits and single hyphens."
                            )
                        ],
                        verbose_name="slug",
                    ),
                ),
                ("name", models.CharField(max_length=60, verbose_name="name")),
                ("description", models.CharField(blank=True, max_length=200, verbose_name="description")),
                (
                    "position",
                    models.PositiveSmallIntegerField(default=0, help_text="Order among its neighbours.", verbose_name="position"),
                ),
                (
                    "parent",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="children",
                        to="marketplace.category",
                        verbose_name="within",
                    ),
                ),
            ],
            options={
                "verbose_name": "category",
                "verbose_name_plural": "categories",
                "ordering": ["position", "name"],
            },
        ),
        migrations.CreateModel(
            name="Integration",
            fields=[
                ("id", models.UUIDField(default=core.ids.new, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(default=core.clock.now, editable=False)),
                ("environment", models.CharField(choices=[("live", "Live"), ("test", "Test")], editable=False, max_length=4)),
                (
                    "scopes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=64),
                        blank=True,
                        default=list,
                        help_text="A consumer agrees to these when it installs; a key that calls must carry them.",
                        size=None,
                        verbose_name="scopes",
                    ),
                ),
                (
                    "pricing",
                    models.CharField(
                        choices=[("free", "Free"), ("per_call", "Per call")], default="free", max_length=8, verbose_name="pricing"
                    ),
                ),
                (
                    "price",
                    models.DecimalField(
                        decimal_places=6,
                        default=Decimal("0"),
                        max_digits=12,
                        validators=[django.core.validators.MinValueValidator(0)],
                        verbose_name="price a call",
                    ),
                ),
                ("currency", core.money.CurrencyField(default="USD", max_length=3, verbose_name="currency")),
                (
                    "slug",
                    models.SlugField(
                        help_text="As in its address, /apis/weather/.",
                        max_length=60,
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
                ("summary", models.CharField(help_text="One line, for lists.", max_length=160, verbose_name="summary")),
                ("description", models.TextField(blank=True, max_length=10000, verbose_name="description")),
                (
                    "upstream_url",
                    models.URLField(
                        help_text="Where calls are sent on to.",
                        max_length=500,
                        validators=[django.core.validators.URLValidator(schemes=["http", "https"])],
                        verbose_name="upstream",
                    ),
                ),
                ("signing_secret", core.crypto.EncryptedField()),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("draft", "Draft"),
                            ("in_review", "In review"),
                            ("approved", "Approved"),
                            ("rejected", "Rejected"),
                            ("published", "Published"),
                            ("unpublished", "Unpublished"),
                            ("suspended", "Suspended"),
                        ],
                        default="draft",
                        editable=False,
                        max_length=12,
                        verbose_name="status",
                    ),
                ),
                ("status_reason", models.TextField(blank=True, editable=False, verbose_name="reason")),
                ("submitted_at", models.DateTimeField(editable=False, null=True, verbose_name="submitted")),
                ("published_at", models.DateTimeField(editable=False, null=True, verbose_name="published")),
                ("version", models.BigIntegerField(default=0, editable=False)),
                (
                    "category",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="integrations",
                        to="marketplace.category",
                        verbose_name="category",
                    ),
                ),
                (
                    "partner",
                    models.ForeignKey(
                        editable=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="partners.partner"
                    ),
                ),
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
                    "retries",
                    models.PositiveSmallIntegerField(
                        default=1,
                        help_text="Of GET, HEAD and OPTIONS without a body, if nothing at all came back.",
                        validators=[django.core.validators.MinValueValidator(0), django.core.validators.MaxValueValidator(2)],
                        verbose_name="retries",
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
                    "websocket",
                    models.BooleanField(default=False, help_text="Calls may become WebSockets.", verbose_name="WebSockets"),
                ),
                ("down_since", models.DateTimeField(editable=False, null=True, verbose_name="down since")),
            ],
            options={
                "verbose_name": "integration",
                "ordering": ["-id"],
                "indexes": [
                    models.Index(fields=["partner", "environment", "-id"], name="integration_of_partner"),
                    models.Index(
                        condition=models.Q(("status", "published")), fields=["-published_at"], name="integration_listed"
                    ),
                    models.Index(
                        condition=models.Q(("down_since__isnull", False)), fields=["down_since"], name="integration_down"
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("price", 0), ("pricing", "free")),
                            models.Q(("price__gt", 0), ("pricing", "per_call")),
                            _connector="OR",
                        ),
                        name="integration_price_fits",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Version",
            fields=[
                ("id", models.UUIDField(default=core.ids.new, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(default=core.clock.now, editable=False)),
                (
                    "scopes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=64),
                        blank=True,
                        default=list,
                        help_text="A consumer agrees to these when it installs; a key that calls must carry them.",
                        size=None,
                        verbose_name="scopes",
                    ),
                ),
                (
                    "pricing",
                    models.CharField(
                        choices=[("free", "Free"), ("per_call", "Per call")], default="free", max_length=8, verbose_name="pricing"
                    ),
                ),
                (
                    "price",
                    models.DecimalField(
                        decimal_places=6,
                        default=Decimal("0"),
                        max_digits=12,
                        validators=[django.core.validators.MinValueValidator(0)],
                        verbose_name="price a call",
                    ),
                ),
                ("currency", core.money.CurrencyField(default="USD", max_length=3, verbose_name="currency")),
                (
                    "number",
                    models.CharField(
                        max_length=20,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^(0|[1-9]\\d{0,5})\\.(0|[1-9]\\d{0,5})\\.(0|[1-9]\\d{0,5})\\Z",
                                "Three numbers with dots, as in 1.4.0.",
                            )
                        ],
                        verbose_name="number",
                    ),
                ),
                ("notes", models.TextField(blank=True, max_length=5000, verbose_name="release notes")),
                ("upstream_url", models.URLField(editable=False, max_length=500, verbose_name="upstream")),
                ("released_at", models.DateTimeField(editable=False, null=True, verbose_name="released")),
                (
                    "integration",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="versions",
                        to="marketplace.integration",
                    ),
                ),
            ],
            options={
                "verbose_name": "version",
                "ordering": ["-id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("price", 0), ("pricing", "free")),
                            models.Q(("price__gt", 0), ("pricing", "per_call")),
                            _connector="OR",
                        ),
                        name="version_price_fits",
                    ),
                    models.UniqueConstraint(fields=("integration", "number"), name="version_number_once"),
                    models.UniqueConstraint(
                        condition=models.Q(("released_at__isnull", True)), fields=("integration",), name="version_one_unreleased"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Installation",
            fields=[
                ("id", models.UUIDField(default=core.ids.new, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(default=core.clock.now, editable=False)),
                ("environment", models.CharField(choices=[("live", "Live"), ("test", "Test")], editable=False, max_length=4)),
                (
                    "status",
                    models.CharField(
                        choices=[("installed", "Installed"), ("uninstalled", "Uninstalled")],
                        default="installed",
                        editable=False,
                        max_length=12,
                        verbose_name="status",
                    ),
                ),
                (
                    "granted_scopes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=64),
                        default=list,
                        editable=False,
                        size=None,
                        verbose_name="granted scopes",
                    ),
                ),
                (
                    "price",
                    models.DecimalField(
                        decimal_places=6, default=Decimal("0"), editable=False, max_digits=12, verbose_name="price a call"
                    ),
                ),
                ("currency", core.money.CurrencyField(default="USD", editable=False, max_length=3, verbose_name="currency")),
                ("installed_at", models.DateTimeField(default=core.clock.now, editable=False, verbose_name="installed")),
                ("uninstalled_at", models.DateTimeField(editable=False, null=True, verbose_name="uninstalled")),
                (
                    "partner",
                    models.ForeignKey(
                        editable=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="partners.partner"
                    ),
                ),
                (
                    "integration",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="installations",
                        to="marketplace.integration",
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        editable=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="marketplace.version"
                    ),
                ),
            ],
            options={
                "verbose_name": "installation",
                "ordering": ["-id"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("status", "installed")),
                        fields=("partner", "environment", "integration"),
                        name="installation_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", "installed"), ("uninstalled_at__isnull", True)),
                            models.Q(("status", "uninstalled"), ("uninstalled_at__gte", models.F("installed_at"))),
                            _connector="OR",
                        ),
                        name="installation_ends_later",
                    ),
                ],
            },
        ),
        migrations.AddField(
            model_name="Integration",
            name="current",
            field=models.ForeignKey(
                editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="marketplace.version"
            ),
        ),
        migrations.AddConstraint(
            model_name="Integration",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status__in", ["published", "unpublished"]), _negated=True),
                    models.Q(("current__isnull", False), ("published_at__isnull", False)),
                    _connector="OR",
                ),
                name="integration_published_has_version",
            ),
        ),
    ]

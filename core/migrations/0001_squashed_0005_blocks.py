"""The tables of core in one step: what its `replaces` come to, for a new database."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.functions.text
from django.conf import settings
from django.contrib.postgres.operations import TrigramExtension
from django.db import migrations, models

import core.clock
import core.crypto
import core.ids
from core.partitions import CreatePartitionedModel

# The event log is append-only in the database itself: rows are sealed once and never deleted.
APPEND_ONLY = """
CREATE FUNCTION core_event_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'the event log is append-only: rows are never deleted';
    END IF;
    IF OLD.number IS NOT NULL OR NEW.number IS NULL
        OR (to_jsonb(NEW) - ARRAY['number', 'previous_hash', 'hash']) IS DISTINCT FROM (to_jsonb(OLD) - ARRAY['number', 'previous_hash', 'hash'])
    THEN
        RAISE EXCEPTION 'the event log is append-only: a row is sealed once and never changed';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER core_event_append_only BEFORE UPDATE OR DELETE ON core_event
    FOR EACH ROW EXECUTE FUNCTION core_event_append_only();
"""
APPEND_ONLY_UNDONE = "DROP TRIGGER core_event_append_only ON core_event; DROP FUNCTION core_event_append_only();"


class Migration(migrations.Migration):
    replaces = [
        ("core", "0001_initial"),
        ("core", "0002_append_only"),
        ("core", "0003_verification"),
        ("core", "0004_console_lists"),
        ("core", "0005_blocks"),
    ]

    initial = True

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        TrigramExtension(),
        migrations.CreateModel(
            name="Block",
            fields=[
                ("id", models.UUIDField(default=core.ids.new, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(default=core.clock.now, editable=False)),
                ("network", models.CharField(max_length=43, verbose_name="address or network")),
                ("reason", models.CharField(help_text="For operators alone.", max_length=500, verbose_name="reason")),
                (
                    "expires_at",
                    models.DateTimeField(
                        blank=True, help_text="Without a time it holds until it is lifted.", null=True, verbose_name="until"
                    ),
                ),
                ("blocked_by", models.CharField(editable=False, max_length=200, verbose_name="blocked by")),
                ("lifted_at", models.DateTimeField(editable=False, null=True, verbose_name="lifted")),
                ("lifted_by", models.CharField(blank=True, editable=False, max_length=200, verbose_name="lifted by")),
            ],
            options={
                "verbose_name": "blocked address",
                "verbose_name_plural": "blocked addresses",
                "ordering": ["-id"],
                "indexes": [
                    models.Index(fields=["network", "-id"], name="block_by_network"),
                    models.Index(condition=models.Q(("lifted_at", None)), fields=["-id"], name="block_standing"),
                    django.contrib.postgres.indexes.GinIndex(
                        django.contrib.postgres.indexes.OpClass(
                            django.db.models.functions.text.Upper("network"), name="gin_trgm_ops"
                        ),
                        name="block_network_part",
                    ),
                    django.contrib.postgres.indexes.GinIndex(
                        django.contrib.postgres.indexes.OpClass(
                            django.db.models.functions.text.Upper("reason"), name="gin_trgm_ops"
                        ),
                        name="block_reason_part",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(condition=models.Q(("lifted_at", None)), fields=("network",), name="block_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="Change",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("subject", models.UUIDField(db_index=True)),
                ("changed_at", models.DateTimeField(db_index=True, default=core.clock.now)),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="Event",
            fields=[
                ("id", models.UUIDField(default=core.ids.new, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(default=core.clock.now, editable=False)),
                ("partner_id", models.UUIDField(editable=False, null=True)),
                ("environment", models.CharField(choices=[("live", "Live"), ("test", "Test")], editable=False, max_length=4)),
                ("type", models.CharField(editable=False, max_length=80)),
                (
                    "subject",
                    models.CharField(blank=True, editable=False, help_text="Public id of what it is about.", max_length=80),
                ),
                ("actor_kind", models.CharField(editable=False, max_length=12)),
                ("actor_id", models.UUIDField(editable=False, null=True)),
                ("actor_label", models.CharField(blank=True, editable=False, max_length=200)),
                ("address", models.GenericIPAddressField(editable=False, null=True)),
                ("request_id", models.UUIDField(editable=False, null=True)),
                ("payload_digest", models.BinaryField()),
                ("number", models.BigIntegerField(editable=False, null=True)),
                ("previous_hash", models.BinaryField(null=True)),
                ("hash", models.BinaryField(null=True)),
            ],
            options={
                "ordering": ["-id"],
                "indexes": [
                    models.Index(condition=models.Q(("number__isnull", True)), fields=["id"], name="event_unsealed"),
                    models.Index(fields=["partner_id", "environment", "-id"], name="event_of_partner"),
                    models.Index(fields=["type", "-id"], name="event_by_type"),
                    models.Index(fields=["subject", "-id"], name="event_by_subject"),
                    models.Index(fields=["actor_kind", "-id"], name="event_by_kind_of_actor"),
                    models.Index(
                        condition=models.Q(("actor_id__isnull", False)), fields=["actor_id", "-id"], name="event_by_actor"
                    ),
                    models.Index(fields=["actor_label", "-id"], name="event_by_actor_label"),
                    models.Index(
                        condition=models.Q(("address__isnull", False)), fields=["address", "-id"], name="event_by_address"
                    ),
                    models.Index(condition=models.Q(("environment", "test")), fields=["-id"], name="event_in_test"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("partner_id", "number"), name="event_number_once", nulls_distinct=True),
                    models.UniqueConstraint(
                        condition=models.Q(("partner_id__isnull", True)), fields=("number",), name="event_platform_number_once"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Head",
            fields=[
                ("owner", models.UUIDField(primary_key=True, serialize=False)),
                ("number", models.BigIntegerField(default=0)),
                ("hash", models.BinaryField(default=bytes)),
            ],
        ),
        CreatePartitionedModel(
            name="Payload",
            fields=[
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("data", models.JSONField(editable=False)),
            ],
        ),
        migrations.CreateModel(
            name="StoredAnswer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("caller", models.CharField(max_length=80)),
                ("key", models.CharField(max_length=255)),
                ("fingerprint", models.BinaryField()),
                ("status", models.PositiveSmallIntegerField(null=True)),
                ("headers", models.JSONField(default=dict)),
                ("body", core.crypto.EncryptedField(null=True)),
                ("created_at", models.DateTimeField(db_index=True, default=core.clock.now)),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("caller", "key"), name="stored_answer_once")],
            },
        ),
        migrations.CreateModel(
            name="User",
            fields=[
                ("password", models.CharField(max_length=128, verbose_name="password")),
                ("last_login", models.DateTimeField(blank=True, null=True, verbose_name="last login")),
                (
                    "is_superuser",
                    models.BooleanField(
                        default=False,
                        help_text="Designates that this user has all permissions without explicitly assigning them.",
                        verbose_name="superuser status",
                    ),
                ),
                ("id", models.UUIDField(default=core.ids.new, editable=False, primary_key=True, serialize=False)),
                ("email", models.EmailField(max_length=254, unique=True, verbose_name="e-mail address")),
                ("name", models.CharField(blank=True, max_length=120, verbose_name="name")),
                (
                    "is_staff",
                    models.BooleanField(
                        default=False, help_text="May sign in to the operators' console.", verbose_name="operator"
                    ),
                ),
                (
                    "is_active",
                    models.BooleanField(
                        default=True, help_text="Take this away instead of deleting the person.", verbose_name="active"
                    ),
                ),
                ("created_at", models.DateTimeField(default=core.clock.now, editable=False, verbose_name="since")),
                (
                    "groups",
                    models.ManyToManyField(
                        blank=True,
                        help_text="The groups this user belongs to. A user will get all permissions granted to each of their groups.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.group",
                        verbose_name="groups",
                    ),
                ),
                (
                    "user_permissions",
                    models.ManyToManyField(
                        blank=True,
                        help_text="Specific permissions for this user.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.permission",
                        verbose_name="user permissions",
                    ),
                ),
            ],
            options={
                "verbose_name": "person",
                "verbose_name_plural": "people",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("email", django.db.models.functions.text.Lower("email"))), name="user_email_lower"
                    )
                ],
                "indexes": [
                    django.contrib.postgres.indexes.GinIndex(
                        django.contrib.postgres.indexes.OpClass(
                            django.db.models.functions.text.Upper("email"), name="gin_trgm_ops"
                        ),
                        name="user_email_part",
                    ),
                    django.contrib.postgres.indexes.GinIndex(
                        django.contrib.postgres.indexes.OpClass(
                            django.db.models.functions.text.Upper("name"), name="gin_trgm_ops"
                        ),
                        name="user_name_part",
                    ),
                    models.Index(condition=models.Q(("is_staff", True)), fields=["-id"], name="user_operators"),
                    models.Index(condition=models.Q(("is_superuser", True)), fields=["-id"], name="user_superusers"),
                    models.Index(condition=models.Q(("is_active", False)), fields=["-id"], name="user_switched_off"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Verification",
            fields=[
                ("owner", models.UUIDField(primary_key=True, serialize=False)),
                ("number", models.BigIntegerField(default=0, help_text="Up to which event it was right.")),
                ("verified_at", models.DateTimeField(null=True)),
                ("broken", models.BigIntegerField(help_text="Number of the first event that isn't right.", null=True)),
                ("event", models.CharField(blank=True, max_length=40)),
                ("reason", models.TextField(blank=True)),
                ("asked_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="MissedEvent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("reader", models.CharField(max_length=120)),
                ("error", models.CharField(max_length=500)),
                ("attempts", models.PositiveSmallIntegerField(default=1)),
                ("due_at", models.DateTimeField(db_index=True)),
                (
                    "event",
                    models.ForeignKey(
                        db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name="+", to="core.event"
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("reader", "event"), name="missed_event_once")],
            },
        ),
        migrations.CreateModel(
            name="OperatorToken",
            fields=[
                ("id", models.UUIDField(default=core.ids.new, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(default=core.clock.now, editable=False)),
                ("name", models.CharField(max_length=80, verbose_name="name")),
                ("digest", models.BinaryField(unique=True)),
                ("hint", models.CharField(editable=False, max_length=24, verbose_name="token")),
                (
                    "scopes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=64), default=list, size=None, verbose_name="scopes"
                    ),
                ),
                ("expires_at", models.DateTimeField(blank=True, null=True, verbose_name="expires")),
                ("revoked_at", models.DateTimeField(blank=True, editable=False, null=True, verbose_name="revoked")),
                ("version", models.BigIntegerField(default=0, editable=False)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="operator_tokens",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="operator",
                    ),
                ),
            ],
            options={
                "verbose_name": "operator token",
                "ordering": ["-id"],
            },
        ),
        migrations.RunSQL(APPEND_ONLY, APPEND_ONLY_UNDONE),
    ]

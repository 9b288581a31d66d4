"""Invitations, and one owner a partner: at most one by a unique index, at least one by a trigger at the end of a transaction."""

import django.db.models.deletion
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models

import core.clock
import core.ids

# Where there were several owners, the first stays and the others become admins, who may do all but hand the partner on.
ONE_OWNER = """
UPDATE partners_member SET role = 'admin' WHERE role = 'owner' AND EXISTS (
    SELECT 1 FROM partners_member first
    WHERE first.partner_id = partners_member.partner_id AND first.role = 'owner' AND first.id < partners_member.id);
"""

# A partner that is closed may lose its people, so that their data can be erased.
FORWARD = """
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
BACKWARD = "DROP TRIGGER partners_owner_stays ON partners_member; DROP FUNCTION partners_owner_stays();"


class Migration(migrations.Migration):
    dependencies = [
        ("partners", "0003_terms"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunSQL(ONE_OWNER, migrations.RunSQL.noop),
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
            ],
            options={
                "verbose_name": "invitation",
            },
        ),
        migrations.AlterField(
            model_name="notice",
            name="user",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.CASCADE, related_name="notices", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddConstraint(
            model_name="member",
            constraint=models.UniqueConstraint(
                condition=models.Q(("role", "owner")), fields=("partner",), name="member_one_owner"
            ),
        ),
        migrations.AddField(
            model_name="invitation",
            name="invited_by",
            field=models.ForeignKey(
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="invited by",
            ),
        ),
        migrations.AddField(
            model_name="invitation",
            name="partner",
            field=models.ForeignKey(
                editable=False, on_delete=django.db.models.deletion.CASCADE, related_name="invitations", to="partners.partner"
            ),
        ),
        migrations.AddField(
            model_name="notice",
            name="invitation",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.CASCADE, related_name="notices", to="partners.invitation"
            ),
        ),
        migrations.AddConstraint(
            model_name="notice",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("invitation", None), ("user__isnull", False)),
                    models.Q(("invitation__isnull", False), ("user", None)),
                    _connector="OR",
                ),
                name="notice_to_one",
            ),
        ),
        migrations.AddIndex(
            model_name="invitation",
            index=models.Index(condition=models.Q(("status", "pending")), fields=["email"], name="invitation_to"),
        ),
        migrations.AddConstraint(
            model_name="invitation",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status", "pending")), fields=("partner", "email"), name="invitation_one_pending"
            ),
        ),
        migrations.AddConstraint(
            model_name="invitation",
            constraint=models.CheckConstraint(
                condition=models.Q(("email", django.db.models.functions.text.Lower("email"))), name="invitation_email_lower"
            ),
        ),
        migrations.AddConstraint(
            model_name="invitation",
            constraint=models.CheckConstraint(
                condition=models.Q(("expires_at__gt", models.F("sent_at"))), name="invitation_expires_later"
            ),
        ),
        migrations.AddConstraint(
            model_name="invitation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("decided_at", None), ("status", "pending")),
                    models.Q(models.Q(("status", "pending"), _negated=True), ("decided_at__isnull", False)),
                    _connector="OR",
                ),
                name="invitation_decided_at",
            ),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]

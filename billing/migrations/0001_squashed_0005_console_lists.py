"""The tables of billing in one step: what its `replaces` come to, for a new database."""

from datetime import UTC, datetime
from decimal import Decimal

import django.contrib.postgres.constraints
import django.contrib.postgres.fields.ranges
import django.core.serializers.json
import django.core.validators
import django.db.models.deletion
import django.db.models.expressions
from django.contrib.postgres.operations import BtreeGistExtension
from django.db import migrations, models

import core.clock
import core.crypto
import core.ids
import core.money

# The ledger's rules, in the database itself: what a transaction has, and that nothing of it changes.
LEDGER = """
CREATE FUNCTION billing_ledger_balances() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    checked uuid;
    expected integer;
    counted integer;
    crooked text;
BEGIN
    IF TG_TABLE_NAME = 'billing_entry' THEN checked := NEW.transaction_id; ELSE checked := NEW.id; END IF;
    SELECT entry_count INTO expected FROM billing_transaction WHERE id = checked;
    SELECT count(*) INTO counted FROM billing_entry WHERE transaction_id = checked;
    IF counted IS DISTINCT FROM expected OR counted < 2 THEN
        RAISE EXCEPTION 'ledger transaction % has % entries, not %', checked, counted, expected USING ERRCODE = 'check_violation';
    END IF;
    SELECT a.currency INTO crooked FROM billing_entry e JOIN billing_account a ON a.id = e.account_id
        WHERE e.transaction_id = checked GROUP BY a.currency HAVING sum(e.amount_minor) <> 0 LIMIT 1;
    IF crooked IS NOT NULL THEN
        RAISE EXCEPTION 'ledger transaction % does not sum to zero in %', checked, crooked USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER billing_entry_balances AFTER INSERT ON billing_entry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION billing_ledger_balances();
CREATE CONSTRAINT TRIGGER billing_transaction_balances AFTER INSERT ON billing_transaction
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION billing_ledger_balances();

CREATE FUNCTION billing_ledger_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is append-only: correct it by a further transaction' USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER billing_entry_append_only BEFORE UPDATE OR DELETE ON billing_entry
    FOR EACH ROW EXECUTE FUNCTION billing_ledger_append_only();
CREATE TRIGGER billing_transaction_append_only BEFORE UPDATE OR DELETE ON billing_transaction
    FOR EACH ROW EXECUTE FUNCTION billing_ledger_append_only();
CREATE TRIGGER billing_account_append_only BEFORE UPDATE OR DELETE ON billing_account
    FOR EACH ROW EXECUTE FUNCTION billing_ledger_append_only();
"""
LEDGER_UNDONE = """
DROP TRIGGER billing_account_append_only ON billing_account;
DROP TRIGGER billing_transaction_append_only ON billing_transaction;
DROP TRIGGER billing_entry_append_only ON billing_entry;
DROP FUNCTION billing_ledger_append_only();
DROP TRIGGER billing_transaction_balances ON billing_transaction;
DROP TRIGGER billing_entry_balances ON billing_entry;
DROP FUNCTION billing_ledger_balances();
"""

# What a new installation asks for: $0.01 for each API call beyond those that the tier includes.
BEGINNING = datetime(2020, 1, 1, tzinfo=UTC)


def seed(apps, schema_editor):
    apps.get_model("billing", "Price").objects.get_or_create(
        meter="api_calls",
        valid_from=BEGINNING,
        defaults={"name": "API calls", "model": "per_unit", "currency": "USD", "unit_amount": Decimal("0.01")},
    )


class Migration(migrations.Migration):
    replaces = [
        ("billing", "0001_initial"),
        ("billing", "0002_ledger"),
        ("billing", "0003_first_prices"),
        ("billing", "0004_lists"),
        ("billing", "0005_console_lists"),
    ]

    initial = True

    dependencies = [
        ("partners", "0005_verification"),
    ]

    operations = [
        BtreeGistExtension(),
        migrations.CreateModel(
            name="Account",
            fields=[
                ("id", models.UUIDField(default=core.ids.new, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(default=core.clock.now, editable=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("receivable", "Receivable from partner"),
                            ("cash", "Cash"),
                            ("revenue", "Revenue"),
                            ("marketplace_fees", "Marketplace fees"),
                            ("earnings_pending", "Earnings in hold"),
                            ("earnings_available", "Earnings available"),
                            ("payouts_in_transit", "Payouts in transit"),
                            ("bad_debt", "Bad debt"),
                        ],
                        editable=False,
                        max_length=20,
                        verbose_name="kind",
                    ),
                ),
                ("currency", core.money.CurrencyField(default="USD", editable=False, max_length=3, verbose_name="currency")),
                (
                    "partner",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="partners.partner",
                    ),
                ),
            ],
            options={
                "verbose_name": "account",
                "ordering": ["kind", "partner_id"],
                "constraints": [
                    models.UniqueConstraint(fields=("kind", "partner", "currency"), name="account_once", nulls_distinct=False),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("kind__in", ["receivable", "earnings_pending", "earnings_available", "payouts_in_transit"]),
                                ("partner__isnull", False),
                            ),
                            models.Q(
                                ("kind__in", ["cash", "revenue", "marketplace_fees", "bad_debt"]), ("partner__isnull", True)
                            ),
                            _connector="OR",
                        ),
                        name="account_owner",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Closing",
            fields=[
                ("id", models.UUIDField(default=core.ids.new, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(default=core.clock.now, editable=False)),
                ("month", models.DateField(editable=False, help_text="Its first day.", verbose_name="month")),
                ("until", models.DateTimeField(editable=False, verbose_name="closed until")),
                (
                    "partner",
                    models.ForeignKey(
                        editable=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="partners.partner"
                    ),
                ),
            ],
            options={
                "verbose_name": "closing",
                "ordering": ["-id"],
                "constraints": [
                    models.UniqueConstraint(fields=("partner", "month", "until"), name="closing_once"),
                    models.CheckConstraint(condition=models.Q(("month__day", 1)), name="closing_first_day"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Counter",
            fields=[
                ("series", models.CharField(max_length=20, primary_key=True, serialize=False)),
                ("last", models.PositiveBigIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name="Payout",
            fields=[
                ("id", models.UUIDField(default=core.ids.new, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(default=core.clock.now, editable=False)),
                ("environment", models.CharField(choices=[("live", "Live"), ("test", "Test")], editable=False, max_length=4)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("pending", "Waiting for approval"),
                            ("held", "Held"),
                            ("approved", "Approved"),
                            ("paid", "Paid"),
                            ("failed", "Failed"),
                        ],
                        default="pending",
                        editable=False,
                        max_length=8,
                        verbose_name="status",
                    ),
                ),
                ("amount_minor", models.BigIntegerField(editable=False, verbose_name="amount")),
                ("currency", core.money.CurrencyField(default="USD", editable=False, max_length=3, verbose_name="currency")),
                ("processor", models.CharField(editable=False, max_length=20, verbose_name="processor")),
                ("destination", core.crypto.EncryptedField(help_text="JSON of the payout account as it was.")),
                ("destination_hint", models.CharField(editable=False, max_length=160, verbose_name="account")),
                ("status_reason", models.TextField(blank=True, editable=False, verbose_name="reason")),
                (
                    "reference",
                    models.CharField(
                        blank=True, editable=False, help_text="Of the transfer.", max_length=140, verbose_name="reference"
                    ),
                ),
                ("approved_at", models.DateTimeField(editable=False, null=True, verbose_name="approved")),
                ("settled_at", models.DateTimeField(editable=False, null=True, verbose_name="paid or failed")),
                (
                    "partner",
                    models.ForeignKey(
                        editable=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="partners.partner"
                    ),
                ),
            ],
            options={
                "verbose_name": "payout",
                "ordering": ["-id"],
                "indexes": [
                    models.Index(fields=["partner", "environment", "-id"], name="payout_of_partner"),
                    models.Index(fields=["status", "-id"], name="payout_by_status"),
                ],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("environment", "live")), name="payout_live_only"),
                    models.CheckConstraint(condition=models.Q(("amount_minor__gt", 0)), name="payout_positive"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("approved_at__isnull", False), ("settled_at__isnull", False), ("status__in", ["paid", "failed"])
                            ),
                            models.Q(("approved_at__isnull", False), ("settled_at__isnull", True), ("status", "approved")),
                            models.Q(("settled_at__isnull", True), ("status__in", ["pending", "held"])),
                            _connector="OR",
                        ),
                        name="payout_dates",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PayoutAccount",
            fields=[
                ("id", models.UUIDField(default=core.ids.new, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(default=core.clock.now, editable=False)),
                ("environment", models.CharField(choices=[("live", "Live"), ("test", "Test")], editable=False, max_length=4)),
                (
                    "method",
                    models.CharField(
                        choices=[("manual", "Bank transfer")], default="manual", max_length=10, verbose_name="method"
                    ),
                ),
                ("holder", models.CharField(max_length=140, verbose_name="account holder")),
                ("account_number", core.crypto.EncryptedField(verbose_name="IBAN or account number")),
                ("bank_code", models.CharField(blank=True, max_length=20, verbose_name="BIC or routing number")),
                ("country", models.CharField(max_length=2, verbose_name="country")),
                ("hint", models.CharField(editable=False, max_length=8, verbose_name="account")),
                (
                    "partner",
                    models.ForeignKey(
                        editable=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="partners.partner"
                    ),
                ),
            ],
            options={
                "verbose_name": "payout account",
                "constraints": [models.UniqueConstraint(fields=("partner", "environment"), name="payout_account_once")],
            },
        ),
        migrations.CreateModel(
            name="Price",
            fields=[
                ("id", models.UUIDField(default=core.ids.new, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(default=core.clock.now, editable=False)),
                (
                    "meter",
                    models.CharField(
                        choices=[
                            ("api_calls", "API calls"),
                            ("bytes_out", "Data sent, in bytes"),
                            ("bytes_in", "Data received, in bytes"),
                        ],
                        max_length=40,
                        verbose_name="meter",
                    ),
                ),
                ("name", models.CharField(help_text="As it stands on invoices.", max_length=80, verbose_name="name")),
                (
                    "model",
                    models.CharField(
                        choices=[("flat", "flat"), ("per_unit", "per unit"), ("graduated", "graduated"), ("volume", "volume")],
                        default="per_unit",
                        max_length=10,
                        verbose_name="model",
                    ),
                ),
                ("currency", core.money.CurrencyField(default="USD", max_length=3, verbose_name="currency")),
                (
                    "unit_amount",
                    models.DecimalField(
                        blank=True,
                        decimal_places=10,
                        max_digits=20,
                        null=True,
                        validators=[django.core.validators.MinValueValidator(Decimal("0"))],
                        verbose_name="amount a unit",
                    ),
                ),
                (
                    "flat_amount",
                    models.DecimalField(
                        blank=True,
                        decimal_places=10,
                        max_digits=20,
                        null=True,
                        validators=[django.core.validators.MinValueValidator(Decimal("0"))],
                        verbose_name="flat amount",
                    ),
                ),
                (
                    "unit_size",
                    models.BigIntegerField(
                        default=1,
                        help_text="1000000000 prices bytes by the GB.",
                        validators=[django.core.validators.MinValueValidator(1)],
                        verbose_name="size of a unit",
                    ),
                ),
                (
                    "tiers",
                    models.JSONField(
                        blank=True,
                        default=list,
                        encoder=django.core.serializers.json.DjangoJSONEncoder,
                        help_text='Graduated and volume: [{"up_to": 1000, "unit_amount": "0.01"}, {"up_to": null, "unit_amount": "0.008"}]',
                        verbose_name="tiers",
                    ),
                ),
                ("valid_from", models.DateTimeField(verbose_name="valid from")),
                ("valid_until", models.DateTimeField(blank=True, null=True, verbose_name="valid until")),
            ],
            options={
                "verbose_name": "price",
                "ordering": ["meter", "-valid_from"],
                "constraints": [
                    django.contrib.postgres.constraints.ExclusionConstraint(
                        expressions=[
                            ("meter", "="),
                            (
                                models.Func(
                                    "valid_from",
                                    "valid_until",
                                    django.contrib.postgres.fields.ranges.RangeBoundary(),
                                    function="TSTZRANGE",
                                    output_field=django.contrib.postgres.fields.ranges.DateTimeRangeField(),
                                ),
                                "&&",
                            ),
                        ],
                        name="price_one_at_a_time",
                        violation_error_message="Another price of this meter holds in that time. End that one first.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("valid_until__isnull", True), ("valid_until__gt", models.F("valid_from")), _connector="OR"
                        ),
                        name="price_ends_later",
                    ),
                    models.CheckConstraint(condition=models.Q(("unit_size__gte", 1)), name="price_unit_size"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Transaction",
            fields=[
                ("id", models.UUIDField(default=core.ids.new, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(default=core.clock.now, editable=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("invoice_issued", "Invoice issued"),
                            ("invoice_paid", "Invoice paid"),
                            ("invoice_voided", "Invoice voided"),
                            ("invoice_written_off", "Invoice written off"),
                            ("earning_matured", "Earning available"),
                            ("payout_created", "Payout created"),
                            ("payout_paid", "Payout paid"),
                            ("payout_failed", "Payout failed"),
                        ],
                        editable=False,
                        max_length=20,
                        verbose_name="kind",
                    ),
                ),
                (
                    "source",
                    models.CharField(
                        editable=False, help_text="Public id of what moved the money.", max_length=80, verbose_name="source"
                    ),
                ),
                ("entry_count", models.PositiveSmallIntegerField(editable=False, help_text="How many entries it has, for ever.")),
                ("posted_at", models.DateTimeField(default=core.clock.now, editable=False, verbose_name="posted")),
            ],
            options={
                "verbose_name": "ledger transaction",
                "ordering": ["-id"],
                "constraints": [
                    models.UniqueConstraint(fields=("source", "kind"), name="transaction_once"),
                    models.CheckConstraint(condition=models.Q(("entry_count__gte", 2)), name="transaction_two_entries"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Entry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("amount_minor", models.BigIntegerField(editable=False, verbose_name="amount")),
                (
                    "account",
                    models.ForeignKey(
                        editable=False, on_delete=django.db.models.deletion.PROTECT, related_name="entries", to="billing.account"
                    ),
                ),
                (
                    "transaction",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="entries",
                        to="billing.transaction",
                    ),
                ),
            ],
            options={
                "verbose_name": "ledger entry",
                "verbose_name_plural": "ledger entries",
                "indexes": [models.Index(fields=["account"], include=("amount_minor",), name="entry_balance")],
                "constraints": [
                    models.UniqueConstraint(fields=("transaction", "account"), name="entry_once"),
                    models.CheckConstraint(condition=models.Q(("amount_minor", 0), _negated=True), name="entry_not_zero"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Invoice",
            fields=[
                ("id", models.UUIDField(default=core.ids.new, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(default=core.clock.now, editable=False)),
                ("environment", models.CharField(choices=[("live", "Live"), ("test", "Test")], editable=False, max_length=4)),
                ("number", models.CharField(editable=False, max_length=40, null=True, unique=True, verbose_name="number")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("draft", "Draft"),
                            ("open", "Open"),
                            ("paid", "Paid"),
                            ("overdue", "Overdue"),
                            ("uncollectible", "Uncollectible"),
                            ("void", "Void"),
                        ],
                        default="draft",
                        editable=False,
                        max_length=13,
                        verbose_name="status",
                    ),
                ),
                ("currency", core.money.CurrencyField(default="USD", editable=False, max_length=3, verbose_name="currency")),
                ("total_minor", models.BigIntegerField(editable=False, verbose_name="total")),
                ("period_start", models.DateTimeField(editable=False, verbose_name="from")),
                ("period_end", models.DateTimeField(editable=False, verbose_name="until")),
                ("issued_at", models.DateTimeField(editable=False, null=True, verbose_name="issued")),
                ("due_at", models.DateTimeField(editable=False, null=True, verbose_name="due")),
                ("paid_at", models.DateTimeField(editable=False, null=True, verbose_name="paid")),
                (
                    "closed_reason",
                    models.TextField(
                        blank=True, editable=False, help_text="Why it was voided or written off.", verbose_name="reason"
                    ),
                ),
                (
                    "closing",
                    models.ForeignKey(
                        editable=False, on_delete=django.db.models.deletion.PROTECT, related_name="invoices", to="billing.closing"
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
                "verbose_name": "invoice",
                "ordering": ["-id"],
                "indexes": [
                    models.Index(fields=["partner", "environment", "-id"], name="invoice_of_partner"),
                    models.Index(condition=models.Q(("status", "open")), fields=["due_at"], name="invoice_due"),
                    models.Index(fields=["status", "-id"], name="invoice_by_status"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("closing", "currency"), name="invoice_once"),
                    models.CheckConstraint(condition=models.Q(("environment", "live")), name="invoice_live_only"),
                    models.CheckConstraint(condition=models.Q(("total_minor__gt", 0)), name="invoice_positive"),
                    models.CheckConstraint(
                        condition=models.Q(("period_end__gt", models.F("period_start"))), name="invoice_period"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("issued_at__isnull", True), ("number__isnull", True), ("status", "draft")),
                            models.Q(
                                models.Q(("status", "draft"), _negated=True),
                                ("due_at__isnull", False),
                                ("issued_at__isnull", False),
                                ("number__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="invoice_numbered_when_issued",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("paid_at__isnull", False), ("status", "paid")),
                            models.Q(models.Q(("status", "paid"), _negated=True), ("paid_at__isnull", True)),
                            _connector="OR",
                        ),
                        name="invoice_paid_at",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Line",
            fields=[
                ("id", models.UUIDField(default=core.ids.new, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(default=core.clock.now, editable=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[("usage", "Usage"), ("integration", "Integration"), ("subscription", "Subscription")],
                        editable=False,
                        max_length=12,
                        verbose_name="kind",
                    ),
                ),
                ("description", models.CharField(editable=False, max_length=200, verbose_name="description")),
                ("meter", models.CharField(blank=True, editable=False, max_length=40, verbose_name="meter")),
                ("target", models.UUIDField(editable=False, help_text="The integration that was called.", null=True)),
                ("quantity", models.BigIntegerField(editable=False, verbose_name="quantity")),
                (
                    "unit_amount",
                    models.DecimalField(
                        decimal_places=10,
                        editable=False,
                        help_text="Empty where tiers apply.",
                        max_digits=20,
                        null=True,
                        verbose_name="amount a unit",
                    ),
                ),
                ("amount_minor", models.BigIntegerField(editable=False, verbose_name="amount")),
                ("period_start", models.DateTimeField(editable=False, verbose_name="from")),
                ("period_end", models.DateTimeField(editable=False, verbose_name="until")),
                (
                    "invoice",
                    models.ForeignKey(
                        editable=False, on_delete=django.db.models.deletion.PROTECT, related_name="lines", to="billing.invoice"
                    ),
                ),
                (
                    "tier",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="partners.tier",
                    ),
                ),
                (
                    "price",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lines",
                        to="billing.price",
                    ),
                ),
            ],
            options={
                "verbose_name": "invoice line",
                "ordering": ["id"],
                "indexes": [models.Index(fields=["kind", "target", "period_start"], name="line_charged_so_far")],
            },
        ),
        migrations.CreateModel(
            name="Payment",
            fields=[
                ("id", models.UUIDField(default=core.ids.new, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(default=core.clock.now, editable=False)),
                ("amount_minor", models.BigIntegerField(editable=False, verbose_name="amount")),
                ("currency", core.money.CurrencyField(default="USD", editable=False, max_length=3, verbose_name="currency")),
                ("processor", models.CharField(editable=False, max_length=20, verbose_name="processor")),
                ("reference", models.CharField(blank=True, editable=False, max_length=140, verbose_name="reference")),
                ("received_at", models.DateTimeField(default=core.clock.now, editable=False, verbose_name="received")),
                (
                    "invoice",
                    models.OneToOneField(
                        editable=False, on_delete=django.db.models.deletion.PROTECT, related_name="payment", to="billing.invoice"
                    ),
                ),
            ],
            options={
                "verbose_name": "payment",
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="Earning",
            fields=[
                ("id", models.UUIDField(default=core.ids.new, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(default=core.clock.now, editable=False)),
                ("environment", models.CharField(choices=[("live", "Live"), ("test", "Test")], editable=False, max_length=4)),
                (
                    "kind",
                    models.CharField(
                        choices=[("marketplace_sale", "Marketplace sale"), ("reversal", "Reversal")],
                        editable=False,
                        max_length=16,
                        verbose_name="kind",
                    ),
                ),
                ("description", models.CharField(editable=False, max_length=200, verbose_name="description")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("pending", "In hold"),
                            ("available", "Available"),
                            ("in_payout", "In payout"),
                            ("paid", "Paid out"),
                            ("reversed", "Reversed"),
                        ],
                        default="pending",
                        editable=False,
                        max_length=9,
                        verbose_name="status",
                    ),
                ),
                ("currency", core.money.CurrencyField(default="USD", editable=False, max_length=3, verbose_name="currency")),
                ("gross_minor", models.BigIntegerField(editable=False, verbose_name="price")),
                ("fee_minor", models.BigIntegerField(editable=False, verbose_name="fee")),
                ("amount_minor", models.BigIntegerField(editable=False, verbose_name="earning")),
                (
                    "fee_rate",
                    models.DecimalField(
                        decimal_places=4, default=Decimal("0"), editable=False, max_digits=5, verbose_name="fee rate"
                    ),
                ),
                ("available_at", models.DateTimeField(editable=False, verbose_name="available from")),
                (
                    "partner",
                    models.ForeignKey(
                        editable=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="partners.partner"
                    ),
                ),
                (
                    "reverses",
                    models.OneToOneField(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reversal",
                        to="billing.earning",
                    ),
                ),
                (
                    "line",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="earnings",
                        to="billing.line",
                    ),
                ),
            ],
            options={
                "verbose_name": "earning",
                "ordering": ["-id"],
                "indexes": [
                    models.Index(fields=["partner", "environment", "-id"], name="earning_of_partner"),
                    models.Index(condition=models.Q(("status", "pending")), fields=["available_at"], name="earning_in_hold"),
                    models.Index(condition=models.Q(("status", "available")), fields=["partner"], name="earning_payable"),
                    models.Index(fields=["status", "-id"], name="earning_by_status"),
                ],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("environment", "live")), name="earning_live_only"),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "gross_minor",
                                django.db.models.expressions.CombinedExpression(
                                    models.F("fee_minor"), "+", models.F("amount_minor")
                                ),
                            )
                        ),
                        name="earning_splits_exactly",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("kind", "marketplace_sale")), fields=("line",), name="earning_once_a_line"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind", "marketplace_sale"), ("line__isnull", False)),
                            models.Q(("kind", "reversal"), ("reverses__isnull", False)),
                            _connector="OR",
                        ),
                        name="earning_has_a_source",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PayoutItem",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("is_released", models.BooleanField(default=False, editable=False)),
                (
                    "earning",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="payout_items",
                        to="billing.earning",
                    ),
                ),
                (
                    "payout",
                    models.ForeignKey(
                        editable=False, on_delete=django.db.models.deletion.PROTECT, related_name="items", to="billing.payout"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("payout", "earning"), name="payout_item_once"),
                    models.UniqueConstraint(
                        condition=models.Q(("is_released", False)), fields=("earning",), name="earning_in_one_payout"
                    ),
                ],
            },
        ),
        migrations.RunSQL(LEDGER, LEDGER_UNDONE),
        migrations.RunPython(seed, migrations.RunPython.noop),
    ]

"""A partner's overview on the wire."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from billing.api.serializers import BalanceSerializer
from core.api.serializers import MoneyField, Strict
from partners.api.onboarding_serializers import ProgressSerializer
from partners.api.serializers import ActivitySerializer

LATENCY = {
    "type": "object",
    "description": "Milliseconds; null without calls.",
    "properties": {name: {"type": ["number", "null"]} for name in ("p50", "p95", "p99")},
}


class DashboardQuotaSerializer(Strict):
    """Calls that count towards the tier's monthly quota; `limit` is null where there is none."""

    limit = serializers.IntegerField(source="quota", read_only=True, allow_null=True)
    used = serializers.IntegerField(source="month.metered", read_only=True)


class DashboardUsageSerializer(Strict):
    """Calls of the calling environment: of this month (UTC) and of ever. `errors` are answers of 400 and above."""

    requests = serializers.IntegerField(source="month.requests", read_only=True)
    requests_ever = serializers.IntegerField(source="ever", read_only=True)
    errors: Any = serializers.IntegerField(source="month.errors", read_only=True)
    error_rate = serializers.FloatField(source="month.error_rate", read_only=True, allow_null=True)
    latency = serializers.SerializerMethodField()
    quota = DashboardQuotaSerializer(source="*", read_only=True)

    @extend_schema_field(LATENCY)
    def get_latency(self, usage: Any) -> Any:
        return {name: usage.month.latency[name] for name in ("p50", "p95", "p99")}


class DashboardKeysSerializer(Strict):
    """Keys of the calling environment: how many work, and how many of those expire within two weeks."""

    usable = serializers.IntegerField(read_only=True)
    expiring = serializers.IntegerField(read_only=True)
    last_used_at = serializers.DateTimeField(read_only=True, allow_null=True)


class DashboardWebhooksSerializer(Strict):
    """Endpoints by state, and deliveries that were given up in the last seven days (at most 1,000 are counted)."""

    active = serializers.IntegerField(read_only=True)
    paused = serializers.IntegerField(read_only=True)
    disabled = serializers.IntegerField(read_only=True)
    failed_deliveries = serializers.IntegerField(source="failed", read_only=True)


class RevenueSerializer(Strict):
    """What the marketplace earned in one currency."""

    month = MoneyField(read_only=True)
    ever = MoneyField(read_only=True)


class FinancesSerializer(Strict):
    """Money, a row for each currency."""

    revenue = RevenueSerializer(many=True, read_only=True)
    balances = BalanceSerializer(many=True, read_only=True)
    overdue_invoices = serializers.IntegerField(source="overdue", read_only=True)


class TaskSerializer(Strict):
    """One thing to do next. `severity`: `bad` hurts now, `warn` soon, `info` is for whenever; `url`: where people do it."""

    code = serializers.CharField(read_only=True)
    text = serializers.CharField(read_only=True)
    severity = serializers.ChoiceField(["bad", "warn", "info"], source="tone", read_only=True)
    url = serializers.SerializerMethodField()

    @extend_schema_field({"type": "string", "format": "uri"})
    def get_url(self, task: Any) -> str:
        return f"{self.context['base_url']}{task.url}"


class DashboardSerializer(Strict):
    """How the partner stands. `finances` is null without the scope `billing:read`."""

    usage = DashboardUsageSerializer(read_only=True)
    keys = DashboardKeysSerializer(read_only=True)
    webhooks = DashboardWebhooksSerializer(read_only=True)
    finances = FinancesSerializer(read_only=True, allow_null=True)
    onboarding = ProgressSerializer(read_only=True)
    todo = TaskSerializer(many=True, read_only=True)
    recent_activity = ActivitySerializer(many=True, read_only=True)

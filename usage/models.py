"""Calls, their rollups, and what the ingester must remember between batches."""

from typing import Any, ClassVar, Self
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q, Sum
from django.db.models.functions import Greatest
from django.utils.translation import gettext_lazy as _

from core import clock, ids
from core.listing import Seeking
from core.models import EntityQuerySet, Environment
from partners.models import Partner
from usage.periods import Period


class CallQuerySet(Seeking, EntityQuerySet["Call"]):
    """Reads of the log; what is looked for without an index is `sought`, see `core.listing.stretch`."""

    def for_caller(self, partner: Any, environment: str) -> Self:
        """Only this partner's calls in this environment."""
        return self.filter(partner_id=getattr(partner, "pk", partner), environment=environment)

    def within(self, period: Period) -> Self:
        """Those that came in during the period; by their ids, so that only its partitions are read."""
        return self.filter(pk__gte=ids.earliest(period.start), pk__lt=ids.earliest(period.end))

    def failed(self) -> Self:
        """Those that were answered with 400 and above."""
        return self.filter(status__gte=400)


class Call(models.Model):
    """One call that the gateway answered. Partitioned by time over its id, so that one can't be there twice.

    No foreign keys: a call outlives its key, and a batch isn't held up by look-ups.
    """

    id_prefix = "call"
    caller: str | None = None
    """The public id of its key or application, once `usage.log` has named it."""

    id = models.UUIDField(primary_key=True, editable=False)
    at = models.DateTimeField(_("time"), editable=False)
    partner_id = models.UUIDField(null=True, editable=False)
    environment = models.CharField(_("environment"), max_length=4, choices=Environment, editable=False)
    credential_id = models.UUIDField(null=True, editable=False, help_text=_("Of the key, application or operator's token."))
    integration_id = models.UUIDField(null=True, editable=False, help_text=_("Empty for the platform's own API."))
    operation = models.TextField(_("operation"), editable=False)
    method = models.TextField(_("method"), editable=False)
    path = models.TextField(_("path"), editable=False)
    status = models.SmallIntegerField(_("status"), editable=False)
    code = models.TextField(_("problem"), editable=False)
    latency_us = models.IntegerField(_("latency in µs"), editable=False)
    bytes_in = models.BigIntegerField(_("bytes in"), editable=False)
    bytes_out = models.BigIntegerField(_("bytes out"), editable=False)
    address = models.GenericIPAddressField(_("address"), null=True, editable=False)
    user_agent = models.TextField(_("user agent"), editable=False)
    client_request_id = models.TextField(_("client's request id"), editable=False)
    metered = models.BooleanField(_("metered"), editable=False)
    carried_at = models.DateTimeField(_("completed"), null=True, editable=False)

    objects: ClassVar = CallQuerySet.as_manager()

    class Meta:
        verbose_name = _("call")
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["partner_id", "environment", "-id"], name="call_of_partner"),
            models.Index(fields=["partner_id", "environment", "-id"], condition=Q(status__gte=400), name="call_failed"),
            models.Index(fields=["credential_id", "-id"], name="call_of_credential"),
            models.Index(fields=["client_request_id", "-id"], condition=~Q(client_request_id=""), name="call_by_client_id"),
            models.Index(fields=["-id"], condition=Q(environment="test"), name="call_in_test"),
            models.Index(fields=["-id"], condition=Q(status__gte=400), name="call_refused"),
            models.Index(fields=["-id"], condition=Q(status__gte=500), name="call_broken"),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def public_id(self) -> str:
        """The id outside the database; the `X-Request-Id` of its answer."""
        return ids.encode(self.id_prefix, self.pk)

    @property
    def latency_ms(self) -> float:
        """How long it took, in ms."""
        return self.latency_us / 1000


class BodiesQuerySet(EntityQuerySet["Bodies"]):
    def for_caller(self, partner: Any, environment: str) -> Self:
        """Only this partner's; there are none but of test calls."""
        own = self.filter(partner_id=getattr(partner, "pk", partner))
        return own if environment == Environment.TEST else own.none()


class Bodies(models.Model):
    """What a failed test call sent and was answered, without what looks like a secret; under the call's own id.

    Kept for a week, partitioned by day, and only while the partner wants it (`Partner.keeps_test_bodies`).
    """

    id_prefix = "call"

    id = models.UUIDField(primary_key=True, editable=False)
    partner_id = models.UUIDField(editable=False)
    request = models.TextField(_("request body"), editable=False)
    request_cut = models.BooleanField(_("request body is longer"), editable=False)
    response = models.TextField(_("response body"), editable=False)
    response_cut = models.BooleanField(_("response body is longer"), editable=False)

    objects: ClassVar = BodiesQuerySet.as_manager()

    class Meta:
        verbose_name = _("bodies of a call")
        verbose_name_plural = _("bodies of calls")
        indexes = [models.Index(fields=["partner_id"], name="usage_bodies_of_partner")]

    def __str__(self) -> str:
        return ids.encode(self.id_prefix, self.pk)


class RollupQuerySet(models.QuerySet[Any]):
    def for_caller(self, partner: Any, environment: str) -> Self:
        """Only this partner's numbers in this environment."""
        return self.filter(partner_id=getattr(partner, "pk", partner), environment=environment)

    def within(self, period: Period) -> Self:
        """Those that begin in the period."""
        return self.filter(at__gte=period.start, at__lt=period.end)

    def metered(self) -> int:
        """How many metered calls they hold."""
        return int(self.aggregate(total=Sum("metered"))["total"] or 0)

    def metered_by_integration(self) -> dict[UUID | None, int]:
        """Metered calls of each integration; of the platform's own API under None."""
        rows = self.order_by().values_list("integration_id").annotate(total=Sum("metered")).filter(total__gt=0)
        return {integration: int(total) for integration, total in rows}


class Rollup(models.Model):
    """Calls with the same facts in one span of time. Latencies are a histogram: `latency_counts[i]` calls fell into bucket
    `latency_buckets[i]` of `usage.histograms`, so that rollups add up to any longer span."""

    at = models.DateTimeField(editable=False)
    partner_id = models.UUIDField(null=True, editable=False)
    environment = models.CharField(max_length=4, editable=False)
    credential_id = models.UUIDField(null=True, editable=False)
    integration_id = models.UUIDField(null=True, editable=False)
    operation = models.TextField(editable=False)
    status = models.SmallIntegerField(editable=False)
    code = models.TextField(editable=False)
    requests = models.BigIntegerField(editable=False)
    metered = models.BigIntegerField(editable=False)
    bytes_in = models.BigIntegerField(editable=False)
    bytes_out = models.BigIntegerField(editable=False)
    latency_buckets = ArrayField(models.SmallIntegerField(), editable=False)
    latency_counts = ArrayField(models.IntegerField(), editable=False)

    objects: ClassVar = RollupQuerySet.as_manager()

    class Meta:
        abstract = True
        ordering = ["-at"]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.operation} {self.status}: {self.requests}"


FACTS = ["partner_id", "environment", "at", "credential_id", "integration_id", "operation", "status", "code"]


class HourRollup(Rollup):
    """Kept for ever: the one place from which partners, operators and invoices get their totals."""

    class Meta(Rollup.Meta):
        verbose_name = _("hour of calls")
        verbose_name_plural = _("hours of calls")
        constraints = [models.UniqueConstraint(fields=FACTS, name="usage_hour_once", nulls_distinct=False)]
        indexes = [
            models.Index(fields=["at"], name="usage_hour_at"),
            models.Index(fields=["at", "id"], condition=Q(environment="test"), name="usage_hour_in_test"),
        ]


class MinuteRollup(Rollup):
    """Kept for two days: what happens now."""

    class Meta(Rollup.Meta):
        constraints = [models.UniqueConstraint(fields=FACTS, name="usage_minute_once", nulls_distinct=False)]
        indexes = [
            models.Index(fields=["at"], name="usage_minute_at"),
            models.Index(fields=["at"], condition=Q(status__gte=400), name="usage_minute_failed"),
        ]


class Position(models.Model):
    """The last stream entry whose calls are in the tables; written in their transaction."""

    stream = models.TextField(primary_key=True)
    entry = models.TextField(default="0-0")

    def __str__(self) -> str:
        return f"{self.stream} {self.entry}"


class TallyQuerySet(models.QuerySet["Tally"]):
    def for_caller(self, partner: Any, environment: str) -> Self:
        """Only this partner's in this environment."""
        return self.filter(partner_id=getattr(partner, "pk", partner), environment=environment)

    def within(self, period: Period) -> Self:
        """Of gateway processes that were found dead in the period."""
        return self.filter(closed_at__gte=period.start, closed_at__lt=period.end)

    def unknown(self) -> int:
        """How many calls they admitted and never told about."""
        return int(self.aggregate(total=Sum(Greatest(F("admitted") - F("recorded"), 0)))["total"] or 0)


class Tally(models.Model):
    """One partner's metered calls through one gateway process (its epoch): recorded here, and admitted there.

    `admitted` is known once the process is gone. The difference is known by number only: shown, never billed.
    """

    epoch = models.TextField(editable=False)
    partner_id = models.UUIDField(editable=False)
    environment = models.CharField(max_length=4, editable=False)
    recorded = models.BigIntegerField(default=0, editable=False)
    admitted = models.BigIntegerField(null=True, editable=False)
    seen_at = models.DateTimeField(default=clock.now, editable=False)
    closed_at = models.DateTimeField(null=True, editable=False)

    objects: ClassVar = TallyQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["epoch", "partner_id", "environment"], name="usage_tally_once"),
            models.CheckConstraint(condition=Q(closed_at=None) | Q(admitted__isnull=False), name="usage_tally_closed"),
        ]
        indexes = [models.Index(fields=["partner_id", "environment", "closed_at"], name="usage_tally_of_partner")]

    def __str__(self) -> str:
        return f"{self.epoch} {self.partner_id}"


class QuotaAlert(models.Model):
    """The highest share of a month's quota of live calls that a partner was told of, so that each is told once."""

    partner = models.ForeignKey(Partner, on_delete=models.CASCADE, related_name="quota_alerts", editable=False)
    month = models.DateField(editable=False, help_text=_("Its first day, in UTC."))
    percent = models.PositiveSmallIntegerField(default=0, editable=False)
    told_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["partner", "month"], name="usage_quota_alert_once")]

    def __str__(self) -> str:
        return f"{self.partner_id} {self.month:%Y-%m}: {self.percent}%"

"""Endpoints that partners give, deliveries of events to them, the attempts made, and operators' own event types."""

from datetime import datetime
from typing import ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q, Value
from django.utils.translation import gettext_lazy as _

from core import clock
from core.crypto import EncryptedField
from core.indexes import trigrams
from core.listing import Seeking
from core.models import Entity, EntityQuerySet, Event, PartnerOwned, PartnerOwnedQuerySet
from webhooks.inspector_models import InspectedRequest as InspectedRequest
from webhooks.inspector_models import Inspector as Inspector
from webhooks.tally_models import Tally as Tally

EVENT_TYPE_NAME = r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+\Z"
NAME_ADVICE = _("Write it like course.completed.")
FASTEST = 1_000
"""Deliveries a second that an endpoint's own limit may allow."""
MOST_AT_ONCE = 20
"""Posts at once that an endpoint may ask for."""


class Halt(Entity):
    """All webhooks of a partner are paused by an operator, for a reason that the partner reads; gone when they go on."""

    id_prefix = "hlt"

    partner = models.OneToOneField("partners.Partner", on_delete=models.CASCADE, related_name="+", editable=False)
    reason = models.CharField(_("reason"), max_length=2_000, editable=False)

    objects: ClassVar = EntityQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.reason


class EndpointQuerySet(PartnerOwnedQuerySet["Endpoint"]):
    def present(self) -> Self:
        """Without the removed ones."""
        return self.exclude(status=Endpoint.Status.REMOVED)


class Endpoint(PartnerOwned):
    """An address of a partner that is told of events; see `webhooks.endpoints` for what can happen to it."""

    class Status(models.TextChoices):
        ACTIVE = "active", _("Active")
        PAUSED = "paused", _("Paused")
        DISABLED = "disabled", _("Disabled")
        REMOVED = "removed", _("Removed")

    class Signature(models.TextChoices):
        HMAC = "hmac", _("Shared secret (HMAC-SHA-256)")
        ED25519 = "ed25519", _("Public key (Ed25519)")

    TRANSITIONS = {
        Status.ACTIVE: {Status.PAUSED, Status.DISABLED, Status.REMOVED},
        Status.PAUSED: {Status.ACTIVE, Status.DISABLED, Status.REMOVED},
        Status.DISABLED: {Status.ACTIVE, Status.REMOVED},
    }

    id_prefix = "whk"

    url = models.CharField(_("URL"), max_length=2_000)
    event_types = ArrayField(models.CharField(max_length=80), verbose_name=_("event types"))
    description = models.CharField(_("description"), max_length=200, blank=True)
    filter = models.JSONField(_("filter"), default=dict, db_default=Value({}, models.JSONField()), blank=True)
    headers = EncryptedField(null=True, editable=False, help_text=_("Names and values, as `webhooks.own_headers` has them."))
    rate_per_second = models.PositiveSmallIntegerField(_("deliveries a second"), null=True, help_text=_("None is no limit."))
    concurrency = models.PositiveSmallIntegerField(_("posts at once"), null=True, help_text=_("None is the platform's."))
    fifo = models.BooleanField(_("in order"), default=False, db_default=False, help_text=_("See `webhooks.lanes`."))
    status = models.CharField(_("status"), max_length=8, choices=Status, default=Status.ACTIVE, editable=False)
    status_reason = models.CharField(_("reason"), max_length=300, blank=True, editable=False)
    signature = models.CharField(_("signature"), max_length=7, choices=Signature, default=Signature.HMAC, editable=False)
    # The shared secret or the private key (`webhooks.signing`); the public key of the latter stands beside it.
    secret = EncryptedField(editable=False)
    public_key = models.CharField(_("public key"), max_length=60, blank=True, editable=False)
    previous_secret = EncryptedField(null=True, editable=False)
    previous_public_key = models.CharField(_("previous public key"), max_length=60, blank=True, editable=False)
    previous_secret_until = models.DateTimeField(null=True, editable=False)
    halt = models.ForeignKey(Halt, null=True, on_delete=models.SET_NULL, related_name="endpoints", editable=False)

    objects: ClassVar = EndpointQuerySet.as_manager()

    class Meta:
        verbose_name = _("webhook endpoint")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(event_types__len__gt=0), name="endpoint_wants_something"),
            models.CheckConstraint(
                condition=Q(previous_secret__isnull=True, previous_secret_until__isnull=True)
                | Q(previous_secret__isnull=False, previous_secret_until__isnull=False),
                name="endpoint_previous_secret_ends",
            ),
            models.CheckConstraint(
                condition=Q(rate_per_second__isnull=True) | Q(rate_per_second__range=(1, FASTEST)), name="endpoint_rate_in_bounds"
            ),
            models.CheckConstraint(
                condition=Q(concurrency__isnull=True) | Q(concurrency__range=(1, MOST_AT_ONCE)),
                name="endpoint_concurrency_in_bounds",
            ),
        ]
        indexes = [
            models.Index(fields=["partner", "environment", "-id"], name="endpoint_of_partner"),
            models.Index(fields=["status", "-id"], name="endpoint_by_status"),
            trigrams("url", name="endpoint_url_part"),
        ]

    def __str__(self) -> str:
        return self.url

    @property
    def overlaps_until(self) -> datetime | None:
        """Until when the signature of before is sent too; None if it isn't."""
        until = self.previous_secret_until
        return until if until and until > clock.now() else None


class Pace(models.Model):
    """How far an endpoint with a limit of its own has used it up; see `webhooks.pace`."""

    endpoint = models.OneToOneField(Endpoint, on_delete=models.CASCADE, primary_key=True, related_name="+")
    next_at = models.DateTimeField(help_text=_("When the next post would go out at an even pace."))
    queue_ends_at = models.DateTimeField(help_text=_("The end of the queue of those that have a time of their own."))

    def __str__(self) -> str:
        return str(self.pk)


class HealthQuerySet(models.QuerySet["Health"]):
    def opened(self) -> Self:
        """Of endpoints that are sent nothing but probes."""
        return self.filter(opened_at__isnull=False)

    def due(self) -> Self:
        """Those that the loop has to look at."""
        return self.filter(look_at__lte=clock.now())


class Health(models.Model):
    """How an endpoint that has failed does since: its circuit, and what its team was told; see `webhooks.circuits`."""

    endpoint = models.OneToOneField(Endpoint, on_delete=models.CASCADE, primary_key=True, related_name="health")
    failures = models.PositiveIntegerField(default=0, help_text=_("Attempts that failed since the last that succeeded."))
    failing_since = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=500, blank=True)
    opened_at = models.DateTimeField(null=True, help_text=_("Since when nothing but probes is sent."))
    step = models.PositiveSmallIntegerField(default=0, help_text=_("How many probes have failed."))
    probe = models.UUIDField(null=True, help_text=_("The delivery that is sent to see whether the endpoint works again."))
    look_at = models.DateTimeField(null=True, help_text=_("When the loop looks: for a probe, or for what was left held."))
    told_at = models.DateTimeField(null=True)
    announced_at = models.DateTimeField(null=True)

    objects: ClassVar = HealthQuerySet.as_manager()

    class Meta:
        verbose_name_plural = _("health")
        indexes = [
            models.Index(fields=["look_at"], condition=Q(look_at__isnull=False), name="health_due"),
            models.Index(fields=["failing_since"], condition=Q(failing_since__isnull=False), name="health_failing"),
        ]

    def __str__(self) -> str:
        return str(self.pk)


class ReplayQuerySet(PartnerOwnedQuerySet["Replay"]):
    def open(self) -> Self:
        """Those that are not over, oldest first."""
        return self.filter(status__in=Replay.OPEN).order_by("id")


class Replay(PartnerOwned):
    """A sending again of many deliveries to one endpoint, in batches; see `webhooks.replays`."""

    class Status(models.TextChoices):
        QUEUEING = "queueing", _("Queueing")
        SENDING = "sending", _("Sending")
        FINISHED = "finished", _("Finished")
        CANCELLED = "cancelled", _("Cancelled")

    TRANSITIONS = {
        Status.QUEUEING: {Status.SENDING, Status.CANCELLED},
        Status.SENDING: {Status.FINISHED, Status.CANCELLED},
    }
    OPEN = (Status.QUEUEING, Status.SENDING)

    id_prefix = "rpl"

    endpoint = models.ForeignKey(Endpoint, on_delete=models.PROTECT, related_name="replays", editable=False)
    since = models.DateTimeField(null=True, editable=False)
    until = models.DateTimeField(null=True, editable=False)
    event_types = ArrayField(models.CharField(max_length=80), default=list, editable=False)
    only_failed = models.BooleanField(default=False, editable=False)
    status = models.CharField(_("status"), max_length=9, choices=Status, default=Status.QUEUEING, editable=False)
    matched = models.PositiveIntegerField(_("matched"), editable=False)
    queued = models.PositiveIntegerField(_("queued"), default=0, editable=False)
    position = models.UUIDField(null=True, editable=False, help_text=_("The delivery up to which it has come, by id."))
    last = models.UUIDField(editable=False, help_text=_("The newest delivery when it was asked for."))
    finished_at = models.DateTimeField(_("finished"), null=True, editable=False)

    objects: ClassVar = ReplayQuerySet.as_manager()

    class Meta:
        verbose_name = _("webhook replay")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["endpoint"], condition=Q(status="queueing"), name="replay_one_at_a_time"),
        ]
        indexes = [
            models.Index(fields=["partner", "environment", "-id"], name="replay_of_partner"),
            models.Index(fields=["id"], condition=Q(status__in=["queueing", "sending"]), name="replay_open"),
        ]


class DeliveryQuerySet(Seeking, PartnerOwnedQuerySet["Delivery"]):
    """Reads of the log of deliveries; what is looked for without an index is `sought`, see `core.listing.stretch`."""

    def due(self) -> Self:
        """Those whose next attempt has come, or whose worker has not been heard of within its lease."""
        return self.filter(status=Delivery.Status.PENDING, due_at__lte=clock.now())


class Delivery(PartnerOwned):
    """One event on its way to one endpoint; `step` is its place in the schedule, which a resend starts anew."""

    class Status(models.TextChoices):
        PENDING = "pending", _("Pending")
        HELD = "held", _("Held")
        SUCCEEDED = "succeeded", _("Succeeded")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")

    id_prefix = "dlv"

    endpoint = models.ForeignKey(Endpoint, on_delete=models.PROTECT, related_name="deliveries", db_index=False, editable=False)
    event = models.ForeignKey(
        Event, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+", editable=False
    )
    event_type = models.CharField(_("event"), max_length=80, editable=False)
    status = models.CharField(_("status"), max_length=9, choices=Status, default=Status.PENDING, editable=False)
    step = models.PositiveSmallIntegerField(default=0, editable=False)
    attempt_count = models.PositiveIntegerField(_("attempts"), default=0, editable=False)
    due_at = models.DateTimeField(
        _("next attempt"),
        default=clock.now,
        editable=False,
        help_text=_("When the next attempt is due; while one runs, when its worker is given up for dead."),
    )
    last_attempt_at = models.DateTimeField(_("last attempt"), null=True, editable=False)
    status_code = models.PositiveSmallIntegerField(_("answer"), null=True, editable=False)
    explanation = models.CharField(_("explanation"), max_length=500, blank=True, editable=False)
    succeeded_at = models.DateTimeField(_("succeeded"), null=True, editable=False)
    replay = models.ForeignKey(
        Replay, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, null=True, related_name="+", editable=False
    )
    lane = models.CharField(
        max_length=82, default="", db_default="", editable=False, help_text=_("In which it goes in order; empty for none.")
    )
    place = models.BigIntegerField(
        null=True, editable=False, help_text=_("In its lane: the number under which its event was sealed.")
    )
    waits = models.BooleanField(
        default=False,
        db_default=False,
        editable=False,
        help_text=_("For its turn, in its lane or at the endpoint's pace; not for its place in the schedule."),
    )

    objects: ClassVar = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name = _("webhook delivery")
        verbose_name_plural = _("webhook deliveries")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["event", "endpoint"], name="delivery_once"),
            models.CheckConstraint(
                condition=Q(status="succeeded", succeeded_at__isnull=False) | ~Q(status="succeeded"), name="delivery_succeeded_at"
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(status="pending"), name="delivery_due"),
            models.Index(fields=["endpoint", "-id"], name="delivery_of_endpoint"),
            models.Index(fields=["endpoint"], condition=Q(status__in=["pending", "held"]), name="delivery_open"),
            models.Index(fields=["status", "-id"], condition=~Q(status="succeeded"), name="delivery_not_succeeded"),
            models.Index(fields=["-id"], condition=Q(environment="test"), name="delivery_in_test"),
            models.Index(fields=["partner", "environment", "-id"], name="delivery_of_partner"),
            models.Index(fields=["partner", "environment", "-id"], condition=Q(status="failed"), name="delivery_given_up"),
            models.Index(fields=["replay", "status"], condition=Q(replay__isnull=False), name="delivery_of_replay"),
            models.Index(
                fields=["endpoint", "lane", "place"],
                condition=Q(status__in=["pending", "held"]) & ~Q(lane=""),
                name="delivery_in_lane",
            ),
        ]

    @property
    def next_attempt_at(self) -> datetime | None:
        """When it is attempted next; None where nobody knows yet, or if it is not."""
        unknown = self.status != self.Status.PENDING or (self.waits and self.lane)
        return None if unknown else self.due_at


class AttemptQuerySet(EntityQuerySet["Attempt"]):
    def of(self, delivery: Delivery) -> Self:
        """The attempts of one delivery, oldest first."""
        return self.filter(delivery_id=delivery.pk).order_by("id")


class Attempt(Entity):
    """One POST and what came of it. Partitioned by time; rows go with their partition after the retention time."""

    id_prefix = "att"

    delivery = models.ForeignKey(Delivery, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+", editable=False)
    number = models.PositiveIntegerField(editable=False)
    url = models.CharField(max_length=2_000, editable=False)
    succeeded = models.BooleanField(editable=False)
    status_code = models.PositiveSmallIntegerField(null=True, editable=False)
    duration_ms = models.PositiveIntegerField(editable=False)
    request_headers = models.JSONField(default=dict, editable=False)
    response_headers = models.JSONField(default=dict, editable=False)
    response_body = models.TextField(blank=True, editable=False, help_text=_("The beginning of the answer."))
    explanation = models.CharField(max_length=500, editable=False)

    objects: ClassVar = AttemptQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]


class EventType(Entity):
    """A type that operators added to the catalogue, for facts of their own systems; see `webhooks.publishing`."""

    id_prefix = "evy"

    name = models.CharField(
        _("name"),
        max_length=80,
        unique=True,
        validators=[RegexValidator(EVENT_TYPE_NAME, NAME_ADVICE)],
    )
    description = models.CharField(_("description"), max_length=300)
    schema = models.JSONField(
        _("schema"), default=dict, blank=True, help_text=_("JSON Schema (draft 2020-12) of the event's data.")
    )
    example = models.JSONField(_("example"), default=dict, blank=True)
    version = models.PositiveSmallIntegerField(_("version"), default=1, db_default=1, editable=False)
    retired_at = models.DateTimeField(_("retired at"), null=True, editable=False)

    objects: ClassVar = EntityQuerySet.as_manager()

    class Meta:
        verbose_name = _("event type")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def state(self) -> str:
        """Whether it can be published: `in_use`, or `retired`."""
        return "retired" if self.retired_at else "in_use"


class EventTypeVersion(Entity):
    """What an operator's type was before its next version, for events that were written under it."""

    id_prefix = "etv"

    event_type = models.ForeignKey(EventType, on_delete=models.CASCADE, related_name="versions")
    version = models.PositiveSmallIntegerField()
    schema = models.JSONField()
    example = models.JSONField()

    objects: ClassVar = EntityQuerySet.as_manager()

    class Meta:
        ordering = ["-version"]
        constraints = [models.UniqueConstraint(fields=["event_type", "version"], name="event_type_version_once")]

    def __str__(self) -> str:
        return f"{self.event_type_id} v{self.version}"

"""Requests of partners, and what the operator set for each type of them."""

from datetime import datetime, timedelta
from typing import ClassVar, Self

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from core.models import Entity, EntityQuerySet, PartnerOwned, PartnerOwnedQuerySet

TYPE = RegexValidator(
    r"^[A-Za-z][A-Za-z0-9_.-]{0,63}\Z", _("A letter, then up to 63 letters, digits, dots, dashes and underscores.")
)


class RequestTypeQuerySet(EntityQuerySet["RequestType"]):
    def policy(self, name: str) -> "RequestType":
        """What holds for requests of this type: what the operator set, or else the defaults of the fields."""
        return self.filter(name=name).first() or RequestType(name=name)


class RequestType(Entity):
    """How requests of one type are treated. A type without a row is accepted too and has the fields' defaults."""

    id_prefix = "rty"

    name = models.CharField(_("type"), max_length=64, unique=True, validators=[TYPE])
    description = models.CharField(_("description"), max_length=200, blank=True)
    sla = models.DurationField(
        _("due after"), default=timedelta(hours=24), help_text=_("From submission to the end, as [days] hours:minutes:seconds.")
    )
    max_attempts = models.PositiveSmallIntegerField(
        _("attempts"), default=5, validators=[MinValueValidator(1), MaxValueValidator(100)]
    )
    backoff = models.DurationField(
        _("first pause"), default=timedelta(seconds=5), help_text=_("Before the second attempt; doubled for each further one.")
    )
    longest_backoff = models.DurationField(_("longest pause"), default=timedelta(hours=1))

    objects: ClassVar = RequestTypeQuerySet.as_manager()

    class Meta:
        verbose_name = _("request type")
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(condition=Q(sla__gt=timedelta(0)), name="request_type_sla_positive"),
            models.CheckConstraint(condition=Q(max_attempts__gte=1), name="request_type_tried_once"),
            models.CheckConstraint(condition=Q(longest_backoff__gte=F("backoff")), name="request_type_backoff_grows"),
        ]

    def __str__(self) -> str:
        return self.name

    def pause(self, attempts: int) -> timedelta:
        """How long to wait after this many attempts: exponential, never beyond the longest pause."""
        factor: int = 2 ** min(max(attempts - 1, 0), 30)
        return min(self.backoff * factor, self.longest_backoff)


class RequestQuerySet(PartnerOwnedQuerySet["Request"]):
    def due(self, at: datetime) -> Self:
        """Those that wait to be worked, and may be by now."""
        return self.filter(status=Request.Status.SUBMITTED, next_attempt_at__lte=at)

    def unfinished(self) -> Self:
        """Neither completed nor failed."""
        return self.filter(status__in=Request.OPEN)

    def abandoned(self, at: datetime) -> Self:
        """In work under a lease that has run out: whoever held it is dead or too slow."""
        return self.filter(status=Request.Status.PROCESSING, leased_until__lte=at)

    def newly_overdue(self, at: datetime) -> Self:
        """Past their due time without that having been said."""
        return self.unfinished().filter(breached_at=None, due_at__lte=at)


class Request(PartnerOwned):
    """Something a partner asks to be done; a handler of its type does it, or the operator's back end by API."""

    class Status(models.TextChoices):
        SUBMITTED = "SUBMITTED", _("Submitted")
        PROCESSING = "PROCESSING", _("Processing")
        COMPLETED = "COMPLETED", _("Completed")
        FAILED = "FAILED", _("Failed")

    OPEN = (Status.SUBMITTED, Status.PROCESSING)
    TRANSITIONS = {
        Status.SUBMITTED: {Status.PROCESSING, Status.FAILED},
        Status.PROCESSING: {Status.SUBMITTED, Status.COMPLETED, Status.FAILED},
        Status.FAILED: {Status.SUBMITTED},
    }

    id_prefix = "req"

    type = models.CharField(_("type"), max_length=64, validators=[TYPE], editable=False)
    payload = models.JSONField(_("payload"), null=True, editable=False)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.SUBMITTED, editable=False)
    progress = models.PositiveSmallIntegerField(_("progress"), default=0, editable=False)
    result = models.JSONField(_("result"), null=True, editable=False)
    error = models.JSONField(_("error"), null=True, editable=False)
    attempts = models.PositiveIntegerField(_("attempts"), default=0, editable=False)
    next_attempt_at = models.DateTimeField(_("next attempt"), editable=False)
    lease = models.UUIDField(null=True, editable=False, help_text=_("Held by whoever works on it; a result needs it."))
    leased_until = models.DateTimeField(null=True, editable=False)
    claimed_by = models.CharField(_("in work at"), max_length=200, blank=True, editable=False)
    claimant = models.UUIDField(null=True, editable=False, help_text=_("The operator token that claimed it."))
    due_at = models.DateTimeField(_("due"), editable=False)
    breached_at = models.DateTimeField(_("overdue since"), null=True, editable=False)
    finished_at = models.DateTimeField(_("finished"), null=True, editable=False)

    objects: ClassVar = RequestQuerySet.as_manager()

    class Meta:
        verbose_name = _("request")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(status="PROCESSING", lease__isnull=False, leased_until__isnull=False)
                | ~Q(status="PROCESSING") & Q(lease__isnull=True, leased_until__isnull=True),
                name="request_leased_in_work",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["COMPLETED", "FAILED"], finished_at__isnull=False)
                | Q(status__in=["SUBMITTED", "PROCESSING"], finished_at__isnull=True),
                name="request_finished_at_end",
            ),
            models.CheckConstraint(condition=Q(progress__lte=100), name="request_progress_percent"),
        ]
        indexes = [
            models.Index(fields=["partner", "environment", "-id"], name="request_of_partner"),
            models.Index(fields=["next_attempt_at"], condition=Q(status="SUBMITTED"), name="request_waiting"),
            models.Index(fields=["leased_until"], condition=Q(status="PROCESSING"), name="request_in_work"),
            models.Index(
                fields=["due_at"], condition=Q(breached_at=None, status__in=["SUBMITTED", "PROCESSING"]), name="request_overdue"
            ),
            models.Index(fields=["status", "-id"], name="request_by_status"),
            models.Index(fields=["type", "-id"], name="request_by_type"),
            models.Index(fields=["-id"], condition=Q(breached_at__isnull=False), name="request_breached"),
        ]


class Tally(models.Model):
    """How many requests of a type ended how, and after how long altogether; for metrics, which must not count rows."""

    class Outcome(models.TextChoices):
        COMPLETED = "COMPLETED", _("Completed")
        FAILED = "FAILED", _("Failed")
        BREACHED = "BREACHED", _("Overdue")

    type = models.CharField(max_length=64)
    outcome = models.CharField(max_length=10, choices=Outcome)
    requests = models.BigIntegerField(default=0)
    seconds = models.FloatField(default=0, help_text=_("From submission to the end, summed up."))

    class Meta:
        constraints = [models.UniqueConstraint(fields=["type", "outcome"], name="tally_once")]

    def __str__(self) -> str:
        return f"{self.type} {self.outcome}"

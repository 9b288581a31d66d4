"""What partners ask for: another tier."""

from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from core import clock
from core.models import Entity, EntityQuerySet, User
from partners.models.partners import Partner
from partners.models.tiers import Tier


class TierRequestQuerySet(EntityQuerySet["TierRequest"]):
    def of_partner(self, partner: Any) -> Self:
        """Those of one partner. Tiers are of no environment."""
        return self.filter(partner=partner)

    def waiting(self) -> Self:
        """Those that operators have to decide."""
        return self.filter(status=TierRequest.Status.WAITING)

    def open(self) -> Self:
        """Those of which something is still to come: a decision, or the change itself."""
        return self.filter(status__in=[TierRequest.Status.WAITING, TierRequest.Status.APPROVED])

    def overtaken(self) -> Self:
        """Open ones whose partner has another tier by now than when it asked."""
        return self.open().exclude(partner__tier=F("previous"))

    def due(self) -> Self:
        """Approved changes whose time has come."""
        return self.filter(status=TierRequest.Status.APPROVED, effective_at__lte=clock.now())


class TierRequest(Entity):
    """A partner asks for another tier. Operators decide; see `partners.tier_requests` for when it takes effect."""

    class Status(models.TextChoices):
        WAITING = "waiting", _("Waiting for our decision")
        APPROVED = "approved", _("Approved, to come")
        APPLIED = "applied", _("In effect")
        DECLINED = "declined", _("Declined")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    TRANSITIONS = {
        Status.WAITING: {Status.APPROVED, Status.DECLINED, Status.WITHDRAWN},
        Status.APPROVED: {Status.APPLIED, Status.WITHDRAWN},
    }

    id_prefix = "trq"

    partner = models.ForeignKey(Partner, on_delete=models.CASCADE, related_name="tier_requests", editable=False)
    previous = models.ForeignKey(Tier, on_delete=models.PROTECT, related_name="+", editable=False, verbose_name=_("from"))
    tier = models.ForeignKey(Tier, on_delete=models.PROTECT, related_name="+", editable=False, verbose_name=_("to"))
    status = models.CharField(_("status"), max_length=9, choices=Status, default=Status.WAITING, editable=False)
    note = models.TextField(_("note"), max_length=2_000, blank=True, help_text=_("What we should know to decide."))
    reason = models.TextField(_("reason"), blank=True, editable=False)
    decided_at = models.DateTimeField(_("decided"), null=True, editable=False)
    decided_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, related_name="+", editable=False, verbose_name=_("decided by")
    )
    effective_at = models.DateTimeField(_("in effect from"), null=True, editable=False)

    objects: ClassVar = TierRequestQuerySet.as_manager()

    class Meta:
        verbose_name = _("tier request")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["partner"], condition=Q(status__in=["waiting", "approved"]), name="tier_request_one_open"
            ),
            models.CheckConstraint(condition=~Q(tier=F("previous")), name="tier_request_changes_tier"),
            models.CheckConstraint(
                condition=~Q(status__in=["approved", "applied"]) | Q(decided_at__isnull=False, effective_at__isnull=False),
                name="tier_request_effective_at",
            ),
        ]
        indexes = [
            models.Index(fields=["status", "id"], name="tier_request_queue"),
            models.Index(fields=["effective_at"], condition=Q(status="approved"), name="tier_request_due"),
        ]

    def __str__(self) -> str:
        return f"{self.partner}: {self.previous} → {self.tier}"

    @property
    def is_upgrade(self) -> bool:
        """Whether it leads up the ladder."""
        return self.tier.rank > self.previous.rank

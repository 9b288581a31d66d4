"""Mail that is to be sent, or was."""

from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core import clock, ids
from core.models import User
from partners.models.partners import Partner
from partners.models.team import Invitation


class NoticeQuerySet(models.QuerySet["Notice"]):
    def due(self) -> Self:
        """Those to be sent now; a lease that ran out counts as never taken."""
        return self.filter(sent_at=None, failed_at=None, due_at__lte=clock.now())


class Notice(models.Model):
    """A mail to one person, or to an address that is invited.

    The row is the intent, written in the transaction of its cause; `notices.send_due` sends it.
    """

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    kind = models.CharField(max_length=40)
    cause = models.CharField(max_length=80, help_text="Public id of the event or row behind it.")
    partner = models.ForeignKey(Partner, on_delete=models.CASCADE, null=True, related_name="notices")
    user = models.ForeignKey(User, on_delete=models.CASCADE, null=True, related_name="notices")
    invitation = models.ForeignKey(Invitation, on_delete=models.CASCADE, null=True, related_name="notices")
    facts = models.JSONField(default=dict)
    due_at = models.DateTimeField(default=clock.now)
    attempts = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    objects = NoticeQuerySet.as_manager()

    class Meta:
        verbose_name = _("notice")
        constraints = [
            models.UniqueConstraint(fields=["cause", "kind", "user"], name="notice_once"),
            models.CheckConstraint(
                condition=Q(user__isnull=False, invitation=None) | Q(user=None, invitation__isnull=False), name="notice_to_one"
            ),
        ]
        indexes = [models.Index(fields=["due_at"], condition=Q(sent_at=None, failed_at=None), name="notice_due")]

    def __str__(self) -> str:
        return f"{self.kind} to {self.address}"

    @property
    def address(self) -> str:
        """Where the mail goes."""
        return self.invitation.email if self.invitation else self.user.email if self.user else ""

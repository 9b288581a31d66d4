"""The people of a partner."""

from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from core import clock
from core.indexes import trigrams
from core.models import Entity, EntityQuerySet, User
from partners.models.partners import Partner
from partners.permissions import Role, allows


class Frequency(models.TextChoices):
    DAILY = "daily", _("Every day")
    WEEKLY = "weekly", _("Every Monday")


class MemberQuerySet(EntityQuerySet["Member"]):
    def of_partner(self, partner: Any) -> Self:
        """The team of one partner. People aren't of an environment."""
        return self.filter(partner=partner)


class Member(Entity):
    """A person in a partner, with one role. A person may be in several partners.

    A partner has one owner at every moment, or none if an operator made it and nobody owns it yet. At most one is a unique
    index; that the last one stays is a deferred trigger (migration `0004_team`).
    """

    id_prefix = "mem"

    partner = models.ForeignKey(Partner, on_delete=models.CASCADE, related_name="members")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(_("role"), max_length=10, choices=Role)
    digest_frequency = models.CharField(_("digest"), max_length=6, choices=Frequency, default=Frequency.DAILY, editable=False)
    joined_at = models.DateTimeField(default=clock.now, editable=False)

    objects: ClassVar = MemberQuerySet.as_manager()

    class Meta:
        verbose_name = _("member")
        constraints = [
            models.UniqueConstraint(fields=["partner", "user"], name="member_once"),
            models.UniqueConstraint(fields=["partner"], condition=Q(role="owner"), name="member_one_owner"),
        ]
        indexes = [models.Index(fields=["role", "-id"], name="member_by_role")]

    def __str__(self) -> str:
        return f"{self.user} ({self.get_role_display()})"

    def may(self, permission: str) -> bool:
        """Whether this person's role has a permission; see `partners.permissions`."""
        return allows(self.role, permission)

    def may_manage(self, other: "Member") -> bool:
        """Whether this person may give the other another role, or take the other out: never the owner, never oneself."""
        return self.may("members:write") and other.role != Role.OWNER and other.pk != self.pk


class InvitationQuerySet(EntityQuerySet["Invitation"]):
    def of_partner(self, partner: Any) -> Self:
        """Those of one partner. People aren't of an environment."""
        return self.filter(partner=partner)

    def pending(self) -> Self:
        """Neither accepted nor revoked; some may have expired and can be sent again."""
        return self.filter(status=Invitation.Status.PENDING)

    def open(self) -> Self:
        """Those that can be accepted now."""
        return self.pending().filter(expires_at__gt=clock.now(), partner__deleted_at=None)


class Invitation(Entity):
    """An offer to a mail address to join a partner in one role. Only a hash of the token in its mail is stored."""

    class Status(models.TextChoices):
        PENDING = "pending", _("Pending")
        ACCEPTED = "accepted", _("Accepted")
        REVOKED = "revoked", _("Revoked")

    id_prefix = "ivt"

    partner = models.ForeignKey(Partner, on_delete=models.CASCADE, related_name="invitations", editable=False)
    email = models.EmailField(_("e-mail address"), editable=False)
    role = models.CharField(_("role"), max_length=10, choices=Role, editable=False)
    invited_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, related_name="+", editable=False, verbose_name=_("invited by")
    )
    digest = models.BinaryField(unique=True, editable=False)
    mails = models.PositiveSmallIntegerField(_("mails"), default=1, editable=False, help_text=_("How often it was sent."))
    status = models.CharField(_("status"), max_length=8, choices=Status, default=Status.PENDING, editable=False)
    sent_at = models.DateTimeField(_("sent"), default=clock.now, editable=False)
    expires_at = models.DateTimeField(_("expires"), editable=False)
    decided_at = models.DateTimeField(_("accepted or revoked"), null=True, editable=False)

    objects: ClassVar = InvitationQuerySet.as_manager()

    class Meta:
        verbose_name = _("invitation")
        constraints = [
            models.UniqueConstraint(fields=["partner", "email"], condition=Q(status="pending"), name="invitation_one_pending"),
            models.CheckConstraint(condition=Q(email=Lower("email")), name="invitation_email_lower"),
            models.CheckConstraint(condition=Q(expires_at__gt=models.F("sent_at")), name="invitation_expires_later"),
            models.CheckConstraint(
                condition=Q(status="pending", decided_at=None) | (~Q(status="pending") & Q(decided_at__isnull=False)),
                name="invitation_decided_at",
            ),
        ]
        indexes = [
            models.Index(fields=["email"], condition=Q(status="pending"), name="invitation_to"),
            models.Index(fields=["status", "-id"], name="invitation_by_status"),
            trigrams("email", name="invitation_email_part"),
        ]

    def __str__(self) -> str:
        return f"{self.email} ({self.get_role_display()})"

    @property
    def has_expired(self) -> bool:
        """Whether its time is over; it can be sent again."""
        return self.status == self.Status.PENDING and self.expires_at <= clock.now()

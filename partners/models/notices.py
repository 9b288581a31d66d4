"""What people are told: in the portal, by mail, in a digest; and which of these they want."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Self
from uuid import UUID

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core import clock
from core.crypto import EncryptedField
from core.models import Entity, EntityQuerySet, User
from partners.models.partners import Partner
from partners.models.team import Invitation, Member


class Channel(models.TextChoices):
    """The way to a person."""

    PORTAL = "portal", _("Portal")
    MAIL = "mail", _("Mail at once")
    DIGEST = "digest", _("Digest")


# What members chose: (member, kind, channel) → wanted.
Chosen = Mapping[tuple[UUID, str, str], bool]


class NoticeQuerySet(EntityQuerySet["Notice"]):
    def due(self) -> Self:
        """Those to be mailed now; a lease that ran out counts as never taken."""
        return self.filter(sent_at=None, failed_at=None, due_at__lte=clock.now())

    def shown_to(self, member: Member) -> Self:
        """What one person sees in one partner's portal. People are of no environment."""
        return self.filter(partner=member.partner_id, user=member.user_id, in_portal=True)

    def shown_in(self, partner: Any) -> Self:
        """What anybody in the team of one partner sees in the portal."""
        return self.filter(partner=partner, in_portal=True)

    def unread(self) -> Self:
        return self.filter(read_at=None)

    def mark_read(self) -> int:
        """Note that they were read, unless they had been; returns how many hadn't."""
        return self.unread().update(read_at=clock.now())

    def ungathered(self) -> Self:
        """Those that wait for their person's next digest."""
        return self.filter(in_digest=True, digest=None)


class Notice(Entity):
    """Something that one person is told, or an address that is invited, or a letter that has address and text in itself.

    The row is the intent, written in the transaction of its cause; `notices.send_due` mails it.
    `due_at` is when to mail it, null if it isn't mailed by itself. A digest is a notice too: of those that name it.
    """

    id_prefix = "ntf"

    kind = models.CharField(max_length=40)
    cause = models.CharField(max_length=80, help_text="Public id of the event or row behind it.")
    partner = models.ForeignKey(Partner, on_delete=models.CASCADE, null=True, related_name="notices")
    user = models.ForeignKey(User, on_delete=models.CASCADE, null=True, related_name="notices")
    invitation = models.ForeignKey(Invitation, on_delete=models.CASCADE, null=True, related_name="notices")
    letter = EncryptedField(null=True)
    facts = models.JSONField(default=dict)
    in_portal = models.BooleanField(default=False)
    read_at = models.DateTimeField(null=True)
    in_digest = models.BooleanField(default=False)
    digest = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, related_name="gathered")
    due_at = models.DateTimeField(null=True, default=clock.now)
    attempts = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True)

    objects: ClassVar = NoticeQuerySet.as_manager()

    class Meta:
        verbose_name = _("notice")
        constraints = [
            models.UniqueConstraint(fields=["cause", "kind", "user"], name="notice_once"),
            models.CheckConstraint(
                condition=Q(user__isnull=False, invitation=None, letter=None)
                | Q(user=None, invitation__isnull=False, letter=None)
                | Q(user=None, invitation=None, letter__isnull=False),
                name="notice_to_one",
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(sent_at=None, failed_at=None), name="notice_due"),
            models.Index(fields=["user", "partner", "-id"], condition=Q(in_portal=True), name="notice_shown"),
            models.Index(fields=["user", "partner"], condition=Q(in_portal=True, read_at=None), name="notice_unread"),
            models.Index(fields=["user", "partner"], condition=Q(in_digest=True, digest=None), name="notice_ungathered"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} to {self.address}"

    @property
    def address(self) -> str:
        """Where the mail goes."""
        return self.invitation.email if self.invitation else self.user.email if self.user else ""


class PreferenceQuerySet(models.QuerySet["Preference"]):
    def chosen_by(self, members: Iterable[Member]) -> Chosen:
        """What these members chose; where they chose nothing, the kind's usual channels hold."""
        rows = self.filter(member__in=[member.pk for member in members])
        return {(row.member_id, row.kind, row.channel): row.wanted for row in rows}


class Preference(models.Model):
    """A member's choice that differs from what is usual for a kind of notice; see `preferences.change`."""

    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="preferences")
    kind = models.CharField(max_length=40)
    channel = models.CharField(max_length=6, choices=Channel)
    wanted = models.BooleanField()

    objects: ClassVar = PreferenceQuerySet.as_manager()

    class Meta:
        verbose_name = _("preference")
        constraints = [models.UniqueConstraint(fields=["member", "kind", "channel"], name="preference_once")]

    def __str__(self) -> str:
        return f"{self.kind} by {self.channel}: {self.wanted}"

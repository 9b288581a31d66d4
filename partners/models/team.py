"""The people of a partner."""

from typing import Any, ClassVar, Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from core import clock
from core.models import Entity, EntityQuerySet, User
from partners.models.partners import Partner
from partners.permissions import Role, allows


class MemberQuerySet(EntityQuerySet["Member"]):
    def of_partner(self, partner: Any) -> Self:
        """The team of one partner. People aren't of an environment."""
        return self.filter(partner=partner)


class Member(Entity):
    """A person in a partner, with one role. A person may be in several partners."""

    id_prefix = "mem"

    partner = models.ForeignKey(Partner, on_delete=models.CASCADE, related_name="members")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(_("role"), max_length=10, choices=Role)
    joined_at = models.DateTimeField(default=clock.now, editable=False)

    objects: ClassVar = MemberQuerySet.as_manager()

    class Meta:
        verbose_name = _("member")
        constraints = [models.UniqueConstraint(fields=["partner", "user"], name="member_once")]

    def __str__(self) -> str:
        return f"{self.user} ({self.get_role_display()})"

    def may(self, permission: str) -> bool:
        """Whether this person's role has a permission; see `partners.permissions`."""
        return allows(self.role, permission)

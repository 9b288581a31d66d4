"""Operators in a partner's portal."""

from typing import ClassVar, Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from core import clock
from core.models import Entity, EntityQuerySet, User
from partners.models.partners import Partner


class ImpersonationQuerySet(EntityQuerySet["Impersonation"]):
    def under_way(self) -> Self:
        """Those that nobody ended and whose time isn't over."""
        return self.filter(ended_at=None, expires_at__gt=clock.now())

    def run_out(self) -> Self:
        """Those whose time is over, and of which nobody has written down that they ended."""
        return self.filter(ended_at=None, expires_at__lte=clock.now())


class Impersonation(Entity):
    """An operator looks at the portal as a partner's team does, for a while; until `acts_until` also changes things there."""

    id_prefix = "imp"

    partner = models.ForeignKey(Partner, on_delete=models.CASCADE, related_name="impersonations", editable=False)
    operator = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+", editable=False, verbose_name=_("operator"))
    note = models.TextField(_("note"), blank=True, editable=False)
    expires_at = models.DateTimeField(_("until"), editable=False)
    acts_until = models.DateTimeField(_("changes things until"), null=True, editable=False)
    reason = models.TextField(_("reason for changing things"), blank=True, editable=False)
    ended_at = models.DateTimeField(_("ended"), null=True, editable=False)

    objects: ClassVar = ImpersonationQuerySet.as_manager()

    class Meta:
        verbose_name = _("impersonation")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["operator"], condition=Q(ended_at=None), name="impersonation_one_at_a_time"),
            models.CheckConstraint(
                condition=Q(acts_until=None) | Q(acts_until__lte=F("expires_at"), reason__gt=""),
                name="impersonation_acts_with_reason",
            ),
        ]
        indexes = [models.Index(fields=["expires_at"], condition=Q(ended_at=None), name="impersonation_under_way")]

    def __str__(self) -> str:
        return f"{self.operator}: {self.partner}"

    @property
    def acts(self) -> bool:
        """Whether it may change things now."""
        return self.acts_until is not None and self.acts_until > clock.now()

"""Terms of service by version, and who accepted which."""

from typing import Any, ClassVar, Self

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from core import clock, markdown
from core.models import Entity, EntityQuerySet, User
from partners.models.partners import Partner


class TermsQuerySet(EntityQuerySet["Terms"]):
    def published(self) -> Self:
        """Those that everybody may read, newest first."""
        return self.exclude(published_at=None).order_by("-effective_on")

    def in_effect(self) -> Self:
        """Those that hold or held; the first is the one that holds today."""
        return self.published().filter(effective_on__lte=clock.now().date())

    def upcoming(self) -> Self:
        """Those that will hold, the next one first."""
        return self.published().filter(effective_on__gt=clock.now().date()).order_by("effective_on")

    def with_acceptance_of(self, partner: Any) -> Self:
        """With `accepted`: whether this partner accepted it."""
        return self.annotate(accepted=Exists(Acceptance.objects.filter(terms=OuterRef("pk"), partner=partner)))


class Terms(Entity):
    """One version of the terms. A draft until it is published; from then on it never changes (a trigger sees to that)."""

    id_prefix = "trm"

    version = models.CharField(
        _("version"),
        max_length=20,
        unique=True,
        validators=[
            RegexValidator(r"^[0-9A-Za-z]+([.-][0-9A-Za-z]+)*\Z", _("Letters, digits, and single dots or dashes within."))
        ],
        help_text=_("As partners will quote it, such as 2.1 or 2026-11."),
    )
    effective_on = models.DateField(_("in effect from"), help_text=_("From midnight UTC. Partners are told when you publish."))
    summary = models.TextField(
        _("what is new"), max_length=1_000, blank=True, help_text=_("In a sentence or two; partners read it first.")
    )
    text = models.TextField(_("text"), max_length=200_000, help_text=_("Markdown."))
    published_at = models.DateTimeField(_("published"), null=True, editable=False)

    accepted: bool  # by `with_acceptance_of`

    objects: ClassVar = TermsQuerySet.as_manager()

    class Meta:
        verbose_name = _("terms of service")
        verbose_name_plural = _("terms of service")
        ordering = ["-effective_on", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["effective_on"], condition=Q(published_at__isnull=False), name="terms_one_a_day"),
        ]

    def __str__(self) -> str:
        return self.version

    def get_absolute_url(self) -> str:
        """Where everybody reads it, once it is published."""
        return reverse("partners:terms_version", kwargs={"version": self.version})

    @property
    def html(self) -> SafeString:
        return markdown.render(self.text)

    @property
    def state(self) -> str:
        """draft, scheduled, or published."""
        if self.published_at is None:
            return "draft"
        return "scheduled" if self.effective_on > clock.now().date() else "published"


class Acceptance(Entity):
    """A partner's yes to one version: who gave it, when, from where. Rows are only ever added (a trigger sees to that)."""

    id_prefix = "acc"

    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="acceptances", verbose_name=_("partner"))
    terms = models.ForeignKey(Terms, on_delete=models.PROTECT, related_name="acceptances", verbose_name=_("version"))
    # The person, if it was one. Outlives the person's row, as the event log does.
    user = models.ForeignKey(
        User, on_delete=models.DO_NOTHING, null=True, db_constraint=False, related_name="+", verbose_name=_("person")
    )
    actor_kind = models.CharField(_("by"), max_length=12)
    actor_id = models.UUIDField(null=True)
    actor_label = models.CharField(_("as"), max_length=200, blank=True)
    address = models.GenericIPAddressField(_("from"), null=True)

    objects: ClassVar = EntityQuerySet.as_manager()

    class Meta:
        verbose_name = _("acceptance of the terms")
        verbose_name_plural = _("acceptances of the terms")
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["partner", "terms"], name="acceptance_once")]

    def __str__(self) -> str:
        return f"{self.partner}: {self.terms}"

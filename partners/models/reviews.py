"""What operators decide about a partner: rounds of review, and documents."""

import secrets
from typing import ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core import clock
from core.models import Entity, EntityQuerySet, User
from partners.models.partners import Partner
from partners.models.tiers import DocumentKind


class Review(Entity):
    """One round of the operators' review: a submission, and in time its decision. Every round is kept."""

    class Decision(models.TextChoices):
        WAITING = "waiting", _("Waiting for review")
        APPROVED = "approved", _("Approved")
        CHANGES_REQUESTED = "changes_requested", _("Changes requested")
        REJECTED = "rejected", _("Rejected")

    id_prefix = "rvw"

    partner = models.ForeignKey(Partner, on_delete=models.CASCADE, related_name="reviews")
    decision = models.CharField(_("decision"), max_length=17, choices=Decision, default=Decision.WAITING)
    reason = models.TextField(_("reason"), blank=True)
    final = models.BooleanField(_("final"), default=False, help_text=_("Rejected for good: there is no further round."))
    checklist = ArrayField(models.CharField(max_length=40), verbose_name=_("checked"), default=list)
    decided_at = models.DateTimeField(_("decided"), null=True)
    decided_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+", verbose_name=_("decided by"))

    class Meta:
        verbose_name = _("review")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["partner"], condition=Q(decision="waiting"), name="review_one_waiting"),
            models.CheckConstraint(condition=Q(decision="waiting") | Q(decided_at__isnull=False), name="review_decided_at"),
        ]
        indexes = [models.Index(fields=["decision", "id"], name="review_by_decision")]

    def __str__(self) -> str:
        return f"{self.partner}: {self.get_decision_display()}"


# How many pages of a document a preview shows.
MOST_PICTURES = 20


def _place(document: "Document", filename: str) -> str:
    """Where a document's file is kept: under a name that nobody can guess, with nothing of the name that was sent."""
    return f"documents/{secrets.token_hex(2)}/{secrets.token_hex(24)}"


class DocumentQuerySet(EntityQuerySet["Document"]):
    def to_scan(self) -> Self:
        """Those that the virus scanner has not seen, and whose turn it is."""
        return self.filter(state=Document.State.SCANNING, scan_due_at__lte=clock.now())


class Document(Entity):
    """A file that shows who the partner is. Kept privately; what it is was found by its content, not by its name."""

    Kind = DocumentKind

    class State(models.TextChoices):
        SCANNING = "scanning", _("Waiting for the virus scan")
        WAITING = "waiting", _("Waiting for review")
        ACCEPTED = "accepted", _("Accepted")
        REJECTED = "rejected", _("Rejected")
        INFECTED = "infected", _("Virus found")
        OUTDATED = "outdated", _("Outdated")

    id_prefix = "doc"

    partner = models.ForeignKey(Partner, on_delete=models.CASCADE, related_name="documents")
    kind = models.CharField(_("kind"), max_length=12, choices=DocumentKind)
    filename = models.CharField(_("name"), max_length=120, help_text=_("As it was sent, for people to read."))
    content_type = models.CharField(_("type"), max_length=40)
    size = models.PositiveIntegerField(_("size"), help_text=_("In bytes."))
    pages = models.PositiveSmallIntegerField(_("pages"), default=1)
    sha256 = models.BinaryField(editable=False)
    file = models.FileField(upload_to=_place, max_length=200)
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.WAITING)
    scan_due_at = models.DateTimeField(null=True, editable=False)
    scan_attempts = models.PositiveSmallIntegerField(default=0, editable=False)
    reason = models.TextField(_("reason"), blank=True)
    decided_at = models.DateTimeField(_("decided"), null=True)
    decided_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+", verbose_name=_("decided by"))

    objects: ClassVar = DocumentQuerySet.as_manager()

    class Meta:
        verbose_name = _("document")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["scanning", "waiting"]) | Q(decided_at__isnull=False), name="document_decided_at"
            ),
            models.CheckConstraint(condition=~Q(state="scanning") | Q(scan_due_at__isnull=False), name="document_scan_is_due"),
        ]
        indexes = [
            models.Index(fields=["state", "id"], name="document_queue"),
            models.Index(fields=["kind", "id"], name="document_by_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.filename}"

    @property
    def can_be_opened(self) -> bool:
        """Whether there is a file, and the virus scanner, if there is one, has let it pass."""
        return self.state not in {Document.State.SCANNING, Document.State.INFECTED}

    @property
    def page_numbers(self) -> range:
        """Those of which a preview shows pictures."""
        return range(1, min(self.pages, MOST_PICTURES) + 1)

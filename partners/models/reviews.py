"""What operators decide about a partner: rounds of review, and documents."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.models import Entity, User
from partners.models.partners import Partner


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
    decided_at = models.DateTimeField(_("decided"), null=True)
    decided_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+", verbose_name=_("decided by"))

    class Meta:
        verbose_name = _("review")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["partner"], condition=Q(decision="waiting"), name="review_one_waiting"),
            models.CheckConstraint(condition=Q(decision="waiting") | Q(decided_at__isnull=False), name="review_decided_at"),
        ]

    def __str__(self) -> str:
        return f"{self.partner}: {self.get_decision_display()}"


def _place(document: "Document", filename: str) -> str:
    """Where a document's file is kept: nothing of the name that was sent."""
    return f"documents/{document.partner_id}/{document.pk}"


class Document(Entity):
    """A file that shows who the partner is. Kept privately; what it is was found by its content, not by its name."""

    class Kind(models.TextChoices):
        REGISTRATION = "registration", _("Company registration")
        TAX = "tax", _("Tax certificate")
        ADDRESS = "address", _("Proof of address")
        IDENTITY = "identity", _("Proof of identity")
        CONTRACT = "contract", _("Signed contract")
        OTHER = "other", _("Other")

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting for review")
        ACCEPTED = "accepted", _("Accepted")
        REJECTED = "rejected", _("Rejected")

    id_prefix = "doc"

    partner = models.ForeignKey(Partner, on_delete=models.CASCADE, related_name="documents")
    kind = models.CharField(_("kind"), max_length=12, choices=Kind)
    filename = models.CharField(_("name"), max_length=120, help_text=_("As it was sent, for people to read."))
    content_type = models.CharField(_("type"), max_length=40)
    size = models.PositiveIntegerField(_("size"), help_text=_("In bytes."))
    sha256 = models.BinaryField(editable=False)
    file = models.FileField(upload_to=_place, max_length=200)
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.WAITING)
    reason = models.TextField(_("reason"), blank=True)
    decided_at = models.DateTimeField(_("decided"), null=True)
    decided_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+", verbose_name=_("decided by"))

    class Meta:
        verbose_name = _("document")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(state="waiting") | Q(decided_at__isnull=False), name="document_decided_at"),
        ]
        indexes = [models.Index(fields=["state", "id"], name="document_queue")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.filename}"

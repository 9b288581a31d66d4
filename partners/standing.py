"""Where a partner's verification stands, as its pages and its API show it."""

from dataclasses import dataclass
from datetime import datetime

from django.db import models
from django.utils.translation import gettext_lazy as _

from partners import verification
from partners.models import Document, DocumentKind, Partner, Review


class State(models.TextChoices):
    UNVERIFIED = "unverified", _("Not verified")
    IN_REVIEW = "in_review", _("In review")
    CHANGES_REQUESTED = "changes_requested", _("Changes requested")
    REJECTED = "rejected", _("Rejected")
    OUTDATED = "outdated", _("Outdated")
    VERIFIED = "verified", _("Verified")


@dataclass(frozen=True, slots=True)
class Standing:
    """`missing` are the kinds of documents still to be uploaded, `documents` the state of the latest of each kind."""

    state: State
    verified_at: datetime | None
    missing: list[DocumentKind]
    documents: dict[str, str]
    rounds: list[Review]

    @property
    def reason(self) -> str:
        """What the operators wrote to the last decision."""
        return next((review.reason for review in self.rounds if review.decision != Review.Decision.WAITING), "")


def of(partner: Partner) -> Standing:
    """Where it stands now; `rounds` are the submissions, newest first."""
    rounds = list(Review.objects.filter(partner=partner).order_by("-id")[:50])
    found = Document.objects.filter(partner=partner).order_by("kind", "-id").distinct("kind")
    documents = dict(found.values_list("kind", "state"))
    missing = verification.lacking(partner, verification.wanted(partner))
    return Standing(_state(partner, rounds, documents), partner.verified_at, missing, documents, rounds)


def _state(partner: Partner, rounds: list[Review], documents: dict[str, str]) -> State:
    last = rounds[0].decision if rounds else None
    if last == Review.Decision.WAITING:
        return State.IN_REVIEW
    if partner.verified_at:
        return State.VERIFIED
    if last in {Review.Decision.CHANGES_REQUESTED, Review.Decision.REJECTED}:
        return State(last)
    return State.OUTDATED if Document.State.OUTDATED in documents.values() else State.UNVERIFIED

"""When which chain of the event log was verified, and what came of it. Long chains take a while, so a loop does it.

`ask` writes the wish down, `work` (a loop) and the nightly task verify and keep the result, `standing` reads it.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core import audit, clock, wake
from core.models import Head, Verification
from core.relay import NOBODY
from core.streams import repeating

# Chains up to this length are verified while a page is made; it takes some 50 ms.
SHORT = 1_000


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a chain: right up to `number` at `at`, or broken at `broken` for a `reason`; `newer` events came since."""

    number: int
    at: datetime | None
    broken: int | None
    event: str
    reason: str
    newer: int
    asked: bool

    @property
    def state(self) -> str:
        """`broken`, `intact`, or `unknown` if nobody has looked yet."""
        return "broken" if self.broken is not None else "intact" if self.at else "unknown"

    @property
    def sentence(self) -> str:
        """The same in words."""
        if self.at is None:
            return _("Not verified yet. Every chain is verified at night.")
        at = f"{self.at.day} {self.at:%b %Y, %H:%M:%S} UTC"
        if self.broken is not None:
            text = _("Looked at on {at}: event number {number} is not as it was written. {reason}")
            return text.format(at=at, number=self.broken, reason=f"{self.reason} {self.event}".strip())
        text = _("Verified up to event number {number} on {at}: none was altered, deleted or put in between.")
        later = ngettext(
            "{count} newer event waits for the next look.", "{count} newer events wait for the next look.", self.newer
        )
        return " ".join([text.format(at=at, number=self.number), *([later.format(count=self.newer)] if self.newer else [])])


def standing(owner: UUID | None) -> Standing:
    """Of one partner's chain, or with None of the platform's own; a short one is verified now."""
    whose = owner or NOBODY
    head = Head.objects.filter(owner=whose).first()
    length = head.number if head else 0
    row = _look(whose) if length <= SHORT else Verification.objects.filter(owner=whose).first()
    if row is None:
        return Standing(0, None, None, "", "", length, asked=False)
    newer = max(length - row.number, 0) if row.broken is None else 0
    return Standing(row.number, row.verified_at, row.broken, row.event, row.reason, newer, asked=row.is_waiting)


def verify(owner: UUID) -> Verification:
    """Verify one chain now, and keep what came of it."""
    row = _look(owner)
    kept = {name: getattr(row, name) for name in ("number", "verified_at", "broken", "event", "reason")}
    Verification.objects.update_or_create(owner=owner, defaults=kept)
    return row


def _look(owner: UUID) -> Verification:
    began_at = clock.now()
    report = audit.verify(owner)
    row = Verification(owner=owner, number=report.events, verified_at=began_at)
    if report.breaks:
        found = report.breaks[0]
        row.broken, row.event, row.reason = found.number, found.event, found.reason
    return row


def verify_all() -> int:
    """Verify every chain; returns how many are broken."""
    owners = set(Head.objects.values_list("owner", flat=True)) | set(Verification.objects.values_list("owner", flat=True))
    return sum(verify(owner).broken is not None for owner in sorted(owners))


@transaction.atomic
def ask(owner: UUID | None) -> None:
    """Have a chain verified soon."""
    Verification.objects.update_or_create(owner=owner or NOBODY, defaults={"asked_at": clock.now()})
    wake.on_commit("verifications")


def work() -> int:
    """Verify the chain that waits longest; returns how many were verified."""
    waiting = Verification.objects.filter(Q(verified_at=None) | Q(asked_at__gt=F("verified_at")), asked_at__isnull=False)
    row = waiting.order_by("asked_at").first()
    if row is None:
        return 0
    verify(row.owner)
    return 1


STREAM = repeating("verifications", work, idle=10.0)

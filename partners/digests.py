"""Digests: one mail a day or a week of what a member wanted to be told that way."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from core import clock, wake
from partners.models import Member, Notice
from partners.models.team import Frequency


def write_due() -> int:
    """Write the digests whose day or week is over (UTC); returns how many. However often it runs, a period has one."""
    today = clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    ends = {Frequency.DAILY.value: today, Frequency.WEEKLY.value: today - timedelta(days=today.weekday())}
    waiting = Notice.objects.ungathered().filter(created_at__lt=today).order_by().values_list("user_id", "partner_id").distinct()
    return sum(_write(user, partner, ends) for user, partner in waiting)


@transaction.atomic
def _write(user: UUID, partner: UUID, ends: dict[str, datetime]) -> bool:
    waiting = Notice.objects.ungathered().filter(user=user, partner=partner)
    member = Member.objects.filter(user=user, partner=partner).select_related("partner").first()
    if member is None:  # no longer in the team
        waiting.update(in_digest=False)
        return False
    end = ends[member.digest_frequency]
    waiting = waiting.filter(created_at__lt=end)
    if not waiting.exists():
        return False
    facts = {"partner": member.partner.name, "slug": member.partner.slug}
    digest, written = Notice.objects.get_or_create(
        kind="digest",
        cause=f"{member.public_id} {end:%Y-%m-%d}",
        user_id=user,
        defaults={"partner": member.partner, "facts": facts},
    )
    if written:  # what came too late for a digest that there is waits for the next
        waiting.update(digest=digest)
        wake.on_commit("notices")
    return written

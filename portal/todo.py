"""What a partner's people should do next, the most urgent first: read from how it stands, for those who may do it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from partners import onboarding, profiles
from partners.models import Partner, Review
from portal import navigation
from portal.overview import MOST, May, Overview

Tone = Literal["info", "warn", "bad"]


@dataclass(frozen=True, slots=True)
class Task:
    """One thing to do: a name for programs, what is the matter, what comes of it, and where to do it."""

    code: str
    text: str | Promise
    note: str | Promise
    action: str | Promise
    url: str
    tone: Tone = "info"


def tasks(partner: Partner, overview: Overview, may: May) -> list[Task]:
    """What waits for somebody who `may` do it; `bad` hurts now, `warn` soon, `info` whenever there is time."""
    found = [*_money(overview, may), *_webhooks(overview, may), *_usage(overview, may), *_standing(partner, may)]
    order: tuple[Tone, ...] = ("bad", "warn", "info")
    placed = [(task, navigation.find(task.url, slug=partner.slug)) for task in found]
    known = [Task(task.code, task.text, task.note, task.action, url, task.tone) for task, url in placed if url]
    return sorted(known, key=lambda task: order.index(task.tone))


def _money(overview: Overview, may: May) -> Iterator[Task]:
    """`url` is the name of a page until `tasks` makes an address of it; so in all that follow."""
    finances = overview.finances
    if finances is None:
        return
    if finances.overdue:
        yield Task(
            "invoice_overdue",
            ngettext("%d invoice is overdue", "%d invoices are overdue", finances.overdue) % finances.overdue,
            _("Pay it so that your calls go on being served."),
            _("See invoices"),
            "billing:invoices",
            "bad",
        )
    if finances.is_owed and not finances.has_payout_account and may("billing:write"):
        yield Task(
            "payout_account",
            _("Say where your earnings go"),
            _("You have earned money, and there is no account to pay it to."),
            _("Add an account"),
            "billing:payout_account",
            "warn",
        )


def _webhooks(overview: Overview, may: May) -> Iterator[Task]:
    hooks = overview.webhooks
    if hooks.disabled and may("webhooks:write"):
        yield Task(
            "webhook_disabled",
            ngettext("%d webhook endpoint is disabled", "%d webhook endpoints are disabled", hooks.disabled) % hooks.disabled,
            _("It failed for too long. Events are held; enable it once it answers again."),
            _("See endpoints"),
            "webhooks:list",
            "bad",
        )
    if hooks.failed and may("webhooks:read"):
        shown = f"{MOST:,}+" if hooks.failed >= MOST else str(hooks.failed)
        yield Task(
            "deliveries_failed",
            ngettext("%(count)s delivery failed", "%(count)s deliveries failed", hooks.failed) % {"count": shown},
            _("In the last seven days, after every retry. Each says why, and can be sent again."),
            _("See deliveries"),
            "webhooks:list",
            "warn",
        )


def _usage(overview: Overview, may: May) -> Iterator[Task]:
    usage = overview.usage
    if usage.share >= 0.8:
        full = usage.share >= 1
        yield Task(
            "quota",
            _("This month’s calls are used up") if full else _("Most of this month’s calls are used"),
            _("A higher tier has more of them."),
            _("See your plan"),
            "partners:plan",
            "bad" if full else "warn",
        )
    if overview.keys.expiring and may("keys:write"):
        yield Task(
            "keys_expiring",
            ngettext("%d key expires within two weeks", "%d keys expire within two weeks", overview.keys.expiring)
            % overview.keys.expiring,
            _("Rotate it in time: the old one works on for as long as you need to change over."),
            _("See keys"),
            "apikeys:list",
            "warn",
        )


def _verification(review: Review | None) -> Iterator[Task]:
    """Nothing while the operators read, or once they have refused for good."""
    if onboarding.closed(review):
        return
    if review and review.decision in {Review.Decision.CHANGES_REQUESTED, Review.Decision.REJECTED}:
        yield Task(
            "verification",
            _("Your documents were not accepted"),
            review.reason,
            _("Upload others"),
            "partners:verification",
            "warn",
        )
    else:
        yield Task(
            "verification",
            _("Have your documents verified"),
            _("You can publish and be paid out once they are."),
            _("Upload them"),
            "partners:verification",
        )


def _standing(partner: Partner, may: May) -> Iterator[Task]:
    """Before a partner is live the onboarding says what comes next."""
    if not partner.activated_at or not may("partner:write"):
        return
    if partner.verified_at is None and partner.tier.document_kinds:
        yield from _verification(onboarding.last_review(partner))
    lacking = profiles.lacking(partner)
    if lacking and partner.listed:
        there, most = len(profiles.PARTS) - len(lacking), len(profiles.PARTS)
        yield Task(
            "profile",
            _("Complete your public profile"),
            _("{there} of {most} parts are there. It is what others see of you.").format(there=there, most=most),
            _("Edit"),
            "partners:profile_edit",
        )

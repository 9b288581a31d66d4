"""What people are told of what happened. Rows are the truth: written with their cause, mailed by a loop afterwards.

Some notices follow from events: `read` sees every sealed event once and writes a row for each person concerned. Sending takes
a row under a lease, so that a worker that dies leaves it to the next; since a mail server can't tell "taken" from "lost"
when the line breaks, each mail keeps one Message-ID, by which a mailbox knows the same mail again.
"""

import json
import re
import smtplib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from email.utils import parseaddr
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.db.models import F
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.functional import Promise

from core import clock, wake
from core.models import Event, User
from partners.models import Channel, Chosen, Invitation, Member, Notice, Preference
from partners.permissions import MANAGERS, Role

log = structlog.get_logger(__name__)

Text = str | Promise

DAY = re.compile(r"\d{4}-\d\d-\d\d")

USUAL = frozenset({Channel.PORTAL, Channel.MAIL})

# The kind of what `post` has sent, and how often that is tried again: codes are good for a quarter of an hour.
LETTER = "letter"
LETTER_ATTEMPTS = 3

LEASE = timedelta(minutes=2)
BATCH = 20
PAUSES = (
    timedelta(seconds=10),
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=8),
)


@dataclass(frozen=True, slots=True)
class Kind:
    """What is told: its subject, what it says, and where it leads. Texts and address are filled in with the notice's facts.

    `title` is what the partner's own portal calls it, where all is about one partner; the subject unless given.
    `event` and `roles` say of which events it tells whom, and `about` names these for those who choose what they are told;
    without an event a verb writes it by `tell`, and it is a mail only.
    `channels` are the usual ways, which members may change; the usual ways of a `security` notice are always taken.
    `fits` says of an event's facts whether there is anything to tell, and `more` makes further facts of them, in words.
    """

    name: str
    subject: Text
    paragraphs: tuple[Text, ...]
    action: Text = ""
    path: str = ""
    title: Text = ""
    event: str = ""
    about: Text = ""
    roles: frozenset[Role] = MANAGERS
    channels: frozenset[Channel] = USUAL
    security: bool = False
    fits: Callable[[Mapping[str, Any]], bool] = lambda payload: True
    more: Callable[[Mapping[str, Any]], Mapping[str, str]] = lambda payload: {}

    def ways(self, member: Member, chosen: Chosen) -> frozenset[Channel]:
        """The channels by which this member is told, given what members chose."""
        wanted = {way for way in Channel if chosen.get((member.pk, self.name, way), way in self.channels)}
        return frozenset(wanted | self.channels if self.security else wanted)


@dataclass(frozen=True, slots=True)
class Said:
    """A notice in words; `url` is a path of this site, or empty."""

    subject: str
    title: str
    paragraphs: list[str]
    action: str
    url: str


KINDS: dict[str, Kind] = {}
_BY_EVENT: dict[str, Kind] = {}


def register(*kinds: Kind) -> None:
    """Make kinds of mail known; at import of the module that writes them, before the app is ready."""
    KINDS.update({kind.name: kind for kind in kinds})
    _BY_EVENT.update({kind.event: kind for kind in kinds if kind.event})


def tell(*, kind: str, user: User, cause: str, **facts: str) -> None:
    """Write a mail to one person in the running transaction; at most one a kind and cause."""
    notice = Notice(kind=kind, user=user, cause=cause, facts=facts)
    Notice.objects.bulk_create([notice], ignore_conflicts=True)
    wake.on_commit("notices")


def tell_all(*, kind: str, users: Iterable[User], cause: str, **facts: str) -> None:
    """The same to many people."""
    rows = [Notice(kind=kind, user=user, cause=cause, facts=facts) for user in users]
    Notice.objects.bulk_create(rows, batch_size=1_000, ignore_conflicts=True)
    wake.on_commit("notices")


def invite(*, invitation: Invitation, cause: str, **facts: str) -> None:
    """Write the mail of an invitation, which goes to somebody who may have no account."""
    Notice.objects.create(kind="invitation", invitation=invitation, partner=invitation.partner, cause=cause, facts=facts)
    wake.on_commit("notices")


def post(mail: EmailMultiAlternatives) -> None:
    """Have a mail sent that holds what nobody else may read: a code, say. It is kept encrypted, and not once it was sent."""
    html = [str(content) for content, _type in mail.alternatives]
    letter = {"to": mail.to, "subject": mail.subject, "text": mail.body, "html": html}
    Notice.objects.create(kind=LETTER, letter=json.dumps(letter))
    wake.on_commit("notices")


def read(events: Sequence[Event], payloads: Mapping[UUID, Mapping[str, Any]]) -> None:
    """The reader of sealed events: a row for each member whose role the kind concerns, unless the member wants none."""
    told = [event for event in events if event.type in _BY_EVENT]
    if not told:
        return
    members = list(Member.objects.filter(partner__in={event.partner_id for event in told}).select_related("partner"))
    chosen = Preference.objects.chosen_by(members)
    team: dict[UUID, list[Member]] = {}
    for member in members:
        team.setdefault(member.partner_id, []).append(member)
    notices = [
        _notice(kind, member, ways, cause=event.public_id, facts=_facts(kind, member, event, payloads.get(event.pk, {})))
        for event in told
        for kind in [_BY_EVENT[event.type]]
        if event.pk not in payloads or kind.fits(payloads[event.pk])
        for member in team.get(event.partner_id, ())  # type: ignore[arg-type]  # None has no members
        if member.role in kind.roles
        for ways in [kind.ways(member, chosen)]
        if ways
    ]
    Notice.objects.bulk_create(notices, ignore_conflicts=True)
    wake.on_commit("notices")


def _notice(kind: Kind, member: Member, ways: frozenset[Channel], *, cause: str, facts: dict[str, str]) -> Notice:
    return Notice(
        kind=kind.name,
        user_id=member.user_id,
        partner_id=member.partner_id,
        cause=cause,
        facts=facts,
        in_portal=Channel.PORTAL in ways,
        in_digest=Channel.DIGEST in ways,
        due_at=clock.now() if Channel.MAIL in ways else None,
    )


def send_due() -> int:
    """Send what is due; returns how many were taken."""
    taken = _take()
    for notice in taken:
        _send(notice)
    return len(taken)


@transaction.atomic
def _take() -> list[Notice]:
    due = [notice.pk for notice in Notice.objects.due().select_for_update(skip_locked=True).order_by("due_at", "pk")[:BATCH]]
    Notice.objects.filter(pk__in=due).update(due_at=clock.now() + LEASE, attempts=F("attempts") + 1)
    taken = Notice.objects.select_related("user", "partner", "invitation").in_bulk(due)
    return [taken[key] for key in due]


def _send(notice: Notice) -> None:
    rows = Notice.objects.filter(pk=notice.pk)
    try:
        message(notice).send()
    except (OSError, smtplib.SMTPException) as error:
        log.warning("notice_not_sent", notice=str(notice.pk), kind=notice.kind, attempt=notice.attempts, error=str(error))
        if notice.letter and notice.attempts > LETTER_ATTEMPTS:
            rows.delete()
        elif notice.attempts > len(PAUSES):
            rows.update(failed_at=clock.now(), error=str(error))
        else:
            rows.update(due_at=clock.now() + PAUSES[notice.attempts - 1], error=str(error))
    except (ValueError, LookupError) as error:  # the mail can't be made of these facts, now or later; the next ones can
        log.exception("notice_unsendable", notice=str(notice.pk), kind=notice.kind)
        rows.update(failed_at=clock.now(), error=f"{type(error).__name__}: {error}")
    else:
        if notice.letter:
            rows.delete()
        else:
            rows.update(sent_at=clock.now(), error="")


def said(notice: Notice) -> Said:
    """A notice in words; one of a kind that is gone has its name alone."""
    kind = KINDS.get(notice.kind)
    return _said(kind, notice.facts) if kind else Said(notice.kind, notice.kind, [], "", "")


def message(notice: Notice) -> EmailMultiAlternatives:
    """The mail of a notice, as plain text and HTML. Tokens in its address are made now, and are nowhere in the row."""
    if notice.letter:
        return _letter(notice)
    kind = KINDS[notice.kind]
    words = _said(kind, {**notice.facts, **_made_now(notice)})
    context = {
        "subject": words.subject,
        "paragraphs": words.paragraphs,
        "gathered": [(row.created_at, said(row).title) for row in notice.gathered.order_by("id")],
        "action": words.action,
        "url": settings.BASE_URL + words.url if words.url else "",
        "base_url": settings.BASE_URL,
        "recipient": notice.user,
        "invited": notice.invitation is not None,
        "partner": notice.partner,
        "preferences_url": _preferences_url(notice),
    }
    mail = EmailMultiAlternatives(
        subject=words.subject,
        body=render_to_string("mail/notice.txt", context),
        to=[notice.address],
        headers=_headers(notice),
    )
    mail.attach_alternative(render_to_string("mail/notice.html", context), "text/html")
    return mail


def _letter(notice: Notice) -> EmailMultiAlternatives:
    letter = json.loads(notice.letter or "")
    mail = EmailMultiAlternatives(letter["subject"], letter["text"], to=letter["to"], headers=_headers(notice))
    for part in letter["html"]:
        mail.attach_alternative(part, "text/html")
    return mail


def _headers(notice: Notice) -> dict[str, str]:
    return {"Message-ID": f"<{notice.pk}@{_domain()}>", "Auto-Submitted": "auto-generated"}


def _said(kind: Kind, given: Mapping[str, str]) -> Said:
    facts = {name: _day(value) if name == "date" or name.endswith("_on") else value for name, value in given.items()}
    return Said(
        _line(kind.subject, facts),
        _line(kind.title or kind.subject, facts),
        [_filled(paragraph, facts) for paragraph in kind.paragraphs],
        _filled(kind.action, facts),
        _filled(kind.path, facts),
    )


def _day(value: str) -> str:
    """A date of an event as people write it."""
    return date_format(date.fromisoformat(value)) if DAY.fullmatch(value) else value


def _line(text: Text, facts: Mapping[str, str]) -> str:
    """One line, as a header must be, whatever names are in it."""
    return " ".join(_filled(text, facts).split())


def _preferences_url(notice: Notice) -> str:
    if notice.partner is None or notice.user is None:
        return ""
    return settings.BASE_URL + reverse("partners:preferences", kwargs={"slug": notice.partner.slug})


def _made_now(notice: Notice) -> dict[str, str]:
    from partners import invitations, members

    if notice.invitation:
        return {"token": invitations.token(notice.invitation)}
    return {"token": members.confirmation(notice.user)} if notice.user and "{token}" in KINDS[notice.kind].path else {}


def _facts(kind: Kind, member: Member, event: Event, payload: Mapping[str, Any]) -> dict[str, str]:
    plain = {name: value for name, value in payload.items() if isinstance(value, str)}
    words = kind.more(payload) if payload else {}
    return {"environment": event.environment, **plain, **words, "partner": member.partner.name, "slug": member.partner.slug}


def _filled(text: Text, facts: Mapping[str, str]) -> str:
    return str(text).format_map({"reason": "", "name": "", "environment": "", **facts})


def _domain() -> str:
    return parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost"

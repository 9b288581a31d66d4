"""Invitations into a partner's team: sent to an address, accepted by the person whom that address belongs to.

The token is derived from the row and the installation's secret key, so that its mail can be written, and written again, at
any time while the database holds only its hash.
"""

from datetime import timedelta
from uuid import UUID

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError as Unsuitable
from django.db import IntegrityError, transaction
from django.db.models import Sum
from django.utils.translation import gettext_lazy as _

from core import clock, crypto, events
from core.actors import Actor
from core.models import User
from core.problems import Conflict, Problem, ValidationError
from core.states import StaleState, swap
from partners import event_types as types
from partners import members, notices
from partners.models import Invitation, Member, Partner
from partners.permissions import Role

PREFIX = "invite_"
LIFETIME = timedelta(days=7)
# So that nobody floods mailboxes from here.
MAILS_A_DAY = 100
PAUSE = timedelta(minutes=1)

Status = Invitation.Status


class AlreadyInvited(Conflict):
    detail = _("This address is invited already. Send that invitation again, or revoke it first.")


class AlreadyMember(Conflict):
    detail = _("This person is in the team already.")


class HasOwner(Conflict):
    detail = _("This partner has an owner. The owner can hand it over in the portal, under Team.")


class TooManyInvitations(Conflict):
    detail = _("This team sent {most} invitations within a day, which is all it can. Try again tomorrow.")


class SentJustNow(Conflict):
    detail = _("This invitation was sent within the last minute. Give the mail a moment to arrive.")


class InvalidInvitation(Problem):
    """The link of an invitation is wrong, too old, used, replaced by a later one, or was taken back."""

    status = 422
    code = "invalid_invitation"
    title = _("Invitation not valid")
    detail = _("This invitation has expired, was taken back, or was used already. Ask who invited you to send it again.")


@transaction.atomic
def invite(*, partner: Partner, email: str, role: Role, by: Actor, inviter: User | None = None) -> Invitation:
    """Offer an address a place in the team, and mail it there.

    Ownership is offered only while there is no owner. Raises AlreadyMember, AlreadyInvited, HasOwner, TooManyInvitations.
    """
    email = email.strip().lower()
    team = Member.objects.of_partner(partner)
    if team.filter(user__in=_people(email)).exists():
        raise AlreadyMember()
    if role == Role.OWNER and partner.has_owner:
        raise HasOwner()
    _require_mails_left(partner)
    for expired in Invitation.objects.of_partner(partner).pending().filter(email=email, expires_at__lte=clock.now()):
        revoke(invitation=expired, by=by)
    now = clock.now()
    invitation = Invitation(partner=partner, email=email, role=role, invited_by=inviter, sent_at=now, expires_at=now + LIFETIME)
    invitation.digest = crypto.digest(token(invitation))
    try:
        with transaction.atomic():
            invitation.save(force_insert=True)
    except IntegrityError as error:
        raise AlreadyInvited() from error
    _send(types.MEMBER_INVITED, invitation, by)
    return invitation


@transaction.atomic
def resend(*, invitation: Invitation, by: Actor) -> None:
    """Mail it again, with a new link and all of its time; the earlier link stops working.

    Raises StaleState if it is no longer pending, SentJustNow within a minute, TooManyInvitations.
    """
    now = clock.now()
    if invitation.sent_at > now - PAUSE:
        raise SentJustNow()
    _require_mails_left(invitation.partner)
    before = invitation.mails
    invitation.mails += 1
    swap(
        invitation,
        where={"status": Status.PENDING, "mails": before},
        mails=invitation.mails,
        digest=crypto.digest(token(invitation)),
        sent_at=now,
        expires_at=now + LIFETIME,
    )
    _send(types.MEMBER_INVITED_AGAIN, invitation, by)


@transaction.atomic
def revoke(*, invitation: Invitation, by: Actor) -> None:
    """Take it back: its link stops working. Raises StaleState if it is no longer pending."""
    swap(invitation, where={"status": Status.PENDING}, status=Status.REVOKED, decided_at=clock.now())
    invitation.notices.filter(sent_at=None).delete()
    _emit(types.MEMBER_INVITATION_REVOKED, invitation, by)


@transaction.atomic
def accept(*, invitation: Invitation, user: User, by: Actor) -> Member:
    """The person whose address was invited joins. Raises InvalidInvitation, AlreadyMember, HasOwner."""
    if not is_for(invitation, user):
        raise InvalidInvitation()
    try:
        now = clock.now()
        # columns of the row itself only: what a join says isn't asked again after waiting for the row's lock
        still = {"status": Status.PENDING, "digest": invitation.digest, "expires_at__gt": now}
        swap(invitation, where=still, status=Status.ACCEPTED, decided_at=now)
    except StaleState as error:
        raise InvalidInvitation() from error
    try:
        with transaction.atomic():
            return members.add(partner=invitation.partner, user=user, role=Role(invitation.role), by=by)
    except IntegrityError as error:
        already = Member.objects.of_partner(invitation.partner).filter(user=user).exists()
        raise (AlreadyMember if already else HasOwner)() from error


@transaction.atomic
def join(*, invitation: Invitation, name: str, password: str, by: Actor) -> Member:
    """A newcomer accepts: a person with the invited address, which the link in its mail has confirmed.

    Raises ValidationError for a password that can be guessed, InvalidInvitation also if the address got an account meanwhile.
    """
    user = User(email=invitation.email, name=name.strip())
    try:
        validate_password(password, user)
    except Unsuitable as error:
        raise ValidationError({"password": error.messages}) from error
    user.set_password(password)
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError as error:
        raise InvalidInvitation() from error
    EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=True)
    return accept(invitation=invitation, user=user, by=by)


def token(invitation: Invitation) -> str:
    """What the link of its latest mail carries."""
    return crypto.derive(PREFIX, invitation.pk, invitation.mails)


def find(text: str) -> Invitation:
    """The invitation that a link is for. Raises InvalidInvitation unless it can be accepted now."""
    open_ = Invitation.objects.open().select_related("partner", "invited_by")
    found = open_.filter(digest=crypto.digest(text)).first() if crypto.well_formed(text, PREFIX) else None
    if found is None:
        raise InvalidInvitation()
    return found


def is_for(invitation: Invitation, user: User) -> bool:
    """Whether the invited address belongs to this person, and was confirmed."""
    return bool(EmailAddress.objects.filter(user=user, verified=True, email__iexact=invitation.email).exists())


def waiting_for(user: User) -> list[Invitation]:
    """What a person can accept, newest first."""
    addresses = [each.lower() for each in EmailAddress.objects.filter(user=user, verified=True).values_list("email", flat=True)]
    return list(Invitation.objects.open().filter(email__in=addresses).select_related("partner").order_by("-id"))


def has_account(invitation: Invitation) -> bool:
    """Whether the invited address belongs to a person who can sign in."""
    return bool(_people(invitation.email))


def _people(email: str) -> list[UUID]:
    """Ids of those whose address this is: at most one whom it was confirmed for, and who signed up with it."""
    confirmed = EmailAddress.objects.filter(email__iexact=email, verified=True).values_list("user", flat=True)
    return [*confirmed, *User.objects.filter(email=email).values_list("pk", flat=True)]


def _require_mails_left(partner: Partner) -> None:
    lately = Invitation.objects.of_partner(partner).filter(sent_at__gt=clock.now() - timedelta(days=1))
    if (lately.aggregate(mails=Sum("mails"))["mails"] or 0) >= MAILS_A_DAY:
        raise TooManyInvitations(most=MAILS_A_DAY)


def _send(type: events.EventType, invitation: Invitation, by: Actor) -> None:
    _emit(type, invitation, by)
    facts = {
        "partner": invitation.partner.name,
        "role": str(invitation.get_role_display()),
        "inviter": _inviter(invitation, by),
    }
    notices.invite(invitation=invitation, cause=f"{invitation.public_id} {invitation.mails}", **facts)


def _inviter(invitation: Invitation, by: Actor) -> str:
    """Who invites, as the mail has it: a person, the team by its program, or else the operators."""
    if invitation.invited_by:
        return str(invitation.invited_by.get_full_name())
    if by.kind in {"key", "application"}:
        return str(_("The team of {partner}")).format(partner=invitation.partner.name)
    return str(settings.UNFOLD["SITE_TITLE"])


def _emit(type: events.EventType, invitation: Invitation, by: Actor) -> None:
    data = types.invitation_facts(invitation)
    events.emit(type=type, partner=invitation.partner_id, subject=invitation, actor=by, data=data)

"""The people of a partner: who joins, in which role, and whether the address is theirs."""

from datetime import timedelta

from allauth.account.models import EmailAddress
from django.core import signing
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from core import events
from core.actors import Actor
from core.models import User
from core.problems import Conflict, Problem, ValidationError
from core.states import StaleState, swap
from partners import event_types as types
from partners import notices, security
from partners.models import Member, Partner
from partners.permissions import GIVABLE, Role

CONFIRMABLE_FOR = timedelta(days=3)
_SALT = "partners.members.confirm"


class LastOwner(Conflict):
    """A partner has an owner at every moment."""

    detail = _("This is the owner. Hand the partner over to somebody else in the team first.")


class InvalidConfirmation(Problem):
    """The link of a confirmation mail is wrong, too old, or was used."""

    status = 422
    code = "invalid_confirmation"
    title = _("Confirmation not valid")
    detail = _("This confirmation is wrong, older than three days, or was used before. Sign in to get a new one.")


@transaction.atomic
def add(*, partner: Partner, user: User, role: Role, by: Actor) -> Member:
    """Let a person join in one role. A person is in a partner once: raises IntegrityError the second time."""
    member = Member.objects.create(partner=partner, user=user, role=role)
    events.emit(type=types.MEMBER_ADDED, partner=partner, subject=member, actor=by, data=types.member_facts(member))
    return member


@transaction.atomic
def change_role(*, member: Member, role: Role, by: Actor) -> None:
    """Give a person another role but ownership, which is handed over by `transfer`.

    Raises LastOwner for the owner, StaleState if the role has changed meanwhile.
    """
    if role not in GIVABLE:
        raise ValidationError({"role": [str(_("Ownership is handed over by the owner, in the portal."))]})
    previous = Role(member.role)
    if role == previous:
        return
    if previous == Role.OWNER:
        raise LastOwner()
    swap(member, where={"role": previous}, role=role)
    _tell_role_changed(member, previous, by)


@transaction.atomic
def remove(*, member: Member, by: Actor) -> None:
    """Take a person out of the team, or let one leave it.

    Raises LastOwner for the owner, StaleState if the role is another by now.
    """
    found = Member.objects.select_for_update(of=("self",)).select_related("partner", "user").filter(pk=member.pk).first()
    if found is None or found.role != member.role:
        raise StaleState()
    if found.role == Role.OWNER:
        raise LastOwner()
    events.emit(type=types.MEMBER_REMOVED, partner=found.partner, subject=found, actor=by, data=types.member_facts(found))
    if by.id != found.pk:
        facts = {"partner": found.partner.name, "slug": found.partner.slug}
        notices.tell(kind="member_removed", user=found.user, cause=found.public_id, **facts)
    found.delete()


@transaction.atomic
def transfer(*, owner: Member, to: Member, by: Actor) -> None:
    """Hand the partner over: `to` is the owner from now on, and who was it stays as an admin.

    Raises StaleState if the one isn't the owner any more, or the other not in the team.
    """
    previous = Role(to.role)
    swap(owner, where={"role": Role.OWNER}, role=Role.ADMIN)
    swap(to, where={"role": previous, "partner": owner.partner_id}, role=Role.OWNER)
    _tell_role_changed(owner, Role.OWNER, by)
    _tell_role_changed(to, previous, by)
    partner = owner.partner
    data = {"id": partner.public_id, "owner": to.public_id, "previous": owner.public_id}
    events.emit(type=types.PARTNER_OWNER_CHANGED, partner=partner, subject=partner, actor=by, data=data)


@transaction.atomic
def expect_confirmation(*, user: User) -> None:
    """Keep the person's address as unconfirmed and send the link that confirms it."""
    address = EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=False)
    notices.tell(kind="confirm_address", user=user, cause=f"address {address.pk}")


def confirmation(user: User) -> str:
    """The signed token of the link in a confirmation mail; bound to the person and the address as it is now."""
    return signing.dumps([user.public_id, user.email], salt=_SALT)


def awaiting(token: str) -> EmailAddress:
    """The unconfirmed address that a token is for. Raises InvalidConfirmation."""
    try:
        public_id, email = signing.loads(token, salt=_SALT, max_age=CONFIRMABLE_FOR)
    except (signing.BadSignature, ValueError) as error:
        raise InvalidConfirmation() from error
    found = EmailAddress.objects.select_related("user").filter(email=email, verified=False).first()
    if found is None or found.user.public_id != public_id:
        raise InvalidConfirmation()
    return found


@transaction.atomic
def confirm(*, token: str, by: Actor) -> User:
    """The address is the person's: it may sign in from now on. Works once; raises InvalidConfirmation otherwise."""
    address = awaiting(token)
    if not EmailAddress.objects.filter(pk=address.pk, verified=False).update(verified=True):
        raise InvalidConfirmation()
    user: User = address.user
    security.tell(user=user, type=types.MEMBER_EMAIL_CONFIRMED, by=by)
    return user


def _tell_role_changed(member: Member, previous: Role, by: Actor) -> None:
    data = {**types.member_facts(member), "previous": str(previous)}
    events.emit(type=types.MEMBER_ROLE_CHANGED, partner=member.partner_id, subject=member, actor=by, data=data)

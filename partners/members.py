"""The people of a partner: who joins, in which role, and whether the address is theirs."""

from datetime import timedelta

from allauth.account.models import EmailAddress
from django.core import signing
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from core import events
from core.actors import Actor
from core.models import User
from core.problems import Conflict, Problem
from core.states import swap
from partners import event_types as types
from partners import notices, security
from partners.models import Member, Partner
from partners.permissions import Role

CONFIRMABLE_FOR = timedelta(days=3)
_SALT = "partners.members.confirm"


class LastOwner(Conflict):
    """A partner has an owner at every moment."""

    detail = _("This is the last owner. Make somebody else an owner first.")


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
    """Give a person another role. Raises LastOwner if no owner would be left, StaleState if the role is another by now."""
    previous = member.role
    if role == previous:
        return
    _keep_an_owner(member)
    swap(member, where={"role": previous}, role=role)
    data = {**types.member_facts(member), "previous": str(previous)}
    events.emit(type=types.MEMBER_ROLE_CHANGED, partner=member.partner, subject=member, actor=by, data=data)


@transaction.atomic
def remove(*, member: Member, by: Actor) -> None:
    """Take a person out of the team. Raises LastOwner if no owner would be left, StaleState if the role is another by now."""
    _keep_an_owner(member)
    swap(member, where={"role": member.role}, role=member.role)
    events.emit(type=types.MEMBER_REMOVED, partner=member.partner, subject=member, actor=by, data=types.member_facts(member))
    member.delete()


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


def _keep_an_owner(leaving: Member) -> None:
    """Lock the partner's owners, so that two who leave at once don't both see the other stay."""
    owners = Member.objects.select_for_update().filter(partner=leaving.partner, role=Role.OWNER).order_by("pk")
    if leaving.role == Role.OWNER and not [owner for owner in owners if owner.pk != leaving.pk]:
        raise LastOwner()

"""What a person does to the own account, as events of the partners that the person belongs to.

allauth tells of it by signals and by nothing else, so these are listened to; the rules are in the verbs they call.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from allauth.account import signals as account
from allauth.account.models import EmailAddress
from allauth.mfa import signals as second_factor
from allauth.mfa.models import Authenticator
from allauth.usersessions.adapter import get_adapter
from allauth.usersessions.models import UserSession
from django.db import transaction
from django.dispatch import Signal
from django.http import HttpRequest

from core import events
from core.actors import Actor
from core.models import User
from core.states import swap
from partners import event_types as types
from partners import notices
from partners.models import Member

# What changed about how a person signs in; `authenticator` signals add the kind of it.
CHANGES: Mapping[Signal, str] = {
    account.password_set: "password_set",
    account.password_changed: "password_changed",
    account.password_reset: "password_reset",
    account.email_changed: "email_changed",
    second_factor.authenticator_added: "added",
    second_factor.authenticator_removed: "removed",
    second_factor.authenticator_reset: "made_anew",
}


@transaction.atomic
def tell(*, user: User, type: events.EventType, by: Actor, **data: Any) -> None:
    """Write it into the log of every partner that the person belongs to: as done by the person, unless an operator did it."""
    for member in Member.objects.filter(user=user, partner__deleted_at=None).select_related("partner"):
        events.emit(
            type=type,
            partner=member.partner,
            subject=member,
            actor=by if by.kind == "operator" else replace(by, kind="member", id=member.pk, label=str(member.get_role_display())),
            data={**types.member_facts(member), **data},
        )


@transaction.atomic
def confirm_address(*, address: EmailAddress, by: Actor) -> None:
    """An operator knows that the address is the person's. Raises StaleState if it is confirmed."""
    swap(address, where={"verified": False}, verified=True)
    tell(user=address.user, type=types.MEMBER_EMAIL_CONFIRMED, by=by)


@transaction.atomic
def take_factor_away(*, factor: Authenticator, by: Actor) -> None:
    """Let a person who lost it sign in without it; recovery codes go with the last one. The person is told by mail."""
    user, kind, cause = factor.user, factor.type, f"factor {factor.pk}"
    factor.delete()
    left = Authenticator.objects.filter(user=user)
    if not left.exclude(type=Authenticator.Type.RECOVERY_CODES).exists():
        left.delete()
    tell(user=user, type=types.MEMBER_SECURITY_CHANGED, by=by, change=f"{kind}_removed")
    notices.tell(kind="factor_taken_away", user=user, cause=cause, factor=str(Authenticator.Type(kind).label))


@transaction.atomic
def end_session(*, session: UserSession, by: Actor) -> None:
    """Sign a person out in one place."""
    user = session.user
    get_adapter().end_sessions([session])
    tell(user=user, type=types.MEMBER_SECURITY_CHANGED, by=by, change="session_ended")


def listen() -> None:
    """Connect the listeners; from the app's `ready`."""
    account.email_confirmed.connect(_confirmed, dispatch_uid="partners.security")
    account.user_logged_in.connect(_signed_in, dispatch_uid="partners.security")
    for signal in CHANGES:
        signal.connect(_changed, dispatch_uid="partners.security")


def _confirmed(request: HttpRequest, email_address: Any, **kwargs: Any) -> None:
    tell(user=email_address.user, type=types.MEMBER_EMAIL_CONFIRMED, by=_visitor(request))


def _signed_in(request: HttpRequest, user: User, **kwargs: Any) -> None:
    tell(user=user, type=types.MEMBER_SIGNED_IN, by=_visitor(request))


def _changed(signal: Signal, request: HttpRequest, user: User, authenticator: Any = None, **kwargs: Any) -> None:
    change = CHANGES[signal] if authenticator is None else f"{authenticator.type}_{CHANGES[signal]}"
    tell(user=user, type=types.MEMBER_SECURITY_CHANGED, by=_visitor(request), change=change)


def _visitor(request: HttpRequest) -> Actor:
    call = request.call  # type: ignore[attr-defined]
    return Actor("public", address=call.address, request_id=call.id)

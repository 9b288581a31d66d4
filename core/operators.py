"""Operators: who is one and with which roles, and their API tokens: hashed, scoped, expiring, revocable, audited."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core import clock, crypto, events, versions
from core.actors import Actor
from core.event_types import OPERATOR_APPOINTED, OPERATOR_TOKEN_ISSUED, OPERATOR_TOKEN_REVOKED
from core.models import OperatorToken, User
from core.problems import Conflict, Forbidden
from core.roles import RIGHTS, Role, has
from core.states import swap

PREFIX = "po_"

# The rights that an operator's token may have (`core.roles`); `*` is everything that its operator may.
SCOPES = {
    name: RIGHTS[name].text
    for name in (
        "partners:read",
        "partners:write",
        "partners:close",
        "events:write",
        "meters:write",
        "keys:verify",
        "requests:write",
        "reviews:read",
        "reviews:write",
        "billing:read",
        "billing:write",
        "audit:read",
    )
}


class BeyondOwnRights(Forbidden):
    """Nobody hands on what they may not do."""

    detail = _("You don't have these rights yourself: {names}.")


class OwnRole(Conflict):
    """So that there is always a superuser left."""

    detail = _("Nobody changes their own role. Ask another superuser.")


@dataclass(frozen=True, slots=True)
class Issued:
    """A token and, this once, its secret text."""

    token: OperatorToken
    secret: str


@transaction.atomic
def issue(*, user: User, name: str, scopes: list[str], by: Actor, expires_at: datetime | None = None) -> Issued:
    """Make a token for an operator. The text is in the answer and nowhere else. Raises ValueError for unknown scopes, and
    BeyondOwnRights for those that the operator has not."""
    unknown = set(scopes) - SCOPES.keys() - {"*"}
    if unknown:
        raise ValueError(f"unknown scopes: {', '.join(sorted(unknown))}")
    beyond = set(scopes) - scopes_of(user) - {"*"}
    if beyond:
        raise BeyondOwnRights(names=", ".join(sorted(beyond)))
    secret = crypto.generate(PREFIX)
    token = OperatorToken.objects.create(
        user=user, name=name, scopes=scopes, digest=crypto.digest(secret), hint=crypto.hint(secret, PREFIX), expires_at=expires_at
    )
    events.emit(
        type=OPERATOR_TOKEN_ISSUED, subject=token, actor=by, data={"name": name, "scopes": scopes, "operator": user.public_id}
    )
    versions.bump(token)
    return Issued(token, secret)


@transaction.atomic
def revoke(*, token: OperatorToken, by: Actor) -> None:
    """End a token at once. Raises StaleState if it was revoked before."""
    swap(token, where={"revoked_at": None}, revoked_at=clock.now())
    events.emit(type=OPERATOR_TOKEN_REVOKED, subject=token, actor=by, data={"name": token.name})
    versions.bump(token)


def scopes_of(user: User) -> set[str]:
    """The scopes that an operator's rights allow."""
    return {name for name in SCOPES if has(user, name)}


def effective(token: OperatorToken) -> frozenset[str]:
    """What a token may do now: its scopes, as far as its operator still has the rights for them."""
    user, scopes = token.user, set(token.scopes)
    if user.is_superuser:
        return frozenset(scopes)
    return frozenset(scopes_of(user) if "*" in scopes else scopes & scopes_of(user))


@transaction.atomic
def appoint(*, user: User, is_staff: bool, is_superuser: bool, groups: Iterable[Group], by: Actor) -> None:
    """Make somebody an operator with these roles, or no operator any more; tokens and console follow at once.

    Raises OwnRole.
    """
    if by.id == user.pk:
        raise OwnRole()
    before = _standing(user)
    User.objects.filter(pk=user.pk).update(is_staff=is_staff, is_superuser=is_superuser)
    user.is_staff, user.is_superuser = is_staff, is_superuser
    user.groups.set(groups)
    after = _standing(user)
    if before != after:
        changes = {name: [before[name], after[name]] for name in after if before[name] != after[name]}
        events.emit(type=OPERATOR_APPOINTED, subject=user, actor=by, data={"email": user.email, "changes": changes})
        refresh(user=user)


def _standing(user: User) -> dict[str, Any]:
    roles = sorted(user.groups.values_list("name", flat=True)) + [str(Role.SUPERUSER)] * user.is_superuser
    return {"operator": user.is_staff, "roles": roles}


@transaction.atomic
def refresh(*, user: User) -> None:
    """Let the gateways read an operator's tokens anew: the person may no longer be active, or no longer an operator."""
    for token in OperatorToken.objects.filter(user=user, revoked_at=None):
        versions.bump(token)


def usable(at: datetime) -> Q:
    """Which tokens work at an instant: not revoked, not expired, and their operator still is one."""
    return Q(revoked_at=None, user__is_active=True, user__is_staff=True) & (Q(expires_at=None) | Q(expires_at__gt=at))

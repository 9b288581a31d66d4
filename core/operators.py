"""Operators' API tokens: issue, revoke, find. Hashed, scoped, expiring, revocable, audited."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from core import clock, crypto, events, versions
from core.actors import Actor
from core.event_types import OPERATOR_TOKEN_ISSUED, OPERATOR_TOKEN_REVOKED
from core.models import OperatorToken, User
from core.states import swap

PREFIX = "po_"

# What an operator's token may be allowed to do; `*` is everything.
SCOPES = {
    "partners:read": "See partners, their documents and events",
    "partners:write": "Create partners and change their state",
    "events:write": "Publish events and event types",
    "meters:write": "Report usage",
    "keys:verify": "Check partners' keys",
    "requests:write": "Work partners' requests",
    "reviews:write": "Decide documents and integrations",
    "billing:read": "See prices, payouts and the ledger",
    "billing:write": "Close months, run and settle payouts",
    "audit:read": "Check the audit log",
}


@dataclass(frozen=True, slots=True)
class Issued:
    """A token and, this once, its secret text."""

    token: OperatorToken
    secret: str


@transaction.atomic
def issue(*, user: User, name: str, scopes: list[str], by: Actor, expires_at: datetime | None = None) -> Issued:
    """Make a token for an operator. The text is in the answer and nowhere else. Raises ValueError for unknown scopes."""
    unknown = set(scopes) - SCOPES.keys() - {"*"}
    if unknown:
        raise ValueError(f"unknown scopes: {', '.join(sorted(unknown))}")
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


@transaction.atomic
def refresh(*, user: User) -> None:
    """Let the gateways read an operator's tokens anew: the person may no longer be active, or no longer an operator."""
    for token in OperatorToken.objects.filter(user=user, revoked_at=None):
        versions.bump(token)


def usable(at: datetime) -> Q:
    """Which tokens work at an instant: not revoked, not expired, and their operator still is one."""
    return Q(revoked_at=None, user__is_active=True, user__is_staff=True) & (Q(expires_at=None) | Q(expires_at__gt=at))

"""Operators look at the portal as a partner's team does: for half an hour, to look; after a second step, with a reason, to
change things for a while. The partner reads all of it in its log, with the operator as who did it.

The operator stays signed in as themself: pages of an account (password, second factors, sessions) are the operator's own.
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from core import clock, events
from core.actors import Actor
from core.models import User
from core.problems import Conflict, Forbidden
from core.roles import RIGHTS, has
from core.states import StaleState, swap
from partners import event_types as types
from partners.models import Impersonation, Partner

LASTS = timedelta(minutes=30)
ACTS_FOR = timedelta(minutes=10)
# The session's key for the id of the impersonation under way.
KEY = "impersonation"

# What no operator does in a partner's name: hand it over, let people in, make credentials, say where its money goes.
NEVER = frozenset({"partner:own", "members:write", "keys:write", "billing:write"})


class NotEnterable(Conflict):
    """A deleted partner has no portal."""

    detail = _("This partner is deleted. Restore it first.")


class NoRight(Forbidden):
    """The operator's role doesn't reach so far."""

    detail = _("Your role doesn't allow this. Ask a superuser.")


@dataclass(frozen=True, slots=True)
class StandIn:
    """The operator in a member's place: looks at what both a member and the operator may see, and changes things only while
    the impersonation `acts`."""

    impersonation: Impersonation
    user: User
    pk: None = None
    role: str = ""

    @property
    def partner(self) -> Partner:
        return self.impersonation.partner

    @property
    def partner_id(self) -> Any:
        return self.impersonation.partner_id

    @property
    def user_id(self) -> Any:
        return self.user.pk

    def get_role_display(self) -> str:
        """The role in words, as Django's own."""
        return str(_("Operator"))

    def may(self, permission: str) -> bool:
        """As a member's. Permissions that are rights of operators too want both."""
        if permission in NEVER or (permission in RIGHTS and not has(self.user, permission)):
            return False
        return permission.endswith(":read") or self.impersonation.acts

    def may_manage(self, other: Any) -> bool:
        """Teams manage themselves."""
        return False


def of_request(request: HttpRequest) -> Impersonation | None:
    """The one under way in this session, as long as its operator still has the right; its end is written down if it's over."""
    user: Any = getattr(request, "user", None)  # missing where a request is refused before anybody asks who it is
    public_id = request.session.get(KEY) if user and user.is_authenticated and user.is_staff else None
    if not public_id:
        return None
    found: Any = Impersonation.objects.filter(operator=user, ended_at=None).select_related("partner__tier")
    impersonation: Impersonation | None = found.public(public_id).first()
    if impersonation and impersonation.expires_at > clock.now() and has(user, "partners:enter"):
        return impersonation
    if impersonation:
        _end_quietly(impersonation)
    del request.session[KEY]
    return None


@transaction.atomic
def begin(*, partner: Partner, operator: User, by: Actor, reason: str = "") -> Impersonation:
    """Let the operator look; another one of theirs ends. Raises NoRight, NotEnterable."""
    if not has(operator, "partners:enter"):
        raise NoRight()
    if partner.deleted_at is not None:
        raise NotEnterable()
    for other in Impersonation.objects.select_for_update().filter(operator=operator, ended_at=None):
        end(impersonation=other, by=by)
    made: Impersonation = Impersonation.objects.create(
        partner=partner, operator=operator, note=reason, expires_at=clock.now() + LASTS
    )
    _tell(types.PARTNER_ENTERED, made, by, until=made.expires_at.isoformat(), note=reason)
    return made


@transaction.atomic
def let_act(*, impersonation: Impersonation, reason: str, by: Actor) -> None:
    """Let the operator change things for ten minutes, no longer than the whole lasts. Raises NoRight, StaleState."""
    if not has(impersonation.operator, "partners:act"):
        raise NoRight()
    until = min(clock.now() + ACTS_FOR, impersonation.expires_at)
    swap(impersonation, where={"ended_at": None, "expires_at__gt": clock.now()}, acts_until=until, reason=reason)
    _tell(types.PARTNER_ENTERED_TO_ACT, impersonation, by, until=until.isoformat(), reason=reason)


@transaction.atomic
def acted(*, impersonation: Impersonation, method: str, path: str, by: Actor) -> None:
    """Write down what is about to be changed, before it is: nothing is changed without a line."""
    _tell(types.PARTNER_ACTED_AS, impersonation, by, method=method, path=path, reason=impersonation.reason)


@transaction.atomic
def end(*, impersonation: Impersonation, by: Actor, over: bool = False) -> None:
    """End it; `over` if its time was up. Raises StaleState if it ended before."""
    swap(impersonation, where={"ended_at": None}, ended_at=clock.now())
    _tell(types.PARTNER_LEFT, impersonation, by, over=over)


def end_those_run_out() -> int:
    """Write down the ends of those that nobody ended; returns how many."""
    found = list(Impersonation.objects.run_out().select_related("operator", "partner")[:1_000])
    for impersonation in found:
        _end_quietly(impersonation)
    return len(found)


def _end_quietly(impersonation: Impersonation) -> None:
    operator = impersonation.operator
    with suppress(StaleState):  # somebody was quicker
        end(impersonation=impersonation, by=Actor("operator", operator.pk, operator.email), over=True)


def _tell(type: events.EventType, impersonation: Impersonation, by: Actor, **data: Any) -> None:
    partner = impersonation.partner
    facts = {"id": partner.public_id, "impersonation": impersonation.public_id, **data}
    events.emit(type=type, partner=partner, subject=partner, actor=by, data=facts)

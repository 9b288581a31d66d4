"""What becomes of a key that is used in a harmful way: noted or suspended, told to both sides, and the ways back."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from abuse.event_types import KEY_FLAGGED
from abuse.models import Incident, Mute, Rule
from abuse.patterns import Found
from apikeys import keys
from apikeys.event_types import facts
from apikeys.models import Key
from core import clock, events, roles
from core.actors import SYSTEM, Actor
from core.models import Environment, User
from core.problems import Conflict
from core.states import StaleState, transition
from partners import notices, partners
from partners.models import Partner

Status = Incident.Status

DAY = timedelta(days=1)
SUSPENDED = _("This key was suspended: {found} An owner, admin or developer can let it work again in the portal, under API keys.")
LOCKED = _("This key was suspended: {found} Support can say how it goes on.")


class Locked(Conflict):
    """The way back is the operators' to open."""

    detail = _("We have locked this key. Write to support to learn how it goes on.")


class ResumedTooOften(Conflict):
    """A key that is suspended again and again is looked at by somebody."""

    detail = _("This key was resumed {most} times within a day. Mend what it does, and come back later; or write to support.")


@transaction.atomic
def open(*, rule: Rule, key: Key, found: Found) -> Incident | None:
    """Do what the rule says about a key, and tell partner and operators, once. None if the key stopped working meanwhile."""
    if _now(key) != Key.Status.ACTIVE:
        return None
    suspends = rule.action == Rule.Action.SUSPEND
    incident: Incident = Incident.objects.create(
        partner_id=key.partner_id,
        environment=key.environment,
        key=key,
        rule=rule,
        rule_name=rule.name,
        action=rule.action,
        status=Status.SUSPENDED if suspends else Status.NOTED,
        found=found.text,
        evidence=found.evidence,
    )
    if suspends:
        keys.suspend(key=key, reason=str(SUSPENDED).format(found=found.text), incident=incident.public_id, by=SYSTEM)
    else:
        data = {**facts(key), "reason": found.text, "incident": incident.public_id}
        events.emit(type=KEY_FLAGGED, partner=key.partner_id, environment=key.environment, subject=key, data=data)
    _tell_operators(incident)
    if suspends and rule.partner_after and key.environment == Environment.LIVE:
        _suspend_partner_at(rule, key)
    return incident


@transaction.atomic
def resume(*, incident: Incident, by: Actor) -> None:
    """The partner's way back. Raises Locked, ResumedTooOften, and StaleState for a key that isn't suspended for this."""
    _now(incident.key)
    incident.refresh_from_db()
    if incident.status == Status.LOCKED:
        raise Locked()
    since = clock.now() - DAY
    resumed = Incident.objects.of_key(incident.key).filter(status=Status.RESUMED, decided_at__gte=since).count()
    if resumed >= settings.KEY_RESUMES_A_DAY:
        raise ResumedTooOften(most=settings.KEY_RESUMES_A_DAY)
    transition(incident, Status.RESUMED, **_decided(by))
    keys.resume(key=incident.key, by=by)


@transaction.atomic
def lift(*, incident: Incident, reason: str = "", by: Actor) -> None:
    """An operator lets the key work again. Raises StaleState unless it is suspended for this."""
    _now(incident.key)
    transition(incident, Status.LIFTED, note=reason, **_decided(by))
    keys.resume(key=incident.key, by=by)


@transaction.atomic
def lock(*, incident: Incident, reason: str = "", by: Actor) -> None:
    """From now on only operators can let the key work again. Raises StaleState unless it is suspended for this."""
    _now(incident.key)
    transition(incident, Status.LOCKED, note=reason, **_decided(by))
    keys.explain(key=incident.key, reason=str(LOCKED).format(found=incident.found))


@transaction.atomic
def dismiss(*, incident: Incident, days: int, reason: str = "", by: Actor) -> None:
    """It was a false alarm: the key works again, and the rule leaves it alone for so many days."""
    status = _now(incident.key)
    incident.refresh_from_db(fields=["status"])
    was_open = incident.status in Incident.OPEN
    transition(incident, Status.FALSE_ALARM, note=reason, **_decided(by))
    if was_open and status == Key.Status.SUSPENDED:
        keys.resume(key=incident.key, by=by)
    if incident.rule_id:
        until = clock.now() + timedelta(days=days)
        Mute.objects.update_or_create(key=incident.key, rule=incident.rule, defaults={"until": until})


def resumable(incident: Incident) -> bool:
    """Whether the partner can let the key work again, as far as can be seen now."""
    return incident.status == Status.SUSPENDED and incident.key.status == Key.Status.SUSPENDED


def _now(key: Key) -> str:
    """The key's status, which stays so until the transaction ends."""
    key.status = Key.objects.select_for_update().values_list("status", flat=True).get(pk=key.pk)
    return str(key.status)


def _decided(by: Actor) -> dict[str, Any]:
    return {"decided_at": clock.now(), "decided_by": by.label}


def _suspend_partner_at(rule: Rule, key: Key) -> None:
    """Where it goes on: so many suspensions of a partner's live keys are the partner's own."""
    since = clock.now() - timedelta(hours=rule.partner_within_hours)
    counted = Incident.objects.for_caller(key.partner_id, Environment.LIVE).filter(rule=rule, created_at__gte=since)
    times = counted.filter(action=Rule.Action.SUSPEND).exclude(status=Status.FALSE_ALARM).count()
    partner = Partner.objects.get(pk=key.partner_id)
    if times >= (rule.partner_after or 0) and partner.status == Partner.Status.ACTIVE:
        words = _("Its live keys were suspended {times} times within {hours} hours: {rule}.")
        reason = str(words).format(times=times, hours=rule.partner_within_hours, rule=rule.name)
        try:
            partners.suspend(partner=partner, reason=reason, by=SYSTEM)
        except StaleState:  # an operator was faster
            return


def _tell_operators(incident: Incident) -> None:
    told = [user for user in User.objects.filter(is_staff=True, is_active=True) if roles.has(user, "abuse:write")]
    notices.tell_all(
        kind="operators_incident",
        users=told,
        cause=incident.public_id,
        partner_name=incident.key.partner.name,
        key_name=incident.key.name,
        rule=incident.rule_name,
        done=incident.get_status_display(),
        found=incident.found,
        incident=str(incident.pk),
    )

"""What the outcomes of attempts mean for their endpoints, and of what its partner is told: each once while it fails.

All of it is decided when an attempt fails or succeeds, so an endpoint to which nothing is sent is neither well nor ill.
"""

import contextlib
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.utils.translation import gettext as _

from core import clock, events
from core.states import StaleState
from webhooks import circuits, endpoints
from webhooks.event_types import WEBHOOK_DISABLE_ANNOUNCED, WEBHOOK_ENDPOINT_FAILING, WEBHOOK_ENDPOINT_RECOVERED
from webhooks.models import Endpoint, Health

if TYPE_CHECKING:
    from webhooks.claims import Outcome

# The team is told when an endpoint fails for so long, which is after the third attempt of a delivery, jitter included.
TOLD_AFTER = timedelta(minutes=4)
LEAST_FAILURES = 3


def note(outcomes: Sequence["Outcome"]) -> None:
    """Count what failed and forget what succeeds again; open and close circuits; tell, announce and disable.

    For the courier's writer, in its transaction, after the deliveries were moved on. An attempt that could not be sent (its
    data is gone, or a fault of ours) says nothing of the endpoint.
    """
    succeeded = {outcome.claimed.endpoint_id for outcome in outcomes if outcome.succeeded}
    failed: dict[UUID, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        if not outcome.succeeded and (outcome.request_headers or outcome.claimed.probe):
            failed[outcome.claimed.endpoint_id].append(outcome)
    Health.objects.bulk_create([Health(endpoint_id=pk) for pk in sorted(failed)], ignore_conflicts=True)
    ill = Health.objects.filter(endpoint__in=failed) | Health.objects.filter(endpoint__in=succeeded, failures__gt=0)
    for health in ill.order_by("endpoint").select_for_update(no_key=True):
        if health.pk in succeeded:
            _recover(health)
        else:
            _fail(health, failed[health.pk])
        health.save()


def _recover(health: Health) -> None:
    if health.told_at is not None:
        _tell(WEBHOOK_ENDPOINT_RECOVERED, health, failing_since=_written(health.failing_since))
    circuits.close(health)


def _fail(health: Health, outcomes: Sequence["Outcome"]) -> None:
    now = clock.now()
    sent = [outcome for outcome in outcomes if outcome.request_headers]
    if any(outcome.claimed.id == health.probe for outcome in outcomes):
        health.probe = None
        health.step += bool(sent)
        health.look_at = now + circuits.probe_wait(health.step) if sent else now
    if sent:
        health.failures += len(sent)
        health.failing_since = health.failing_since or now
        health.last_error = sent[-1].explanation[:500]
    if health.opened_at is None and health.failures >= circuits.FAILURES:
        circuits.open(health)
    elif health.opened_at is None and any(outcome.claimed.probe for outcome in outcomes):
        circuits.release(health.pk)  # closed while the probe was on its way
    if sent:
        _warn(health, now)


def _warn(health: Health, now: datetime) -> None:
    """Tell that it fails; later announce that it will be disabled; at last do so."""
    since = health.failing_since
    disabled_from = circuits.disabled_from(health)
    if since is None or disabled_from is None:
        return
    if health.told_at is None and health.failures >= LEAST_FAILURES and now - since >= TOLD_AFTER:
        health.told_at = now
        facts = {"reason": health.last_error, "failing_since": _written(since), "failures": health.failures}
        _tell(WEBHOOK_ENDPOINT_FAILING, health, **facts)
    if health.announced_at is None and now >= disabled_from - circuits.ANNOUNCED_BEFORE:
        health.announced_at = now
        facts = {"reason": health.last_error, "failing_since": _written(since)}
        _tell(WEBHOOK_DISABLE_ANNOUNCED, health, **facts, disabled_from=_written(circuits.disabled_from(health)))
    elif health.announced_at is not None and now >= disabled_from:
        days = circuits.DISABLED_AFTER.days
        reason = _("No attempt has succeeded for {days} days. The last one: {error}").format(days=days, error=health.last_error)
        with contextlib.suppress(StaleState):
            endpoints.disable(endpoint=_endpoint(health), reason=reason)


def _tell(kind: events.EventType, health: Health, **facts: Any) -> None:
    """Nothing is told of an endpoint that its team has switched off while an attempt was on its way."""
    endpoint = _endpoint(health)
    if endpoint.status == Endpoint.Status.ACTIVE:
        events.emit(
            type=kind,
            partner=endpoint.partner_id,
            environment=endpoint.environment,
            subject=endpoint,
            data={"endpoint_id": endpoint.public_id, "url": endpoint.url, **facts},
        )


def _endpoint(health: Health) -> Endpoint:
    found: Endpoint = Endpoint.objects.defer("secret", "previous_secret").get(pk=health.pk)
    return found


def _written(at: datetime | None) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z") if at else ""

"""A signed test delivery to an address that is no endpoint yet, for the onboarding: made like every delivery, kept nowhere."""

from core import outbound
from core.models import Environment, Event
from partners.models import Partner
from partners.webhook_check import Finding
from webhooks.claims import body_of
from webhooks.courier import signed_headers
from webhooks.event_types import WEBHOOK_TEST
from webhooks.explanations import explain, explain_failure

# Somebody waits for the answer.
PATIENCE = 5.0


def deliver(*, partner: Partner, url: str, secret: str) -> Finding:
    """Post a `webhook.test` to `url`; at most PATIENCE seconds."""
    event = Event(type=WEBHOOK_TEST.name, partner_id=partner.pk, environment=Environment.TEST)
    body = body_of(event, dict(WEBHOOK_TEST.example), type=WEBHOOK_TEST.name, partner=partner.pk)
    headers = signed_headers(message_id=event.public_id, secrets=(secret,), body=body)
    try:
        answer = outbound.post(url, headers=headers, body=body, timeout=PATIENCE)
    except (outbound.Refused, outbound.Unreachable) as failure:
        return Finding(reached=False, words=explain_failure(failure)[:500])
    received = {name.lower(): value for name, value in answer.headers}
    return Finding(reached=200 <= answer.status < 300, words=explain(answer.status, received)[:500])

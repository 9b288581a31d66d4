"""What happens to applications and consents. No event ever holds a secret, a code or a token."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from apikeys.oauth.models import Application, Consent
from core.events import EventType, register

TEXT = {"type": "string"}
LIST = {"type": "array", "items": TEXT}
APPLICATION = {
    "id": TEXT,
    "name": TEXT,
    "environment": {"enum": ["live", "test"]},
    "kind": {"enum": ["confidential", "public"]},
    "grant_types": LIST,
    "scopes": LIST,
}
APPLICATION_EXAMPLE = {
    "id": "app_01jd3x8q4vf2r9kq6m5t7w8y9z",
    "name": "Order sync",
    "environment": "live",
    "kind": "confidential",
    "grant_types": ["client_credentials"],
    "scopes": ["requests:read"],
}
CONSENT = {
    "id": TEXT,
    "application_id": TEXT,
    "application": TEXT,
    "maker": TEXT,
    "partner": TEXT,
    "environment": {"enum": ["live", "test"]},
    "scopes": LIST,
}
CONSENT_EXAMPLE = {
    "id": "con_01jd3xb2m7r8s9t0v1w2x3y4z5",
    "application_id": "app_01jd3x8q4vf2r9kq6m5t7w8y9z",
    "application": "Order sync",
    "maker": "Acme",
    "partner": "Globex",
    "environment": "live",
    "scopes": ["requests:read"],
}


def facts(application: Application) -> dict[str, Any]:
    """What an event says of an application."""
    return {
        "id": application.public_id,
        "name": application.name,
        "environment": str(application.environment),
        "kind": str(application.kind),
        "grant_types": list(application.grant_types),
        "scopes": list(application.scopes),
    }


def consent_facts(consent: Consent) -> dict[str, Any]:
    """What an event says of a consent, to both sides: who made the application, and which partner it acts for."""
    application = consent.application
    return {
        "id": consent.public_id,
        "application_id": application.public_id,
        "application": application.name,
        "maker": application.partner.name,
        "partner": consent.partner.name,
        "environment": str(consent.environment),
        "scopes": list(consent.scopes),
    }


def _of_application(name: str, description: Any, schema: dict[str, Any] | None = None, **example: Any) -> EventType:
    shape = {"type": "object", "required": list(APPLICATION), "properties": {**APPLICATION, **(schema or {})}}
    return EventType(name, description, shape, {**APPLICATION_EXAMPLE, **example})


def _of_consent(name: str, description: Any) -> EventType:
    return EventType(name, description, {"type": "object", "required": list(CONSENT), "properties": CONSENT}, CONSENT_EXAMPLE)


APPLICATION_ISSUED = _of_application("application.issued", _("An application was created."))
APPLICATION_UPDATED = _of_application(
    "application.updated",
    _("An application's settings changed; `changes` has the value before and after of each."),
    {"changes": {"type": "object"}},
    changes={"name": ["Order sync", "Orders"]},
)
SECRET_ROTATED = _of_application(
    "application.secret_rotated",
    _("An application has a new client secret; earlier ones work until `earlier_end_at`."),
    {"hint": TEXT, "earlier_end_at": TEXT},
    hint="pcs_…x7Kq",
    earlier_end_at="2026-01-31T12:00:00+00:00",
)
SECRET_REVOKED = _of_application(
    "application.secret_revoked",
    _("A client secret was revoked, and what the application was given for its own partner with it."),
    {"hint": TEXT},
    hint="pcs_…x7Kq",
)
CREDENTIAL_LEAKED = _of_application(
    "application.credential_leaked",
    _("A client secret or token of the application was reported as leaked, and stopped at once."),
    {"credential": {"enum": ["client_secret", "access_token", "refresh_token"]}},
    credential="client_secret",
)
APPLICATION_DISABLED = _of_application("application.disabled", _("An application was switched off."))
APPLICATION_ENABLED = _of_application("application.enabled", _("An application was switched on again."))
APPLICATION_REVOKED = _of_application("application.revoked", _("An application was ended for good."), {"reason": TEXT}, reason="")
APPLICATION_CONNECTED = _of_consent("application.connected", _("A partner let your application act for it."))
APPLICATION_DISCONNECTED = _of_consent("application.disconnected", _("A partner's consent to your application has ended."))

CONSENT_GIVEN = _of_consent("consent.given", _("An application of another partner may act for you."))
CONSENT_REVOKED = _of_consent("consent.revoked", _("An application may no longer act for you."))
REUSE_DETECTED = _of_consent(
    "consent.reuse_detected",
    _("A code or refresh token was used twice, so somebody may have copied it. What had come of it stopped at once."),
)

SIGNING_KEY_ROTATED = EventType("signing_key.rotated", _("A new key signs access tokens."), internal=True)

register(
    APPLICATION_ISSUED,
    APPLICATION_UPDATED,
    SECRET_ROTATED,
    SECRET_REVOKED,
    CREDENTIAL_LEAKED,
    APPLICATION_DISABLED,
    APPLICATION_ENABLED,
    APPLICATION_REVOKED,
    APPLICATION_CONNECTED,
    APPLICATION_DISCONNECTED,
    CONSENT_GIVEN,
    CONSENT_REVOKED,
    REUSE_DETECTED,
    SIGNING_KEY_ROTATED,
)

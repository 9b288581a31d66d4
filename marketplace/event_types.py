"""Event types of the marketplace."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from core.events import EventType, register


def _schema(*required: str, **properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": list(required), "properties": properties}


TEXT = {"type": "string"}
STATUS = {"enum": ["draft", "in_review", "approved", "rejected", "published", "unpublished", "suspended"]}
_INTEGRATION = _schema(
    "integration_id",
    "slug",
    "name",
    "status",
    integration_id=TEXT,
    slug=TEXT,
    name=TEXT,
    status=STATUS,
    version=TEXT,
    reason=TEXT,
)
_EXAMPLE = {
    "integration_id": "int_01k9z3v8w2f5hs7x1p4m6q0c9d",
    "slug": "weather",
    "name": "Weather",
    "status": "published",
    "version": "1.0.0",
}
_INSTALLATION = _schema(
    "installation_id",
    "integration_id",
    "slug",
    "scopes",
    installation_id=TEXT,
    integration_id=TEXT,
    slug=TEXT,
    version=TEXT,
    scopes={"type": "array", "items": TEXT},
)
_INSTALLED = {
    "installation_id": "ins_01k9z3v8w2f5hs7x1p4m6q0c9e",
    "integration_id": "int_01k9z3v8w2f5hs7x1p4m6q0c9d",
    "slug": "weather",
    "version": "1.0.0",
    "scopes": ["requests:read"],
}


def _integration(name: str, description: Any, **example: str) -> EventType:
    return EventType(f"integration.{name}", description, _INTEGRATION, {**_EXAMPLE, **example})


def _installation(name: str, description: Any) -> EventType:
    return EventType(f"installation.{name}", description, _INSTALLATION, _INSTALLED)


INTEGRATION_CREATED = _integration("created", _("An integration was created as a draft."), status="draft")
INTEGRATION_UPDATED = _integration("updated", _("An integration's description, terms or upstream changed."), status="draft")
INTEGRATION_DELETED = _integration("deleted", _("An integration that was never published was deleted."), status="draft")
INTEGRATION_SUBMITTED = _integration("submitted", _("An integration was handed in for review."), status="in_review")
INTEGRATION_APPROVED = _integration(
    "approved", _("An operator approved an integration; its partner can publish it."), status="approved"
)
CHANGES_REQUESTED = _integration(
    "changes_requested",
    _("An operator asks for changes before an integration can be approved."),
    status="draft",
    reason="The upstream answers 401 to every call.",
)
INTEGRATION_REJECTED = _integration(
    "rejected", _("An operator rejected an integration for good."), status="rejected", reason="It resells another partner's data."
)
INTEGRATION_PUBLISHED = _integration("published", _("An integration can be found and installed in the marketplace."))
INTEGRATION_UNPUBLISHED = _integration(
    "unpublished", _("An integration left the marketplace; those who have it keep it."), status="unpublished"
)
INTEGRATION_SUSPENDED = _integration(
    "suspended",
    _("An operator stopped an integration; calls to it are refused."),
    status="suspended",
    reason="Leaked personal data.",
)
INTEGRATION_REINSTATED = _integration("reinstated", _("An operator lifted an integration's suspension."), status="unpublished")
_UPSTREAM = _schema("integration_id", "slug", "name", integration_id=TEXT, slug=TEXT, name=TEXT, error=TEXT)
_OF_UPSTREAM = {name: _EXAMPLE[name] for name in ("integration_id", "slug", "name")}
UPSTREAM_DOWN = EventType(
    "integration.upstream_down",
    _("The API behind an integration has been failing for a while; calls to it are refused until it answers again."),
    _UPSTREAM,
    {**_OF_UPSTREAM, "error": "It did not answer in time."},
)
UPSTREAM_RESTORED = EventType(
    "integration.upstream_restored", _("The API behind an integration answers again."), _UPSTREAM, _OF_UPSTREAM
)
VERSION_RELEASED = _integration("version_released", _("An integration has a new version."))
INSTALLATION_CREATED = _installation("created", _("A partner installed an integration."))
INSTALLATION_REMOVED = _installation("removed", _("A partner uninstalled an integration."))
INTEGRATION_INSTALLED = _integration("installed", _("Another partner installed your integration."))
INTEGRATION_UNINSTALLED = _integration("uninstalled", _("Another partner uninstalled your integration."))

register(
    INTEGRATION_CREATED,
    INTEGRATION_UPDATED,
    INTEGRATION_DELETED,
    INTEGRATION_SUBMITTED,
    INTEGRATION_APPROVED,
    CHANGES_REQUESTED,
    INTEGRATION_REJECTED,
    INTEGRATION_PUBLISHED,
    INTEGRATION_UNPUBLISHED,
    INTEGRATION_SUSPENDED,
    INTEGRATION_REINSTATED,
    UPSTREAM_DOWN,
    UPSTREAM_RESTORED,
    VERSION_RELEASED,
    INSTALLATION_CREATED,
    INSTALLATION_REMOVED,
    INTEGRATION_INSTALLED,
    INTEGRATION_UNINSTALLED,
)

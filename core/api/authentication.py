"""Who calls: read from the identity that the gateway signed, and from nowhere else."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from core.actors import Actor
from core.identity import Kind
from core.middleware import Call
from core.models import Environment


@dataclass(frozen=True, slots=True)
class Caller:
    """The authenticated caller: a partner's key or an application for it, in one environment, an operator's token, or nobody."""

    kind: Kind
    partner_id: UUID | None
    environment: str
    credential_id: UUID | None
    label: str
    scopes: frozenset[str]
    call: Call

    @property
    def is_authenticated(self) -> bool:
        """What the REST framework asks of a user."""
        return self.kind != "anonymous"

    @property
    def name(self) -> str:
        """Identifies the caller among all others; the owner of its idempotency keys."""
        if self.kind == "operator":
            return f"operator:{self.credential_id}"
        if self.kind == "application" and self.credential_id and self.partner_id:  # it reads no answers but its own
            return f"app:{self.credential_id.hex}:{self.partner_id.hex}:{self.environment}"
        if self.partner_id:
            return f"partner:{self.partner_id}:{self.environment}"
        return f"address:{self.call.address}"

    @property
    def actor(self) -> Actor:
        """The caller as the audit log keeps it."""
        kinds = {"key": "key", "application": "application", "operator": "operator", "anonymous": "public"}
        kind: Any = kinds[self.kind]
        return Actor(kind, self.credential_id, self.label, self.call.address, self.call.id)

    def has_scope(self, scope: str) -> bool:
        """Whether the credential carries the scope, or all of them (`*`)."""
        return scope in self.scopes or "*" in self.scopes


class GatewayIdentity(BaseAuthentication):
    """The only authentication class. A request that did not come through the gateway is anonymous."""

    def authenticate(self, request: Request) -> tuple[Caller, None]:
        call: Call = request._request.call  # type: ignore[attr-defined]  # by core.middleware
        identity = call.identity
        if identity is None:
            return Caller("anonymous", None, Environment.LIVE, None, "", frozenset(), call), None
        return (
            Caller(
                kind=identity.kind,
                partner_id=UUID(identity.partner) if identity.partner else None,
                environment=identity.environment,
                credential_id=UUID(identity.credential) if identity.credential else None,
                label=identity.label,
                scopes=frozenset(identity.scopes),
                call=call,
            ),
            None,
        )

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="portico"'


class GatewayIdentityScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # untyped there
    """How the OpenAPI document describes it: as the client sees it."""

    target_class = GatewayIdentity
    name = ["apiKey", "bearer"]

    def get_security_definition(self, auto_schema: Any) -> list[dict[str, str]]:
        return [
            {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            {"type": "http", "scheme": "bearer", "description": "An API key, an access token, or an operator's token."},
        ]

    def get_security_requirement(self, auto_schema: Any) -> list[dict[str, list[str]]]:
        return [{"apiKey": []}, {"bearer": []}]

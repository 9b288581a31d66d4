"""Programs that call Django as the gateway lets them through: with a signed identity."""

import json
import time
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.conf import settings
from django.test import Client

from core import ids
from core.identity import Identity, sign


@dataclass(frozen=True)
class Caller:
    """One identity: `kind` is key, operator or anonymous. `expect` is the wanted status; the answer's body is given back."""

    kind: str
    partner: UUID | None = None
    environment: str = "live"
    scopes: tuple[str, ...] = ("*",)
    credential: UUID = field(default_factory=ids.new)
    client: Client = field(default_factory=lambda: Client(raise_request_exception=False))

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        return self.send_to(method, f"/api/{'operator' if self.kind == 'operator' else 'partner'}/v1{path}", body, **headers)

    def send_to(self, method: str, place: str, body: Any = None, **headers: str) -> Any:
        """The same for a whole path."""
        identity = Identity(
            call_id=ids.new().hex,
            method=method,
            path=place.split("?")[0],
            at=int(time.time()),
            address="203.0.113.9",
            kind=self.kind,
            partner=self.partner.hex if self.partner else "",
            environment=self.environment,
            credential="" if self.kind == "anonymous" else self.credential.hex,
            label=f"a {self.kind}",
            scopes=self.scopes,
        )
        signed = sign(identity, settings.IDENTITY_KEY.encode())
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        return self.client.generic(
            method, place, raw, content_type="application/json", headers={"Portico-Identity": signed, **headers}
        )

    def get(self, path: str, expect: int = 200) -> Any:
        return _body(self.send("GET", path), expect)

    def post(self, path: str, body: Any = None, expect: int = 201, **headers: str) -> Any:
        return _body(self.send("POST", path, body, **headers), expect)

    def put(self, path: str, body: Any = None, expect: int = 200) -> Any:
        return _body(self.send("PUT", path, body), expect)

    def patch(self, path: str, body: Any = None, expect: int = 200) -> Any:
        return _body(self.send("PATCH", path, body), expect)

    def delete(self, path: str, expect: int = 204) -> Any:
        return _body(self.send("DELETE", path), expect)


def _body(response: Any, expect: int) -> Any:
    assert response.status_code == expect, (response.status_code, response.content.decode())
    return response.json() if response.content else None

"""A caller as the gateway lets it through: requests to Django with a signed identity."""

import json
import time
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.conf import settings
from django.test import Client

from core import ids
from core.identity import Identity, sign


@dataclass
class Caller:
    """A credential, with every scope unless said otherwise. `caller("GET", "/keys", expect=200)` gives the answer's JSON."""

    client: Client
    kind: Any = "key"
    partner: Any = None
    environment: str = "live"
    scopes: tuple[str, ...] = ("*",)
    credential: UUID = field(default_factory=ids.new)

    def __call__(self, method: str, path: str, body: Any = None, *, expect: int) -> Any:
        root = f"/api/{'operator' if self.kind == 'operator' else 'partner'}/v1"
        identity = Identity(
            call_id=ids.new().hex,
            method=method,
            path=root + path.partition("?")[0],
            at=int(time.time()),
            kind=self.kind,
            partner=self.partner.pk.hex if self.partner else "",
            environment=self.environment,
            credential="" if self.kind == "anonymous" else self.credential.hex,
            scopes=self.scopes,
        )
        answer = self.client.generic(
            method,
            root + path,
            b"" if body is None else json.dumps(body).encode(),
            content_type="application/json",
            headers={"Portico-Identity": sign(identity, settings.IDENTITY_KEY.encode())},
        )
        assert answer.status_code == expect, answer.content.decode()
        return answer.json() if answer.content else None

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.test import Client

from core import ids
from core.identity import Identity, sign

Call = Callable[..., HttpResponse]


@pytest.fixture
def call(client: Client) -> Call:
    """Call Django as the gateway does: with a signed identity. `identity` overrides its fields; None sends none."""
    client.raise_request_exception = False

    def send(method: str, path: str, body: Any = None, identity: dict[str, Any] | None = None, **headers: str) -> HttpResponse:
        facts = {"call_id": ids.new().hex, "method": method, "path": path, "at": int(time.time()), "address": "203.0.113.9"}
        facts |= {"kind": "key", "partner": ids.new().hex, "credential": ids.new().hex, "scopes": ("notes:read", "notes:write")}
        signed = sign(Identity(**(facts | (identity or {}))), settings.IDENTITY_KEY.encode())
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return client.generic(
            method,
            path,
            raw,
            content_type=headers.pop("content_type", "application/json"),
            headers={"Portico-Identity": signed, **headers},
        )

    return send

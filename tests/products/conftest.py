"""Partners and operators that call the products as the gateway lets them through: with a signed identity."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings
from django.test import Client

from core import clock, ids
from core.identity import Identity, sign


@dataclass(frozen=True)
class Caller:
    """Sends requests to Django under one identity; `expect` gives the body of an answer of the wanted status."""

    client: Client
    kind: str
    partner: UUID | None = None
    environment: str = "live"
    scopes: tuple[str, ...] = ("*",)
    credential: UUID = field(default_factory=ids.new)

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        place = f"/api/{'operator' if self.kind == 'operator' else 'partner'}/v1{path}"
        identity = Identity(
            call_id=ids.new().hex,
            method=method,
            path=place.split("?")[0],
            at=int(time.time()),
            address="203.0.113.9",
            kind=self.kind,
            partner=self.partner.hex if self.partner else "",
            environment=self.environment,
            credential=self.credential.hex,
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


def _body(response: Any, expect: int) -> Any:
    assert response.status_code == expect, response.content.decode()
    return response.json()


@pytest.fixture
def partner_named(db: None) -> Callable[[str], Any]:
    """Make an active partner."""
    from partners.models import Partner, Tier

    tier = Tier.objects.filter(slug="free").first() or Tier.objects.create(slug="free", name="Free", rank=900)

    def make(name: str) -> Any:
        return Partner.objects.create(
            slug=name.lower(), name=name, tier=tier, status=Partner.Status.ACTIVE, activated_at=clock.now()
        )

    return make


@pytest.fixture
def acme(client: Client, partner_named: Callable[[str], Any]) -> Caller:
    return Caller(client, "key", partner_named("Acme").pk)


@pytest.fixture
def globex(client: Client, partner_named: Callable[[str], Any]) -> Caller:
    return Caller(client, "key", partner_named("Globex").pk)


@pytest.fixture
def operator(client: Client, db: None) -> Caller:
    return Caller(client, "operator", credential=ids.new())


@pytest.fixture
def tick() -> Iterator[Callable[..., None]]:
    """Move the clock: `tick(minutes=5)`."""

    def move(**duration: float) -> None:
        clock.tick(timedelta(**duration))

    yield move
    clock.reset()


@pytest.fixture
def handling() -> Iterator[Callable[..., None]]:
    """Register a handler for the test's time: `handling("TYPE", function)`."""
    from products.requests import handlers

    before = dict(handlers.HANDLERS)

    def register(type: str, run: Callable[[Any], Any], **options: Any) -> None:
        handlers.register(handlers.Handler(type, run, **options))

    yield register
    handlers.HANDLERS.clear()
    handlers.HANDLERS.update(before)


@pytest.fixture
def emitted() -> Callable[[], list[str]]:
    """The types of the events so far, oldest first."""
    from core.models import Event

    return lambda: list(Event.objects.order_by("id").values_list("type", flat=True))

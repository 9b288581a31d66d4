"""The routes of the API as the OpenAPI document names them, with a body for each, and objects for their ids."""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from secrets import token_hex
from typing import Any

from tests.partners import files
from tests.platform import Member
from tests.platform import member as make_member

ROOT = "/api/partner/v1"
METHODS = ("get", "post", "put", "patch", "delete")

Maker = Callable[[Member], str]


def _posted(path: str, body: dict[str, Any], name: str = "id") -> Maker:
    return lambda member: str(member.api.post(path, body).expect(201)[name])


def _delivery(member: Member) -> str:
    endpoint = MAKERS["webhooks"](member)
    return str(member.api.post(f"/webhooks/{endpoint}/test", {}).expect(202)["delivery_id"])


def _replay(member: Member) -> str:
    """Of a delivery that was given up."""
    from webhooks.models import Delivery

    made = Delivery.objects.public(_delivery(member)).get()
    Delivery.objects.filter(pk=made.pk).update(status=Delivery.Status.FAILED)
    return str(member.api.post(f"/webhooks/{made.endpoint.public_id}/replay", {}).expect(202)["replay_id"])


def _event(member: Member) -> str:
    from core import relay

    MAKERS["requests"](member)
    relay.seal()
    return str(member.api.get("/events").expect(200)["data"][0]["id"])


def _invoice(member: Member) -> str:
    from billing.models import Closing, Invoice

    start, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
    closing = Closing.objects.create(partner=member.partner, month=start.date(), until=end)
    facts = {
        "number": f"T-{closing.pk}",
        "status": "open",
        "currency": "USD",
        "total_minor": 100,
        "issued_at": end,
        "due_at": end,
    }
    period = {"period_start": start, "period_end": end}
    made = Invoice.objects.create(partner=member.partner, environment="live", closing=closing, **facts, **period)
    return made.public_id


def _payout(member: Member) -> str:
    from billing.models import Payout

    facts = {"amount_minor": 100, "currency": "USD", "processor": "manual", "destination": "{}", "destination_hint": "…0000"}
    return Payout.objects.create(partner=member.partner, environment="live", **facts).public_id


def _notification(member: Member) -> str:
    from core.models import User
    from partners.models import Notice

    person = User.objects.create_user(f"{token_hex(4)}@tenancy.example")
    facts = {"partner": member.partner.name, "slug": member.partner.slug}
    told = {"user": person, "partner": member.partner, "facts": facts, "in_portal": True, "due_at": None}
    return Notice.objects.create(kind="partner_activated", cause=token_hex(4), **told).public_id


def _document(member: Member) -> str:
    parts = [
        b'--x\r\nContent-Disposition: form-data; name="kind"\r\n\r\nregistration\r\n',
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\n' + files.pdf() + b"\r\n--x--\r\n",
    ]
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = member.gateway.post(f"{ROOT}/partner/documents", b"".join(parts), key=member.api.key, headers=headers)
    return str(answer.expect(201)["id"])


def _person(member: Member) -> str:
    from core.actors import SYSTEM
    from core.models import User
    from partners import members

    user = User.objects.create_user(f"{token_hex(4)}@tenancy.example")
    return members.add(partner=member.partner, user=user, role="viewer", by=SYSTEM).public_id


def _call(member: Member) -> str:
    """A call that usage has heard of: the gateway sends what it carried within 100 ms."""
    from usage import ingest

    call_id = member.api.get("/requests").headers["x-request-id"]
    deadline = time.monotonic() + 10
    while member.api.get(f"/usage/requests/{call_id}").status == 404 and time.monotonic() < deadline:
        ingest.step()
    return call_id


def _integration(member: Member) -> str:
    body = {
        "slug": f"tenancy-{token_hex(4)}",
        "name": "Tenancy",
        "summary": "Whose is it?",
        "upstream_url": "https://upstream.example",
    }
    return str(member.api.post("/integrations", body).expect(201)["id"])


def _installation(member: Member) -> str:
    """Of an integration that another partner sells."""
    from core.actors import SYSTEM
    from marketplace import integrations
    from marketplace.models import Integration

    seller = make_member(member.gateway, "Seller")
    made = Integration.objects.public(_integration(seller)).get()
    for verb in (integrations.submit, integrations.approve, integrations.publish):
        made.refresh_from_db()
        verb(integration=made, by=SYSTEM)
    return str(member.api.post(f"/marketplace/integrations/{made.slug}/install", {}).expect(201)["id"])


def _consent(member: Member) -> str:
    from apikeys.models import Application, Consent

    name, made = f"Tenancy {token_hex(4)}", {"grant_types": ["client_credentials"], "scopes": ["partner:read"]}
    member.api.post("/applications", {"name": name, **made}).expect(201)
    application = Application.objects.get(partner=member.partner, name=name)
    facts = {"partner": member.partner, "environment": "live", "scopes": ["partner:read"]}
    return Consent.objects.create(application=application, **facts).public_id


# How an object of the kind that stands before the id in a path comes to be; each gives its id.
MAKERS: dict[str, Maker] = {
    "applications": _posted(
        "/applications", {"name": "Tenancy", "grant_types": ["client_credentials"], "scopes": ["partner:read"]}
    ),
    "billing/invoices": _invoice,
    "billing/payouts": _payout,
    "consents": _consent,
    "deliveries": _delivery,
    "events": _event,
    "installations": _installation,
    "integrations": _integration,
    "keys": _posted("/keys", {"name": "Tenancy", "environment": "live", "scopes": ["partner:read"]}),
    "notifications": _notification,
    "partner/documents": _document,
    "partner/invitations": lambda member: str(
        member.api.post("/partner/invitations", {"email": f"{token_hex(4)}@tenancy.example", "role": "viewer"}).expect(201)["id"]
    ),
    "partner/members": _person,
    "partner/tier-requests": _posted("/partner/tier-requests", {"tier": "basic"}),
    "replays": _replay,
    "requests": _posted("/requests", {"type": "TENANCY", "payload": {}}, "requestId"),
    "usage/requests": _call,
    "webhooks": _posted("/webhooks", {"url": "http://127.0.0.1:19999/hooks", "event_types": ["request.*"]}),
}


@dataclass(frozen=True)
class Route:
    """One operation of the document; `kind` is what its path names by id, if anything; `fields` are its body's, `query` the
    names of its parameters."""

    method: str
    path: str
    audience: str
    body: Any
    fields: tuple[str, ...] = ()
    query: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        return self.path.removeprefix(f"{ROOT}/").split("/{", 1)[0]

    @property
    def has_id(self) -> bool:
        return "{" in self.path

    def with_id(self, public_id: str) -> str:
        """The path for this object; further parameters get ids that name nothing."""
        first = re.sub(r"\{\w+\}", public_id, self.path, count=1)
        return re.sub(r"\{\w+\}", "nothing", first)

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def read(document: dict[str, Any]) -> Iterator[Route]:
    """Every operation of an OpenAPI document."""
    for path, operations in document["paths"].items():
        for method in METHODS:
            if method in operations:
                operation = operations[method]
                yield Route(
                    method.upper(),
                    path,
                    _audience(path, operation),
                    _body(operation, document),
                    _fields(operation, document),
                    tuple(part["name"] for part in operation.get("parameters", ()) if part["in"] == "query"),
                )


def _audience(path: str, operation: dict[str, Any]) -> str:
    if operation.get("security") == [{}]:
        return "public"
    return "operator" if path.startswith("/api/operator/") else "partner"


def _body(operation: dict[str, Any], document: dict[str, Any]) -> Any:
    """A body that the operation takes, made from the document's own words."""
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if content is None:
        return None
    for example in content.get("examples", {}).values():
        return example["value"]
    return _value(content.get("schema", {}), document)


def _fields(operation: dict[str, Any], document: dict[str, Any]) -> tuple[str, ...]:
    schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    return tuple(schema.get("properties", {}))


def _value(schema: dict[str, Any], document: dict[str, Any]) -> Any:
    if "$ref" in schema:
        return _value(document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]], document)
    for name in ("allOf", "oneOf", "anyOf"):
        if name in schema:
            return _value(schema[name][0], document)
    for name in ("example", "default"):
        if schema.get(name) is not None:
            return schema[name]
    if schema.get("enum"):
        return schema["enum"][0]
    kind = schema.get("type", "object")
    kind = next((each for each in kind if each != "null"), "string") if isinstance(kind, list) else kind
    if kind == "object":
        wanted = schema.get("required", [])
        return {name: _value(part, document) for name, part in schema.get("properties", {}).items() if name in wanted}
    usual = {"uri": "https://example.com/", "email": "someone@example.com", "date-time": "2030-01-01T00:00:00Z"}
    return {"array": [], "integer": schema.get("minimum", 1), "number": 1, "boolean": False}.get(
        kind, usual.get(schema.get("format", ""), "example")
    )

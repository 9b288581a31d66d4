"""The OpenAPI document: operation ids, scopes, the problems that every operation can answer with."""

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import force_instance

from core import problems
from core.api.serializers import Strict

PROBLEM = {
    "type": "object",
    "description": "A problem document (RFC 9457).",
    "required": ["type", "title", "status", "detail", "code", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "request_id": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"pointer": {"type": "string"}, "code": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
    },
}
# What parameters are called alike for, where their filter doesn't say it.
PARAMETERS = {
    "slug": "The name in its address.",
    "name": "Its name, such as `course.completed`.",
    "partner_id": "Of this partner only.",
    "since": "From this instant on (RFC 3339).",
    "until": "Before this instant (RFC 3339).",
    "subject": "About the thing with this id.",
    "actor": "Done by this kind of actor: `member`, `key`, `operator` or `system`.",
    "type": "Of this type only.",
    "event_type": "Of this event type only.",
    "family": "Of the types that begin so only, such as `course`.",
    "status": "In this state only.",
    "tier": "On the tier of this slug.",
    "category": "In the category of this slug, or one within it.",
    "q": "Words to search for.",
    "secret_id": "The client secret's id, `cls_…`.",
    "kind": "Of this kind only.",
    "unread": "`true` leaves out what was read.",
    "deleted": "`true` shows deleted ones, which are left out else.",
    "format": "`json`, or `csv` for a file.",
}
TAGS = [
    {"name": "register", "description": "How a new partner gets in"},
    {"name": "partner", "description": "Your organisation: profile, onboarding, documents, team, audit log"},
    {"name": "notifications", "description": "What the team is told, and what each member wants to be told"},
    {"name": "terms", "description": "The terms of service, by version"},
    {"name": "keys", "description": "Credentials: create, rotate, revoke, verify"},
    {"name": "applications", "description": "OAuth 2.0 applications, and what they may do"},
    {"name": "consents", "description": "Applications of other partners that may act for you"},
    {"name": "auth", "description": "OAuth 2.0 endpoints: tokens, their end, and what there is to know of them"},
    {"name": "scopes", "description": "What a credential may be allowed to do"},
    {"name": "requests", "description": "Work that is handed in, and its results"},
    {"name": "webhooks", "description": "Endpoints that are told what happens"},
    {"name": "deliveries", "description": "Each message to an endpoint, with its attempts"},
    {"name": "replays", "description": "Deliveries of the past, sent again, and how far that is"},
    {"name": "events", "description": "What happened"},
    {"name": "event-types", "description": "The catalogue, with a schema and an example of each"},
    {"name": "usage", "description": "Calls, errors, latencies, limits"},
    {"name": "marketplace", "description": "Browse and install what other partners sell"},
    {"name": "installations", "description": "What you have installed"},
    {"name": "integrations", "description": "What partners sell"},
    {"name": "billing", "description": "Prices, invoices, earnings, balance, payouts"},
    {"name": "payouts", "description": "Payouts to partners"},
    {"name": "prices", "description": "Try a price before it goes live"},
    {"name": "tiers", "description": "The ladder of plans"},
    {"name": "partners", "description": "Partners"},
    {"name": "documents", "description": "What partners upload to be verified"},
    {"name": "audit", "description": "Whether the log of events is whole"},
    {"name": "ledger", "description": "Whether the books balance"},
    {"name": "health", "description": "Whether we are there, and who you are"},
]
IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Makes the request safe to repeat for 24 hours: the same key and body get the same answer.",
    "schema": {"type": "string", "maxLength": 255},
}


class OperationSchema(AutoSchema):
    """drf-spectacular's, with the scope in words and `Idempotency-Key` on every POST."""

    def _map_basic_serializer(self, serializer: Any, direction: str) -> Any:
        schema: dict[str, Any] = super()._map_basic_serializer(serializer, direction)  # type: ignore[no-untyped-call]  # untyped there
        if direction == "request" and isinstance(force_instance(serializer), Strict):  # type: ignore[no-untyped-call]  # untyped there
            schema["additionalProperties"] = False
        return schema

    def _insert_field_validators(self, field: Any, schema: dict[str, Any]) -> None:
        """As the package's; what may be empty has no format, for "" would break it."""
        super()._insert_field_validators(field, schema)  # type: ignore[no-untyped-call]  # untyped there
        if schema.get("format") in {"email", "uri"} and _may_be_blank(field):
            del schema["format"]

    def get_description(self) -> str:  # type: ignore[override]  # the package types nothing
        text = str(super().get_description() or "")
        scope = self._scope()
        return f"{text}\n\nNeeds the scope `{scope}`." if scope else text

    def get_extensions(self) -> dict[str, Any]:
        scope = self._scope()
        return {**super().get_extensions(), **({"x-scope": scope} if scope else {})}

    def get_auth(self) -> list[dict[str, list[str]]]:
        audience = getattr(self.view, "audience", "partner")
        if audience == "public":
            return [{}]
        if audience == "operator":
            return [{"bearer": []}]
        found: list[dict[str, list[str]]] = super().get_auth()
        return found

    def _get_parameters(self) -> list[dict[str, Any]]:
        parameters: list[dict[str, Any]] = super()._get_parameters()
        for each in parameters:
            if not each.get("description") and (text := self._told(each["name"])):
                each["description"] = text
        heeds = self.method == "POST" and getattr(self.view, "heeds_idempotency_key", True)
        return [*parameters, IDEMPOTENCY_KEY] if heeds else parameters

    def _get_filter_parameters(self) -> list[dict[str, Any]]:
        """A filter that is left empty is left out."""
        found = super()._get_filter_parameters()  # type: ignore[no-untyped-call]  # untyped there
        return [{**each, "allowEmptyValue": True} for each in found]

    def _told(self, parameter: str) -> str:
        if parameter != "public_id":
            return PARAMETERS.get(parameter, "")
        model = getattr(getattr(self.view, "queryset", None), "model", None)
        prefix = getattr(model, "id_prefix", "")
        return f"Its id, `{prefix}_…`." if prefix else "Its id."

    def _scope(self) -> str | None:
        view = self.view
        scope: str | None = view.scope_for(self.method, getattr(view, "action", None)) if hasattr(view, "scope_for") else None
        return scope


def _may_be_blank(field: Any) -> bool:
    model = getattr(getattr(field.parent, "Meta", None), "model", None)
    if model is None or not field.read_only:
        return bool(getattr(field, "allow_blank", False))
    columns = {column.name: column for column in model._meta.get_fields()}
    return bool(getattr(columns.get(field.source), "blank", False))


def describe_problems(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Postprocessing hook: the Problem schema, the list of codes, and a `default` answer on each operation."""
    components = result.setdefault("components", {})
    result["tags"] = TAGS
    code = {"type": "string", "enum": list(problems.catalogue())}
    schema = {**PROBLEM, "properties": {**PROBLEM["properties"], "code": code}}  # type: ignore[dict-item]  # it has names there
    components.setdefault("schemas", {})["Problem"] = schema
    content = {problems.CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    components.setdefault("responses", {})["Problem"] = {
        "description": "The request was refused; `code` says why.",
        "content": content,
    }
    for path in result.get("paths", {}).values():
        for operation in path.values():
            if isinstance(operation, dict) and "responses" in operation:
                operation["responses"].setdefault("default", {"$ref": "#/components/responses/Problem"})
                if _needs_no_body(operation.get("requestBody", {}), components["schemas"]):
                    operation["requestBody"]["required"] = False
    return result


def _needs_no_body(body: dict[str, Any], schemas: dict[str, Any]) -> bool:
    """Whether nothing in the body is required, so that none is as good as an empty one."""
    named = [media["schema"].get("$ref", "").rpartition("/")[2] for media in body.get("content", {}).values()]
    return any(name in schemas and "properties" in schemas[name] and not schemas[name].get("required") for name in named)

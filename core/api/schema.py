"""The OpenAPI document: operation ids, scopes, the problems that every operation can answer with."""

from typing import Any

from drf_spectacular.openapi import AutoSchema

from core import problems

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
IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Makes the request safe to repeat for 24 hours: the same key and body get the same answer.",
    "schema": {"type": "string", "maxLength": 255},
}


class OperationSchema(AutoSchema):
    """drf-spectacular's, with the scope in words and `Idempotency-Key` on every POST."""

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
        return [*parameters, IDEMPOTENCY_KEY] if self.method == "POST" else parameters

    def _scope(self) -> str | None:
        view = self.view
        scope: str | None = view.scope_for(self.method, getattr(view, "action", None)) if hasattr(view, "scope_for") else None
        return scope


def describe_problems(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Postprocessing hook: the Problem schema, the list of codes, and a `default` answer on each operation."""
    components = result.setdefault("components", {})
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
    return result

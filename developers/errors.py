"""What a developer should know of each problem code beyond its own words."""

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from core import problems
from core.problems import Problem
from developers.guides import GUIDES

EXAMPLE_ID = "call_01jd3qz6v8e9xtqk7n5m2c4b1a"

# What the placeholders of a detail may stand for, in examples.
FACTS: dict[str, Any] = {
    "address": "203.0.113.9",
    "scope": "webhooks:write",
    "tier": "Professional",
    "method": "PUT",
    "allowed": "GET, POST",
    "limit": "1000",
    "window": "60",
    "needed": "requests:read requests:write",
    "scopes": "webhooks:write",
    "status": "published",
    "number": "1.1.0",
    "missing": "Documents",
    "name": "shipment.delivered",
    "most": "100",
    "pattern": "shipmnet.*",
}
# Where the same placeholder stands for another kind of thing.
FACTS_OF: dict[str, dict[str, Any]] = {"body_too_large": {"limit": "10485760"}}

REPEAT = {
    400: _("Repeating the same request gives the same answer. Mend it first."),
    401: _("Repeating it with the same credential gives the same answer."),
    403: _("Repeating it with the same credential gives the same answer until somebody changes what it may do."),
    404: _("Repeating it gives the same answer until the thing exists."),
    409: _("Read the present state first, then decide whether the request still makes sense."),
    429: _("Wait for as many seconds as Retry-After says, then repeat it. Spread retries at random."),
    500: _("Repeat it with the same Idempotency-Key; if it stays, tell support the request_id."),
    502: _("Repeat it with back-off and the same Idempotency-Key."),
    503: _("Repeat it after Retry-After, with the same Idempotency-Key."),
    504: _("The outcome isn’t known. Repeat it with the same Idempotency-Key, or look first."),
}
HEADERS = {
    401: {"WWW-Authenticate": 'Bearer realm="portico", error="{code}"'},
    405: {"Allow": "GET, POST"},
    429: {"Retry-After": "17"},
    503: {"Retry-After": "5"},
}


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """One code as its page shows it."""

    code: str
    status: int
    title: str
    detail: str
    why: str | Promise
    steps: tuple[str | Promise, ...]
    repeat: str | Promise
    headers: dict[str, str]
    document: dict[str, Any]

    @property
    def answer(self) -> str:
        """An answer with it, as it comes over the wire."""
        phrase = HTTPStatus(self.status).phrase
        head = {"Content-Type": problems.CONTENT_TYPE, "X-Request-Id": EXAMPLE_ID, **self.headers}
        lines = [f"HTTP/1.1 {self.status} {phrase}", *(f"{name}: {value}" for name, value in head.items())]
        return "\n".join([*lines, "", json.dumps(self.document, indent=2, ensure_ascii=False)])


def describe(kind: type[Problem]) -> ErrorCode:
    """The page of one problem."""
    document = _example(kind)
    return ErrorCode(
        code=kind.code,
        status=kind.status,
        title=str(kind.title),
        detail=document["detail"],
        why=GUIDES[kind.code].why,
        steps=GUIDES[kind.code].steps,
        repeat=REPEAT.get(kind.status, REPEAT[400]),
        headers={name: value.replace("{code}", kind.code) for name, value in HEADERS.get(kind.status, {}).items()},
        document=document,
    )


def catalogue() -> list[ErrorCode]:
    """All of them, by status."""
    return [describe(kind) for kind in problems.catalogue().values()]


def _example(kind: type[Problem]) -> dict[str, Any]:
    if issubclass(kind, problems.ValidationError):
        errors = [{"pointer": "/url", "code": "required", "detail": str(_("This field is required."))}]
        return kind(errors).document(request_id=EXAMPLE_ID, base_url=settings.BASE_URL)
    facts = FACTS | FACTS_OF.get(kind.code, {})
    detail = _filled(str(kind.detail), facts)
    members = {name: facts[name] for name in kind.members if name in facts}
    return kind(detail.replace("{", "{{").replace("}", "}}"), **members).document(
        request_id=EXAMPLE_ID, base_url=settings.BASE_URL
    )


def _filled(detail: str, facts: dict[str, Any]) -> str:
    for name, value in facts.items():
        detail = detail.replace(f"{{{name}}}", str(value))
    return detail

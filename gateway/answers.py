"""Answers that the gateway gives itself."""

from typing import Any

import msgspec
from django.conf import settings

from core.problems import CONTENT_TYPE, Problem
from gateway.calls import Call, Headers, Send

_encode = msgspec.json.Encoder().encode


async def send(send: Send, status: int, headers: Headers, body: bytes = b"") -> None:
    """A whole answer. A 204 has neither body nor a length (RFC 9110, section 8.6)."""
    if status != 204:
        headers.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def rendered(problem: Problem, request_id: str) -> tuple[Headers, bytes]:
    """A problem's headers and document."""
    document: dict[str, Any] = problem.document(request_id=request_id, base_url=settings.BASE_URL)
    headers = [(b"content-type", CONTENT_TYPE.encode()), (b"x-request-id", request_id.encode()), (b"cache-control", b"no-store")]
    headers += [(name.lower().encode(), str(value).encode("latin-1", "replace")) for name, value in problem.headers.items()]
    return headers, _encode(document)


async def refuse(call: Call, out: Send, problem: Problem, extra: Headers | None = None) -> int:
    """Answer a problem; returns its status."""
    call.code = problem.code
    headers, body = rendered(problem, call.request_id)
    if call.method == "HEAD":
        body = b""
    await send(out, problem.status, headers + (extra or []), body)
    call.bytes_out = len(body)
    return problem.status

"""Answers that the gateway gives itself."""

import asyncio
from typing import Any

import msgspec
from django.conf import settings

from core.problems import CONTENT_TYPE, Problem
from gateway.calls import Call, Headers, Send

MOST_DRAINED = 32 * 1024 * 1024
LONGEST_PAUSE = 0.5

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


async def drain(call: Call) -> None:
    """Read what is left of a body that nobody wants, within bounds: a client that is still writing would find its connection
    reset and never see the answer. One that waits for our 100 (RFC 9110, section 10.1.1) needn't send it at all."""
    is_framed = b"content-length" in call.fields or b"transfer-encoding" in call.fields
    if call.is_received or not is_framed or b"expect" in call.fields:
        return
    left = MOST_DRAINED
    try:
        while left > 0 and not call.is_received:
            async with asyncio.timeout(LONGEST_PAUSE):
                message = await call.receive()
            left -= len(message.get("body", b""))
            call.is_received = not message.get("more_body", False)
    except TimeoutError:
        return


async def refuse(call: Call, out: Send, problem: Problem, extra: Headers | None = None) -> int:
    """Answer a problem; returns its status."""
    call.code = problem.code
    headers, body = rendered(problem, call.request_id)
    await drain(call)
    if call.method == "HEAD":
        body = b""
    await send(out, problem.status, headers + (extra or []), body)
    call.bytes_out = len(body)
    return problem.status

"""Refusals that the gateway gives itself."""

from core.problems import Problem
from gateway.calls import Call
from gateway.exchanges import lines, rendered


def refuse(call: Call, problem: Problem, extra: bytes = b"") -> int:
    """Answer a problem, with `extra` header lines; returns its status."""
    call.code = problem.code
    headers, body = rendered(problem, call.request_id)
    call.exchange.answer(problem.status, lines(headers) + extra, body)
    call.bytes_out = 0 if call.method == "HEAD" else len(body)
    return problem.status

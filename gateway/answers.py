"""Refusals that the gateway gives itself."""

from core.problems import Problem
from gateway.calls import Call
from gateway.exchanges import Headers, rendered


def refuse(call: Call, problem: Problem, extra: Headers | None = None) -> int:
    """Answer a problem; returns its status."""
    call.code = problem.code
    headers, body = rendered(problem, call.request_id)
    call.exchange.answer(problem.status, headers + (extra or []), body)
    call.bytes_out = 0 if call.method == "HEAD" else len(body)
    return problem.status

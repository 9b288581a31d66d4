"""Forward-auth: another proxy asks whether it may carry a call (nginx `auth_request`, Traefik `ForwardAuth`, Envoy `ext_authz`).

Such a call is metered when it is admitted; the proxy's own log knows how it ended.
"""

from urllib.parse import parse_qs

from core.problems import MethodNotAllowed, Problem
from gateway import paths
from gateway.calls import Call
from gateway.directory import Directory
from gateway.exchanges import lines, rendered
from gateway.pipeline import Admission, Want

NGINX = "nginx"


class Asked:
    """The call that the other proxy wants to carry, read from its headers onto `call`, and how it wants to be answered."""

    def __init__(self, call: Call) -> None:
        options = parse_qs(call.query.decode("latin-1")) if call.query else {}
        self.style = options.get("style", [""])[-1]
        self.scopes = tuple(options.get("scope", ()))
        call.method = call.header(b"x-original-method") or call.header(b"x-forwarded-method") or "GET"
        uri = call.fields.get(b"x-original-uri") or call.fields.get(b"x-forwarded-uri") or b"/"
        call.raw_path, _, call.query = uri.partition(b"?")

    async def want(self, call: Call, directory: Directory) -> Want:
        """What the asked call needs: that of our own operation, and the named scopes. Raises Problem."""
        call.path = paths.read(call.method, call.raw_path)
        found = await directory.find(call)
        if isinstance(found, MethodNotAllowed):
            raise found
        if not isinstance(found, Want):  # a path outside: any credential with the named scopes
            call.operation_name = "authorize"
            return Want("partner", self.scopes)
        return Want(found.audience, (*found.scopes, *self.scopes), found.route)


def answer_admitted(call: Call, admission: Admission) -> int:
    """204 without a body: one with a body would cost nginx its kept-alive connection."""
    who = b"" if admission.grant is None else admission.grant.wire_lines
    call.exchange.answer(204, call.id_line + who + admission.verdict.lines())
    return 204


def answer_refused(call: Call, problem: Problem, style: str, extra: bytes) -> int:
    """The problem; in nginx's style a bare 401 or 403 whose headers say what it would have been."""
    call.code = problem.code
    headers, body = rendered(problem, call.request_id)
    if style != NGINX:
        call.exchange.answer(problem.status, lines(headers) + extra, body)
        return problem.status
    headers = [entry for entry in headers if entry[0] != b"content-type"]
    headers += [(b"x-portico-status", b"%d" % problem.status), (b"x-portico-code", problem.code.encode())]
    call.exchange.answer(problem.status if problem.status in {401, 403} else 403, lines(headers) + extra)
    return problem.status

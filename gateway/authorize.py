"""Forward-auth: another proxy asks whether it may carry a call (nginx `auth_request`, Traefik `ForwardAuth`, Envoy `ext_authz`).

Such a call is metered when it is admitted; the proxy's own log knows how it ended (`usage.access_log`).
"""

import json
import re
from urllib.parse import parse_qs

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from msgspec import structs

from core.problems import MalformedRequest, Problem
from gateway import paths
from gateway.calls import Call
from gateway.directory import Directory
from gateway.exchanges import Headers, lines, rendered
from gateway.pipeline import APIS, Admission, Want

PATH = b"/gateway/authorize"
BELOW = b"/gateway/authorize/"
"""What Envoy puts in front of the call's own path."""

NAMING = frozenset({b"x-original-method", b"x-original-uri", b"x-forwarded-method", b"x-forwarded-uri", b"x-portico-scope"})
NGINX = "nginx"
ENVOY = "envoy"

LONGEST_QUERY = 2_000
_METHOD = re.compile(r"[A-Z_-]{1,20}")
_SCOPE = re.compile(r"[a-z0-9_:.*-]{1,64}", re.IGNORECASE)


class ContradictoryCall(MalformedRequest):
    """One of the two was put in by somebody else than the proxy, and nobody can tell which."""

    detail = _("Two headers name the call, X-Original-… or X-Forwarded-…, and they differ. Leave them to the proxy.")


class UnreadableQuestion(MalformedRequest):
    """Nothing that a proxy of ours would ask."""

    detail = _("The question names no method, or scopes that can't be any.")


class Asked:
    """The call that the other proxy wants to carry, read from its headers onto `call`, and how it wants to be answered."""

    def __init__(self, call: Call) -> None:
        fields = call.fields
        self.scopes = tuple(call.header(b"x-portico-scope").split()) if b"x-portico-scope" in fields else ()
        self.is_contradictory = len(fields) < len(call.headers) and _names_twice(call.headers)
        self.is_readable = True
        if call.raw_path != PATH:
            self.style = ENVOY
            call.raw_path = call.raw_path[len(PATH) :]
            return
        self.is_readable = len(call.query) <= LONGEST_QUERY
        options = parse_qs(call.query.decode("latin-1")) if call.query and self.is_readable else {}
        self.style = options.get("style", [""])[-1]
        self.scopes += tuple(options.get("scope", ()))
        method, uri = fields.get(b"x-original-method"), fields.get(b"x-original-uri")
        if b"x-forwarded-uri" in fields or b"x-forwarded-method" in fields:
            told = fields.get(b"x-forwarded-method"), fields.get(b"x-forwarded-uri")
            self.is_contradictory |= (method or uri) is not None and (method, uri) != told
            method, uri = told
        call.method = "GET" if method is None else method.decode("latin-1")
        call.raw_path, _mark, call.query = (uri or b"/").partition(b"?")

    async def want(self, call: Call, directory: Directory) -> Want:
        """What the asked call needs: that of our own operation, and the named scopes. Raises Problem."""
        if self.is_contradictory:
            raise ContradictoryCall()
        if not (self.is_readable and _METHOD.fullmatch(call.method) and all(map(_SCOPE.fullmatch, self.scopes))):
            raise UnreadableQuestion()
        if b"#" in call.raw_path:  # some proxies route by what comes before it
            raise paths.AmbiguousPath()
        call.path = paths.read(call.method, call.raw_path)
        found = await directory.find(call)
        if isinstance(found, Problem):
            raise found
        if found is None and call.path[: len(APIS)].lower() == APIS:  # some proxies route without regard to case
            raise paths.AmbiguousPath()
        if found is None:  # a path outside: any credential with the named scopes
            call.operation_name = "authorize"
            return Want("partner", self.scopes)
        return structs.replace(found, scopes=(*found.scopes, *self.scopes), asked=self.scopes)


def _names_twice(headers: Headers) -> bool:
    """Whether one of the headers that name the call, or its scopes, was sent twice with different values."""
    named = {entry for entry in headers if entry[0] in NAMING}
    return len({name for name, _value in named}) < len(named)


def answer_admitted(call: Call, admission: Admission, style: str) -> int:
    """204 without a body: one with a body would cost nginx its kept-alive connection. Envoy takes nothing but 200 for a yes."""
    who = b"" if admission.grant is None else admission.grant.wire_lines
    status = 200 if style == ENVOY else 204
    call.exchange.answer(status, call.id_line + who + admission.verdict.lines())
    return status


def answer_refused(call: Call, problem: Problem, style: str, extra: bytes) -> int:
    """The problem; in nginx's style a bare 401 or 403 whose headers say what it would have been."""
    call.code = problem.code
    headers, body = rendered(problem, call.request_id)
    call.bytes_out = len(body)
    if style != NGINX:
        call.exchange.answer(problem.status, lines(headers) + extra, body)
        return problem.status
    document = json.dumps(problem.document(request_id=call.request_id, base_url=settings.BASE_URL))
    headers = [entry for entry in headers if entry[0] != b"content-type"]
    headers += [
        (b"x-portico-status", b"%d" % problem.status),
        (b"x-portico-code", problem.code.encode()),
        (b"x-portico-problem", document.encode("ascii")),
    ]
    call.exchange.answer(problem.status if problem.status in {401, 403} else 403, lines(headers) + extra)
    return problem.status

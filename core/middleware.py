"""What every request to Django passes: who calls (as the gateway signed it), and problem documents under `/api`."""

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

import structlog
from django.conf import settings
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django_structlog.middlewares import RequestMiddleware
from redis import RedisError

from core import ids, problems
from core.identity import HEADER, Identity, Untrusted, verify

GetResponse = Callable[[HttpRequest], HttpResponseBase]

log = structlog.get_logger(__name__)


# What is raised while PostgreSQL or Redis can't be reached.
AWAY = (OperationalError, InterfaceError, RedisError)


@dataclass(frozen=True, slots=True)
class Call:
    """One request: our id of it, the client's address, and the identity if it came through the gateway."""

    id: UUID
    address: str | None
    identity: Identity | None

    @property
    def request_id(self) -> str:
        """The id on the answer and in logs."""
        return ids.encode("call", self.id)


class CallMiddleware:
    """Sets `request.call`. A request with a forged identity is refused; one without it is anonymous."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        header = request.META.pop(f"HTTP_{HEADER.upper().replace('-', '_')}", "")
        try:
            identity = self._identity(request, header) if header else None
        except Untrusted as error:
            log.warning("identity_refused", reason=str(error), path=request.path)
            return problem_response(problems.Forbidden(), ids.encode("call", ids.new()))
        call_id = UUID(identity.call_id) if identity else ids.new()
        call = Call(call_id, identity.address or None if identity else client_address(request), identity)
        request.call = call  # type: ignore[attr-defined]  # set above
        request.META["HTTP_X_REQUEST_ID"] = call.request_id
        if call.address:
            request.META["REMOTE_ADDR"] = call.address
        response = self.get_response(request)
        response.headers["X-Request-Id"] = call.request_id
        return response

    def _identity(self, request: HttpRequest, header: str) -> Identity:
        return verify(header, settings.IDENTITY_KEY.encode(), method=request.method or "", path=request.path)


class ProblemMiddleware:
    """Whatever goes wrong under `/api`, the answer is a problem document."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if response.status_code < 400 or not speaks_problems(request):
            return response
        if response.headers.get("Content-Type", "").startswith((problems.CONTENT_TYPE, "application/json")):
            return response
        kind = {404: problems.NotFound, 403: problems.Forbidden, 405: problems.MethodNotAllowed}.get(response.status_code)
        if kind is problems.MethodNotAllowed:
            problem = kind(method=request.method, allowed=response.headers.get("Allow", ""))
            return problem_response(problem, request.call.request_id)  # type: ignore[attr-defined]  # set above
        kind = kind or (problems.InternalError if response.status_code >= 500 else problems.MalformedRequest)
        return problem_response(kind(), request.call.request_id)  # type: ignore[attr-defined]  # set above

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Errors of views that aren't the REST framework's; a lost engine is 503, on pages by the site's page for errors."""
        if isinstance(error, AWAY):
            log.error("engine_unavailable", error=str(error))
        if not speaks_problems(request):
            return None
        if isinstance(error, AWAY):
            away = problems.TemporarilyUnavailable()
            return problem_response(away, request.call.request_id)  # type: ignore[attr-defined]  # set above
        if isinstance(error, Http404 | PermissionDenied | SuspiciousOperation):
            return None
        if isinstance(error, problems.Problem):
            return problem_response(error, request.call.request_id)  # type: ignore[attr-defined]  # set above
        return None


class RequestLogMiddleware(RequestMiddleware):
    """django-structlog's, without what a URL may hold of secrets: queries, and the tokens of links in mails."""

    @classmethod
    def bind_ip(cls, request: HttpRequest) -> None:
        structlog.contextvars.bind_contextvars(ip=request.call.address)  # type: ignore[attr-defined]  # set by CallMiddleware

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        return f"{request.method} {_TOKEN.sub('…', request.path)}"


class CallLogMiddleware(RequestLogMiddleware):
    """The same for calls of the API: the gateway writes each of them down, so that only what breaks is a line here."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        call: Call = request.call  # type: ignore[attr-defined]  # set by CallMiddleware
        structlog.contextvars.bind_contextvars(request_id=call.request_id, ip=call.address)
        try:
            response: HttpResponse = self.get_response(request)  # type: ignore[assignment]  # nothing here is asynchronous
        finally:
            structlog.contextvars.clear_contextvars()
        return response


class CallLanguageMiddleware:
    """The language that a call of the API asks for; it has no cookie or path that could say so, which Django's looks for."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        asked = "HTTP_ACCEPT_LANGUAGE" in request.META
        language = translation.get_language_from_request(request) if asked else settings.LANGUAGE_CODE
        translation.activate(language)
        request.LANGUAGE_CODE = language
        response = self.get_response(request)
        patch_vary_headers(response, ["Accept-Language"])
        response.headers.setdefault("Content-Language", language)
        return response


_TOKEN = re.compile(r"(?<=/accounts/verify/)[^/]+|(?<=/invitations/)invite_[^/]+")


def speaks_problems(request: HttpRequest) -> bool:
    """Whether a program is at the other end."""
    return request.path.startswith(("/api/", "/apis/", "/gateway/", "/.well-known/")) or (
        request.path == "/admin/partners" and request.method == "POST"
    )


def problem_response(problem: problems.Problem, request_id: str) -> HttpResponse:
    """The problem as Django's answer."""
    document = problem.document(request_id=request_id, base_url=settings.BASE_URL)
    response = JsonResponse(document, status=problem.status, headers=problem.headers)
    response.headers["Content-Type"] = problems.CONTENT_TYPE
    response.headers["X-Request-Id"] = request_id
    return response


def client_address(request: HttpRequest) -> str | None:
    """The client's address where a production proxy sends pages straight to Django: the last forwarded address that is
    not one of the trusted proxies', or the peer's own."""
    trusted = [ipaddress.ip_network(network) for network in settings.TRUSTED_PROXIES]
    chain = [part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()]
    peer = request.META.get("REMOTE_ADDR", "")
    for candidate in [peer, *reversed(chain)] if peer else reversed(chain):
        try:
            address = ipaddress.ip_address(candidate)
        except ValueError:
            return None
        if not any(address in network for network in trusted):
            return str(address)
    return None

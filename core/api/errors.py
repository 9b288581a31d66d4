"""Every exception of a view as a problem document."""

from typing import Any

import structlog
from django.conf import settings
from django.core.exceptions import BadRequest, PermissionDenied, SuspiciousOperation
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import InterfaceError, OperationalError
from django.http import Http404
from redis import RedisError
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from core import problems

log = structlog.get_logger(__name__)


def as_problem(error: Exception, context: dict[str, Any]) -> Response | None:
    """The REST framework's exception handler. Unknown exceptions are logged and answered 500 by the middleware."""
    problem = _problem(error)
    if problem is None:
        return None
    set_rollback()
    call = context["request"]._request.call
    document = problem.document(request_id=call.request_id, base_url=settings.BASE_URL)
    return Response(document, status=problem.status, headers=problem.headers, content_type=problems.CONTENT_TYPE)


def _problem(error: Exception) -> problems.Problem | None:
    match error:
        case problems.Problem():
            return error
        case Http404() | exceptions.NotFound():
            return problems.NotFound()
        case exceptions.ValidationError():
            return problems.ValidationError(
                error.detail if isinstance(error.detail, dict) else {"non_field_errors": error.detail}
            )
        case DjangoValidationError():
            fields = error.message_dict if hasattr(error, "error_dict") else {"non_field_errors": error.messages}
            return problems.ValidationError(fields)
        case exceptions.NotAuthenticated() | exceptions.AuthenticationFailed():
            return problems.MissingCredential()
        case exceptions.PermissionDenied() | PermissionDenied():
            return problems.Forbidden()
        case exceptions.MethodNotAllowed():
            return problems.MethodNotAllowed(method=getattr(error, "method", ""), allowed="")
        case exceptions.ParseError() | BadRequest() | SuspiciousOperation():
            return problems.MalformedRequest()
        case exceptions.UnsupportedMediaType():
            return problems.UnsupportedMediaType()
        case exceptions.NotAcceptable():
            return problems.NotAcceptable()
        case OperationalError() | InterfaceError() | RedisError():
            log.error("engine_unavailable", error=str(error))
            return problems.TemporarilyUnavailable()
    return None

"""The second wall behind the gateway: an operation's audience and scope are checked again in Django."""

from typing import TYPE_CHECKING, Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from core import problems

if TYPE_CHECKING:
    from core.api.authentication import Caller
    from core.api.views import ApiView


class HasScope(BasePermission):
    """Public views admit everyone; others want their audience's credential, with the operation's scope."""

    def has_permission(self, request: Request, view: Any) -> bool:
        caller: Any = request.user
        return self._admit(caller, request, view)

    def _admit(self, caller: "Caller", request: Request, view: "ApiView") -> bool:
        if view.audience == "public":
            return True
        if caller.kind == "anonymous":
            raise problems.MissingCredential()
        if (view.audience == "operator") != (caller.kind == "operator"):
            raise problems.NotFound()
        scope = view.scope_for(request.method or "", getattr(view, "action", None))
        if scope and not caller.has_scope(scope):
            raise problems.InsufficientScope(scope=scope)
        return True

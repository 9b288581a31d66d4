"""What stands at a path: one of our operations, an API of somebody else's, or nothing."""

from django.utils.translation import gettext_lazy as _

from core.problems import MethodNotAllowed, NotFound, Problem, TemporarilyUnavailable
from gateway.calls import Call
from gateway.pipeline import APIS, Want, wanted
from gateway.routes import Routes
from gateway.table import Table
from gateway.threads import PostgresAway

# What is ours alone: an unknown path below is 404 here. Other paths (`/api/docs`) are Django's to know.
OURS = ("/api/partner", "/api/operator", "/api/requests")
NO_OPERATION = _("No operation has this path. The reference at /api/docs lists them all.")


class Directory:
    """Looks paths up."""

    def __init__(self, table: Table, routes: Routes) -> None:
        self._table = table
        self.routes = routes

    async def find(self, call: Call) -> Want | Problem | None:
        """What the call's operation wants; the problem if there is none such; None if the path is no API's.

        Names the operation on the call.
        """
        path = call.path
        if path.startswith(APIS):
            return await self._api(call, path[len(APIS) :].partition("/")[0])
        found = self._table.find(path) if path.startswith(("/api/", "/.well-known/")) else None
        if found is None:
            return NotFound(NO_OPERATION) if path.startswith(OURS) else None
        operation = found.operation(call.method)
        if operation is None:
            return MethodNotAllowed(method=call.method, allowed=found.allowed, headers={"Allow": found.allowed})
        call.operation_name = operation.name
        return Want(operation.audience, (operation.scope,) if operation.scope else ())

    async def _api(self, call: Call, slug: str) -> Want | Problem:
        try:
            kept = await self.routes.find(slug)
        except PostgresAway:
            return TemporarilyUnavailable()
        if kept is None:
            return NotFound()
        return wanted(kept, call)
